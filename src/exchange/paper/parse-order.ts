import {
  big,
  compare,
  floorToTick,
  isDecimal,
  isPositive,
  multiply,
  text,
  type Decimal,
} from '../../domain/money.ts';
import { KrakenError, invalidArguments } from './kraken-error.ts';
import type { Pair } from './pairs.ts';
import type { ConditionalClose, OrderSpec, OrderTerms, OrderType, TimeInForce } from './state.ts';
import { isLimitType, isTrailing, isTriggerType, resolvePrice, trailTrigger } from './triggers.ts';

/** An order as it was asked for, all text, in the words of AddOrder. */
export type RawOrder = Readonly<Record<string, string | undefined>>;

/** What the checks need besides the order itself. */
export interface OrderContext {
  readonly pair: Pair;
  /** Last trade and best prices of the pair. */
  readonly last: Decimal;
  readonly bid: Decimal;
  readonly ask: Decimal;
  /** When the request arrived. */
  readonly receivedAtMs: number;
  readonly nowMs: number;
  readonly via: 'rest' | 'websocket';
}

const ORDER_TYPES: readonly string[] = [
  'market',
  'limit',
  'iceberg',
  'stop-loss',
  'take-profit',
  'stop-loss-limit',
  'take-profit-limit',
  'trailing-stop',
  'trailing-stop-limit',
  'settle-position',
];
const CLOSE_TYPES = ORDER_TYPES.slice(1, -1);
const FLAGS = ['post', 'fcib', 'fciq', 'nompp', 'viqc'];
const TIMES_IN_FORCE = ['GTC', 'IOC', 'GTD', 'FOK'];
const SOONEST_DEADLINE_MS = { rest: 2_000, websocket: 500 } as const;
const LATEST_DEADLINE_MS = 60_000;
const SOONEST_EXPIRY_MS = 5_000;
const LATEST_EXPIRY_MS = 31 * 86_400_000;
/** An iceberg shows at least this share of itself. */
const ICEBERG_PARTS = '15';

/** Checks everything that can be checked without the account. Throws {@link KrakenError}. */
export function parseOrder(raw: RawOrder, context: OrderContext): OrderSpec {
  const { pair } = context;
  const side = raw.type;
  if (side !== 'buy' && side !== 'sell') throw invalidArguments('type');
  const type = parseType(raw);
  const flags = (raw.oflags ?? '').split(',').filter((flag) => flag !== '');
  if (flags.some((flag) => !FLAGS.includes(flag))) throw invalidArguments('oflags');
  const leverage = parseLeverage(raw, pair);
  const reduceOnly = parseBoolean(raw.reduce_only, 'reduce_only');
  if (reduceOnly && leverage === null) throw invalidArguments('reduce_only');
  const postOnly = flags.includes('post');
  if (postOnly && type !== 'limit' && type !== 'iceberg') throw invalidArguments('oflags');
  const volumeInQuote = flags.includes('viqc');
  if (volumeInQuote && (type !== 'market' || leverage !== null)) throw invalidArguments('oflags');
  if (raw.trigger !== undefined && !isTriggerType(type)) throw invalidArguments('trigger');
  if (!['last', 'index', undefined].includes(raw.trigger)) throw invalidArguments('trigger');
  const volume = parseVolume(raw.volume, pair, volumeInQuote, leverage !== null);
  const prices = parsePrices(raw, type, side, context);
  const times = parseTimes(raw, type, context);
  parseDeadline(raw.deadline, context);
  const terms: OrderTerms = {
    pair: pair.id,
    side,
    type,
    volume,
    ...prices,
    leverage,
    reduceOnly,
    postOnly,
    ...times,
    displayVolume: parseDisplayVolume(raw, type, volume),
    feeInBase: flags.includes('fcib'),
    close: parseClose(raw),
    ...parseReferences(raw),
  };
  checkMinimums(terms, volumeInQuote, context);
  return { terms, volumeInQuote, validateOnly: parseBoolean(raw.validate, 'validate') };
}

function parseType(raw: RawOrder): OrderType {
  const type = raw.ordertype ?? '';
  if (!ORDER_TYPES.includes(type)) throw invalidArguments('ordertype');
  return type as OrderType;
}

function parseLeverage(raw: RawOrder, pair: Pair): number | null {
  const text = raw.leverage;
  if (text === undefined || text === 'none' || text === '' || text === '1') return null;
  const leverage = Number(text.replace(/:1$/, ''));
  if (!pair.leverages.includes(leverage)) throw invalidArguments('leverage');
  return leverage;
}

