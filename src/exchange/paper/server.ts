import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { Decimal } from '../../domain/money.ts';
import { TRADING_PERMISSIONS, Tokens, newKeyPair } from './auth.ts';
import type { TopOfBook } from './book.ts';
import type { PaperContext } from './context.ts';
import { answerControl, quoteByHand, type ControlPowers } from './control.ts';
import { Engine } from './engine.ts';
import { Faults } from './faults.ts';
import { NO_JOURNAL, openJournal } from './journal.ts';
import { Markets } from './market/markets.ts';
import { startSource, type MarketOptions } from './market/source.ts';
import { findAsset, pairById } from './pairs.ts';
import { OrderChanges } from './order-changes.ts';
import { RateLimits } from './rate-limits.ts';
import { answerRest, sendJson } from './rest/server.ts';
import { chargeRollovers } from './rollover.ts';
import { post } from './bookkeeping.ts';
import type { Tier } from './state.ts';
import { Store } from './store.ts';
import { TradingDesk } from './trading-desk.ts';
import { WebSocketHub } from './websocket/hub.ts';

/** A key to create besides the default one. */
export interface PaperKeyOptions {
  readonly key?: string;
  /** Base64. */
  readonly secret?: string;
  readonly name?: string;
  readonly permissions?: readonly string[];
  /** Default 0. */
  readonly nonceWindow?: number;
}

export interface PaperAccountOptions {
  /** By any spelling of the asset. */
  readonly balances?: Readonly<Record<string, Decimal>>;
  readonly tier?: Tier;
  readonly keys?: readonly PaperKeyOptions[];
}

export interface PaperExchangeOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Null keeps everything in memory only. */
  readonly journalFile: string | null;
  /** Shapes the book around the prices. Default 1. */
  readonly seed?: number;
  readonly market: MarketOptions;
  /** Of the first account of a new journal; default 10,000 USD. An account that exists keeps its own. */
  readonly balances?: Readonly<Record<string, Decimal>>;
  /** Of the first account; default `pro`. */
  readonly tier?: Tier;
  /** Keys of the first account; default one with everything a trading client needs. */
  readonly keys?: readonly PaperKeyOptions[];
  /** More accounts, each with a name of its own. */
  readonly accounts?: Readonly<Record<string, PaperAccountOptions>>;
  readonly log?: Logger;
}

export interface PaperExchange {
  readonly url: string;
  readonly wsUrl: string;
  /** Of the first key of the first account. */
  readonly key: string;
  readonly secret: string;
  /** As the control side does. Throws when the pair is not listed. */
  quote(symbol: string, top: TopOfBook): void;
  close(): Promise<void>;
}

const FIRST_ACCOUNT = 'main';
const TICK_MS = 100;
const KEEP_ALIVE_MS = 120_000;
const SOURCE_ROW = 'source';
const ID_SPACE_ROW = 'id-space';

/** Starts a Kraken-compatible exchange. What the journal holds is there again. */
export async function startPaperExchange(options: PaperExchangeOptions): Promise<PaperExchange> {
  const store = new Store();
  const seed = options.seed ?? 1;
  const journal = options.journalFile === null ? NO_JOURNAL : openJournal(options.journalFile, store);
  store.attach(journal);
  const idSpace = idSpaceOf(store);
  createAccounts(store, options, idSpace);

  const markets = new Markets(seed);
  const engine = new Engine(store, markets, idSpace);
  const limits = new RateLimits();
  const faults = new Faults();
  const parts = { store, markets, engine, limits, faults };
  const desk = new TradingDesk(parts);
  const changes = new OrderChanges(parts, desk);
  const context: PaperContext = {
    store,
    markets,
    engine,
    desk,
    changes,
    limits,
    faults,
    tokens: new Tokens(),
    log: options.log,
  };

  const sourceContext = { markets, store, seed, log: options.log };
  restoreManualPrices(context);
  const resumed = resumedMarket(store, options.market);
  let source = startSource(resumed.market, resumed.fresh, sourceContext);
  const http = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      options.log?.error({ event: 'paper-internal-error', err: error }, 'a request failed');
      response.destroy();
    });
  });
  // Longer than any client keeps an idle connection: none may be cut while a request is on its way.
  http.keepAliveTimeout = KEEP_ALIVE_MS;
  const hub = new WebSocketHub(http, context);
  const powers: ControlPowers = {
    marketState: () => source.state(),
    switchMarket: (market) => {
      source.stop();
      for (const pair of markets.all()) pair.manual = false;
      forgetManualPrices(context);
      source = startSource(market, true, sourceContext);
      rememberMarket(store, options.market, market);
      return source.state();
    },
    strike: (fault) => hub.strike(fault),
    clearFaults: () => {
      faults.clear();
      hub.clearFaults();
    },
  };
  const answer = async (...[request, response]: Parameters<Parameters<typeof createServer>[1] & object>) => {
    if (await answerRest(request, response, context)) return;
    if (await answerControl(request, response, context, powers)) return;
    sendJson(response, 404, { error: ['EGeneral:Unknown method'] });
  };
  const ticker = setInterval(() => {
    chargeRollovers({ store, idSpace, nowMs: Date.now() });
    engine.tick(Date.now());
    changes.tick(Date.now());
  }, TICK_MS);

  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    http.listen(options.port, host, () => resolve());
  });
  const { port } = http.address() as AddressInfo;
  await store.persist();
  const first = [...store.keys.values()].find((key) => key.accountId === FIRST_ACCOUNT);
  return {
    url: `http://${host}:${port}`,
    wsUrl: `ws://${host}:${port}/v2`,
    key: first?.key ?? '',
    secret: first?.secret ?? '',
    quote: (symbol, top) => quoteByHand(context, pairById(symbol), top, null),
    close: async () => {
      clearInterval(ticker);
      source.stop();
      await hub.close();
      http.closeAllConnections();
      await new Promise<void>((resolve) => http.close(() => resolve()));
      store.commit();
      await journal.close();
    },
  };
}

