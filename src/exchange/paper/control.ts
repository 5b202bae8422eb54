import type { IncomingMessage, ServerResponse } from 'node:http';
import { compare, isDecimal, isPositive, type Decimal } from '../../domain/money.ts';
import type { TopOfBook } from './book.ts';
import type { PaperContext } from './context.ts';
import type { Fault } from './faults.ts';
import type { MarketOptions, MarketState } from './market/source.ts';
import { findPair, type Pair } from './pairs.ts';
import { readBody, sendJson } from './rest/server.ts';
import { amountOf, orderView } from './rest/views.ts';
import type { Arrival, Trade } from './state.ts';

/** What only the control side may do to the running exchange. */
export interface ControlPowers {
  marketState(): MarketState;
  /** Replaces the source of the market. Throws `RangeError` on bad options. */
  switchMarket(options: MarketOptions): MarketState;
  /** Carries out a fault of the connections at once. */
  strike(fault: Fault): void;
  clearFaults(): void;
}

type Body = Readonly<Record<string, unknown>>;
type Handler = (body: Body, context: PaperContext, powers: ControlPowers) => unknown;

const ROUTES: Readonly<Record<string, Handler>> = {
  'POST /control/price': setPrice,
  'GET /control/orders': (_body, context) =>
    [...context.store.arrivals.values()].map((row) => arrivalView(row, context)),
  'GET /control/account': (_body, context) => accountViews(context),
  'GET /control/market': (_body, _context, powers) => powers.marketState(),
  'POST /control/market': (body, _context, powers) => powers.switchMarket(marketOptions(body)),
  'POST /control/faults': (body, context, powers) => {
    const fault = context.faults.arm(body);
    if (fault.kind === 'ws-close' || fault.kind === 'ws-stall') {
      powers.strike(fault);
      context.faults.disarm(fault);
    }
    return { armed: context.faults.armed() };
  },
  'GET /control/faults': (_body, context) => ({ armed: context.faults.armed() }),
  'DELETE /control/faults': (_body, context, powers) => {
    powers.clearFaults();
    context.engine.liftFillCaps();
    return { armed: context.faults.armed() };
  },
};

/** Answers `/control/…`, from this machine only. Returns false for any other path. */
export async function answerControl(
  request: IncomingMessage,
  response: ServerResponse,
  context: PaperContext,
  powers: ControlPowers,
): Promise<boolean> {
  const path = (request.url ?? '').split('?')[0] ?? '';
  if (!path.startsWith('/control/')) return false;
  if (!isLoopback(request.socket.remoteAddress)) {
    sendJson(response, 403, { error: 'the control side answers on the loopback interface only' });
    return true;
  }
  const handler = ROUTES[`${request.method ?? ''} ${path}`];
  if (!handler) {
    sendJson(response, 404, {
      error: `no ${request.method ?? ''} ${path}; there are: ${Object.keys(ROUTES).join(', ')}`,
    });
    return true;
  }
  try {
    sendJson(response, 200, handler(parseJson(await readBody(request)), context, powers));
  } catch (error) {
    sendJson(response, 400, { error: error instanceof Error ? error.message : String(error) });
  }
  return true;
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(::ffff:)?127\.|^::1$/.test(address);
}

function parseJson(bytes: Buffer): Body {
  if (bytes.length === 0) return {};
  const parsed: unknown = JSON.parse(bytes.toString('utf8'));
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new TypeError('the body must be a JSON object');
  return parsed as Body;
}

function setPrice(body: Body, { markets, store }: PaperContext): unknown {
  const pair = pairOf(body.pair ?? body.symbol);
  const bid = priceOf('bid', body.bid, pair);
  const ask = priceOf('ask', body.ask, pair);
  if (compare(bid, ask) > 0) throw new RangeError(`bid must not be above ask; got bid ${bid} and ask ${ask}`);
  const last = body.last === undefined ? null : priceOf('last', body.last, pair);
  quoteByHand({ markets, store }, pair, { bid, ask }, last);
  return { pair: pair.id, symbol: pair.symbol, bid, ask, last: markets.of(pair).last, manual: true };
}