/** Python clients send `True` and `False`. */
export function parseBoolean(text: string | undefined, field: string): boolean {
  const lower = (text ?? 'false').toLowerCase();
  if (lower !== 'true' && lower !== 'false' && lower !== '1' && lower !== '0') throw invalidArguments(field);
  return lower === 'true' || lower === '1';
}

function parseVolume(text: string | undefined, pair: Pair, inQuote: boolean, margin: boolean): Decimal {
  if (text === undefined || !isDecimal(text) || compare(text, '0') < 0) throw invalidArguments('volume');
  if (!isPositive(text) && !margin) throw invalidArguments('volume');
  if (decimalsOf(text) > (inQuote ? pair.costDecimals : pair.lotDecimals)) throw invalidArguments('volume');
  return plain(text);
}

type Prices = Pick<OrderTerms, 'price' | 'price2' | 'limitPrice' | 'triggerPrice' | 'trail' | 'limitOffset'>;

function parsePrices(raw: RawOrder, type: OrderType, side: 'buy' | 'sell', context: OrderContext): Prices {
  const { pair, last } = context;
  const [price = null, price2 = null] = [blankAsUnset(raw.price), blankAsUnset(raw.price2)];
  const none = { price, price2, limitPrice: null, triggerPrice: null, trail: null, limitOffset: null };
  if (type === 'market' || type === 'settle-position') return { ...none, price: null, price2: null };
  if (price === null) throw invalidArguments('price');
  if (!isTriggerType(type)) return { ...none, limitPrice: checkedPrice(pair, side, price, last, 'price') };
  if (isLimitType(type) && price2 === null) throw invalidArguments('price2');
  if (isTrailing(type)) {
    if (!/^\+\d+(\.\d+)?%?$/.test(price)) throw invalidArguments('price');
    if (price2 !== null && !/^[+-]\d+(\.\d+)?%?$/.test(price2)) throw invalidArguments('price2');
    return {
      ...none,
      trail: price,
      triggerPrice: trailTrigger(pair, side, last, price),
      limitOffset: price2,
    };
  }
  const triggerPrice = checkedPrice(pair, side, price, last, 'price');
  const limitPrice =
    isLimitType(type) && price2 !== null ? checkedPrice(pair, side, price2, triggerPrice, 'price2') : null;
  return { ...none, triggerPrice, limitPrice };
}

/** Resolves a relative price and checks precision and tick. Throws {@link KrakenError}. */
export function checkedPrice(
  pair: Pair,
  side: 'buy' | 'sell',
  price: string,
  reference: Decimal,
  field: 'price' | 'price2',
): Decimal {
  const resolved = resolvePrice(pair, side, price, reference);
  const argument = field === 'price' ? 'price' : 'secondary price';
  if (resolved === null || !isPositive(resolved))
    throw new KrakenError(`EOrder:Invalid ${argument} argument`);
  if (decimalsOf(resolved) > pair.priceDecimals) {
    throw new KrakenError(
      `EOrder:Invalid price:${pair.id} price can only be specified up to ${pair.priceDecimals} decimals.`,
    );
  }
  if (compare(floorToTick(resolved, pair.tickSize), resolved) !== 0) {
    throw new KrakenError('EOrder:Tick size check failed');
  }
  return resolved;
}

type Times = Pick<OrderTerms, 'timeInForce' | 'startMs' | 'expireMs'>;

function parseTimes(raw: RawOrder, type: OrderType, context: OrderContext): Times {
  const timeInForce = (raw.timeinforce ?? (raw.expiretm ? 'GTD' : 'GTC')).toUpperCase();
  if (!TIMES_IN_FORCE.includes(timeInForce)) throw invalidArguments('timeinforce');
  if (type === 'market' && raw.timeinforce !== undefined) throw invalidArguments('timeinforce');
  if (timeInForce === 'FOK' && type !== 'limit') throw invalidArguments('timeinforce');
  const startMs = parseMoment(raw.starttm, 'starttm', context.nowMs);
  const expireMs = parseMoment(raw.expiretm, 'expiretm', context.nowMs);
  if (timeInForce === 'GTD' && expireMs === 0) throw invalidArguments('expiretm');
  if (expireMs !== 0) {
    const ahead = expireMs - context.receivedAtMs;
    if (ahead < SOONEST_EXPIRY_MS || ahead > LATEST_EXPIRY_MS) throw invalidArguments('expiretm');
  }
  return {
    timeInForce: timeInForce as TimeInForce,
    startMs,
    expireMs,
  };
}