/** Drawn once for a journal and kept in it. */
function idSpaceOf(store: Store): string {
  const known = store.memos.get(ID_SPACE_ROW)?.data.idSpace;
  if (typeof known === 'string') return known;
  const idSpace = randomUUID();
  store.put('memo', { id: ID_SPACE_ROW, data: { idSpace } });
  return idSpace;
}

function createAccounts(store: Store, options: PaperExchangeOptions, idSpace: string): void {
  const { balances = { ZUSD: '10000' }, tier = 'pro', keys = [{}] } = options;
  const wanted: Record<string, PaperAccountOptions> = {
    [FIRST_ACCOUNT]: { balances, tier, keys },
    ...options.accounts,
  };
  const nowMs = Date.now();
  for (const [id, account] of Object.entries(wanted)) {
    if (store.accounts.has(id)) continue;
    store.put('account', { id, tier: account.tier ?? 'pro', balances: {} });
    for (const [name, amount] of Object.entries(account.balances ?? {})) {
      const asset = findAsset(name);
      if (!asset) throw new RangeError(`balances names ${name}, which is no listed asset`);
      post({ store, idSpace, nowMs }, id, `deposit-${asset.id}`, 'deposit', asset.id, amount, '0');
    }
    for (const [index, key] of (account.keys ?? [{}]).entries()) {
      store.put('key', {
        ...newKeyPair(),
        ...(key.key === undefined ? {} : { key: key.key }),
        ...(key.secret === undefined ? {} : { secret: key.secret }),
        name: key.name ?? `${id}-${index + 1}`,
        accountId: id,
        permissions: key.permissions ?? TRADING_PERMISSIONS,
        nonceWindow: key.nonceWindow ?? 0,
        createdMs: nowMs,
        nonce: '0',
      });
    }
  }
}

function restoreManualPrices({ store, markets }: PaperContext): void {
  for (const row of store.memos.values()) {
    if (!row.id.startsWith('price/') || row.data.bid === undefined) continue;
    const market = markets.of(pairById(row.id.slice('price/'.length)));
    market.manual = true;
    market.top = { bid: row.data.bid as Decimal, ask: row.data.ask as Decimal };
    market.last = row.data.last as Decimal;
  }
}

function forgetManualPrices({ store }: PaperContext): void {
  for (const row of store.memos.values()) {
    if (row.id.startsWith('price/')) store.put('memo', { ...row, data: {} });
  }
}

/** A restart with the same options goes on with what the control side had switched to. */
function resumedMarket(store: Store, configured: MarketOptions): { market: MarketOptions; fresh: boolean } {
  const row = store.memos.get(SOURCE_ROW);
  const same = row && JSON.stringify(row.data.configured) === JSON.stringify(configured);
  const market = same ? (row.data.current as MarketOptions) : configured;
  rememberMarket(store, configured, market);
  return { market, fresh: !same };
}

function rememberMarket(store: Store, configured: MarketOptions, current: MarketOptions): void {
  store.put('memo', { id: SOURCE_ROW, data: { configured, current } });
  store.commit();
}