/** Sets the best prices of a pair, which no source moves from then on; a restart keeps them. */
export function quoteByHand(
  { markets, store }: Pick<PaperContext, 'markets' | 'store'>,
  pair: Pair,
  top: TopOfBook,
  last: Decimal | null,
): void {
  markets.quote(pair, top, last, Date.now());
  store.put('memo', { id: `price/${pair.id}`, data: { ...top, last: markets.of(pair).last } });
  store.commit();
}

function pairOf(name: unknown): Pair {
  const pair = typeof name === 'string' ? findPair(name) : undefined;
  if (!pair) throw new RangeError(`pair must be a listed pair such as BTC/USD; got ${JSON.stringify(name)}`);
  return pair;
}

function priceOf(field: string, value: unknown, pair: Pair): Decimal {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || !isDecimal(text) || !isPositive(text)) {
    throw new RangeError(`${field} must be a positive decimal; got ${JSON.stringify(value)}`);
  }
  if ((text.split('.')[1] ?? '').replace(/0+$/, '').length > pair.priceDecimals) {
    throw new RangeError(
      `${field} of ${pair.symbol} may have ${pair.priceDecimals} decimals at most; got ${text}`,
    );
  }
  return text;
}

function marketOptions(body: Body): MarketOptions {
  const { source, file, speed = 1, seed = 1, volatility, symbol, warmupMs, aligned } = body;
  const number = (field: string, value: unknown): number => {
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw new RangeError(`${field} must be a number; got ${JSON.stringify(value)}`);
    }
    return value;
  };
  switch (source) {
    case 'manual':
      return { source };
    case 'synthetic':
      return {
        source,
        seed: number('seed', seed),
        ...(volatility === undefined ? {} : { volatility: number('volatility', volatility) }),
      };
    case 'tape':
      if (typeof file !== 'string')
        throw new RangeError(`file must name a tape; got ${JSON.stringify(file)}`);
      return {
        source,
        file,
        speed: number('speed', speed),
        ...(typeof symbol === 'string' ? { symbol } : {}),
        ...(warmupMs === undefined ? {} : { warmupMs: number('warmupMs', warmupMs) }),
        ...(aligned === undefined ? {} : { aligned: aligned === true }),
      };
    default:
      throw new RangeError(`source must be tape, synthetic or manual; got ${JSON.stringify(source)}`);
  }
}

function arrivalView(arrival: Arrival, { store }: PaperContext): Record<string, unknown> {
  const order = arrival.txid === null ? undefined : store.orders.get(arrival.txid);
  const trades = (order?.trades ?? [])
    .map((id) => store.trades.get(id))
    .filter((trade) => trade !== undefined);
  return {
    ...arrival,
    account: arrival.accountId,
    status: order?.status ?? null,
    filled: order?.filled ?? '0',
    cost: order?.cost ?? '0',
    fee: order?.fee ?? '0',
    fills: trades.map(fillView),
  };
}

function fillView(trade: Trade): Record<string, unknown> {
  return {
    id: trade.id,
    price: trade.price,
    volume: trade.volume,
    cost: trade.cost,
    fee: trade.fee,
    timeMs: trade.timeMs,
    maker: trade.maker,
  };
}

/** The first account at the top level, all of them under `accounts`. */
function accountViews(context: PaperContext): Record<string, unknown> {
  const views = [...context.store.accounts.values()].map(({ id, tier, balances }) => ({
    id,
    tier,
    keys: [...context.store.keys.values()]
      .filter((key) => key.accountId === id)
      .map(({ key, secret, name, permissions }) => ({ key, secret, name, permissions })),
    balances: Object.fromEntries(
      Object.entries(balances).map(([asset, value]) => [asset, amountOf(asset, value)]),
    ),
    openOrders: context.store
      .openOrders(id)
      .map((order) => ({ txid: order.txid, ...orderView(order, true) })),
    positions: context.store.openPositions(id),
  }));
  return { ...views[0], accounts: views };
}