/** `0`, unix seconds or `+n` seconds, as epoch ms; 0 for none. */
function parseMoment(text: string | undefined, field: string, nowMs: number): number {
  if (text === undefined || text === '' || text === '0') return 0;
  // A plus that was not encoded arrives as a blank.
  if (/^[+ ]\d+$/.test(text)) return nowMs + Number(text.slice(1)) * 1000;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  throw invalidArguments(field);
}

/**
 * The range is judged by the time of arrival, the deadline itself when the engine takes the order up,
 * which is later when the order was queued.
 */
export function parseDeadline(
  text: string | undefined,
  { receivedAtMs, nowMs, via }: Pick<OrderContext, 'receivedAtMs' | 'nowMs' | 'via'>,
): void {
  if (text === undefined || text === '') return;
  if (!/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text))
    throw invalidArguments('deadline');
  const deadlineMs = Date.parse(text.replace(/(\.\d{3})\d+/, '$1'));
  if (Number.isNaN(deadlineMs)) throw invalidArguments('deadline');
  if (deadlineMs <= nowMs) throw new KrakenError('EService:Deadline elapsed');
  const ahead = deadlineMs - receivedAtMs;
  if (ahead < SOONEST_DEADLINE_MS[via] || ahead > LATEST_DEADLINE_MS) throw invalidArguments('deadline');
}

function parseDisplayVolume(raw: RawOrder, type: OrderType, volume: Decimal): Decimal | null {
  const shown = raw.displayvol;
  if (type !== 'iceberg') return null;
  if (shown === undefined || !isDecimal(shown) || !isPositive(shown)) throw invalidArguments('displayvol');
  if (compare(multiply(shown, ICEBERG_PARTS), volume) < 0) throw invalidArguments('displayvol');
  return shown;
}

function parseClose(raw: RawOrder): ConditionalClose | null {
  const type = raw['close[ordertype]'];
  if (type === undefined || type === '') return null;
  const price = raw['close[price]'];
  const price2 = raw['close[price2]'] ?? null;
  if (!CLOSE_TYPES.includes(type)) throw invalidArguments('close[ordertype]');
  if (price === undefined) throw invalidArguments('close[price]');
  return { type: type as OrderType, price, price2 };
}

function parseReferences(raw: RawOrder): Pick<OrderTerms, 'userref' | 'clOrdId'> {
  const clOrdId = blankAsUnset(raw.cl_ord_id) ?? null;
  const userref = blankAsUnset(raw.userref) ?? null;
  if (clOrdId !== null && !isClientOrderId(clOrdId)) throw invalidArguments('cl_ord_id');
  if (clOrdId !== null && userref !== null) throw invalidArguments('cl_ord_id');
  if (userref !== null && (!/^-?\d+$/.test(userref) || Math.abs(Number(userref)) > 0x7fffffff)) {
    throw invalidArguments('userref');
  }
  return { clOrdId, userref: userref === null ? null : Number(userref) };
}

/** A dashed UUID, 32 hexadecimal digits, or at most 18 printable ASCII characters. */
export function isClientOrderId(id: string): boolean {
  return (
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id) ||
    /^[0-9a-f]{32}$/i.test(id) ||
    /^[\x21-\x7e]{1,18}$/.test(id)
  );
}

function checkMinimums(
  terms: OrderTerms,
  volumeInQuote: boolean,
  { pair, last, bid, ask }: OrderContext,
): void {
  // A volume of 0 closes a margin position, whatever its size.
  if (!isPositive(terms.volume)) return;
  const price = terms.limitPrice ?? terms.triggerPrice ?? (terms.side === 'buy' ? ask : bid);
  const cost = volumeInQuote ? terms.volume : multiply(terms.volume, isPositive(price) ? price : last);
  const least = volumeInQuote ? multiply(pair.orderMinimum, price) : pair.orderMinimum;
  if (compare(terms.volume, least) < 0) throw new KrakenError('EOrder:Order minimum not met');
  if (compare(cost, pair.costMinimum) < 0) throw new KrakenError('EOrder:Cost minimum not met');
}

/** Without trailing zeros. */
export function plain(value: Decimal): Decimal {
  return text(big(value));
}

function decimalsOf(value: Decimal): number {
  return (/\.(\d*?)0*$/.exec(value)?.[1] ?? '').length;
}

function blankAsUnset(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
