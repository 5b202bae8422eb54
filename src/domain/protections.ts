import { add, big, compare, multiply, text, type Decimal } from './money.ts';
import type { ExitRule } from './exit-policy.ts';

/** Pauses after bad luck, judged by what has closed; null switches one off. Exits are never judged. */
export interface Protections {
  /** After a stop no new trade in the same symbol for so long, ms. */
  readonly cooldownMs: number | null;
  readonly stoplossGuard: StoplossGuard | null;
  readonly lowProfit: LowProfit | null;
  /** Most that one trade may take of equity, a fraction. */
  readonly maxEquityShare: number | null;
}

/** No entry at all while so many stops, over all symbols, lie within the window. */
export interface StoplossGuard {
  readonly stops: number;
  readonly windowMs: number;
}

/** No entry in a symbol whose newest closes, at least so many within the window, earned too little together. */
export interface LowProfit {
  readonly trades: number;
  readonly windowMs: number;
  /** Net P&L of those closes as a fraction of their entry value; below it the symbol rests. */
  readonly leastReturn: number;
}

export const NO_PROTECTIONS: Protections = {
  cooldownMs: null,
  stoplossGuard: null,
  lowProfit: null,
  maxEquityShare: null,
};

export function hasProtections(protections: Protections): boolean {
  return Object.values(protections).some((protection) => protection !== null);
}

/** Exits that count as stops: the policy gave up at a loss. */
export const STOP_RULES: readonly ExitRule[] = ['emergency-loss', 'loss-limit'];

export interface ClosedTrade {
  readonly closedAtMs: number;
  /** Net of fees, quote currency. */
  readonly netPnl: Decimal;
  /** Entry value, quote currency. */
  readonly value: Decimal;
}

/** What the protections look back on; times are those of the exits' last fills. */
export interface ProtectionHistory {
  /** The newest stop of the symbol. */
  readonly lastStopOfSymbolMs: number | null;
  /** Stops over all symbols, newest first; no more than the guard counts are needed. */
  readonly stopsMs: readonly number[];
  /** Closes of the symbol within the low-profit window, oldest first. */
  readonly closesOfSymbol: readonly ClosedTrade[];
}

export interface ProtectedEntry {
  readonly symbol: string;
  /** Quote currency. */
  readonly notional: Decimal;
  /** Quote currency; null when not known. */
  readonly equity: Decimal | null;
  readonly nowMs: number;
}

export type ProtectionName = 'cooldown' | 'stoplossGuard' | 'lowProfit' | 'maxEquityShare';

export interface ProtectionRefusal {
  readonly limit: ProtectionName;
  /** Names the protection, its value, what it saw, and when it ends. */
  readonly message: string;
}

/** A refusal that time ends by itself. */
export interface Pause extends ProtectionRefusal {
  readonly endsAtMs: number;
}

/** The first protection that forbids the entry, or null. Pure. */
export function checkProtections(
  protections: Protections,
  history: ProtectionHistory,
  entry: ProtectedEntry,
): ProtectionRefusal | null {
  const refusal = checkShare(protections, entry) ?? pausesInForce(protections, history, entry)[0];
  return refusal ? { limit: refusal.limit, message: refusal.message } : null;
}

/** Every pause that holds entries in the symbol up. Pure. */
export function pausesInForce(
  protections: Protections,
  history: ProtectionHistory,
  entry: Pick<ProtectedEntry, 'symbol' | 'nowMs'>,
): Pause[] {
  return [
    checkCooldown(protections, history, entry),
    checkStops(protections, history, entry),
    checkProfit(protections, history, entry),
  ].filter((pause) => pause !== null);
}

type Asked = Pick<ProtectedEntry, 'symbol' | 'nowMs'>;

function checkShare(
  { maxEquityShare }: Protections,
  { notional, equity }: ProtectedEntry,
): ProtectionRefusal | null {
  if (maxEquityShare === null) return null;
  const limit = 'maxEquityShare';
  if (equity === null) return { limit, message: `maxEquityShare is ${maxEquityShare}: equity is not known` };
  const most = multiply(equity, text(big(String(maxEquityShare))));
  if (compare(notional, most) <= 0) return null;
  return {
    limit,
    message: `maxEquityShare is ${maxEquityShare}: of an equity of ${equity} one trade may take ${most}, ${notional} was asked`,
  };
}

function checkCooldown(
  { cooldownMs }: Protections,
  { lastStopOfSymbolMs }: ProtectionHistory,
  { symbol, nowMs }: Asked,
): Pause | null {
  if (cooldownMs === null || lastStopOfSymbolMs === null) return null;
  const endsMs = lastStopOfSymbolMs + cooldownMs;
  if (nowMs >= endsMs) return null;
  return {
    limit: 'cooldown',
    endsAtMs: endsMs,
    message: `cooldown is ${minutes(cooldownMs)}: ${symbol} was stopped out at ${iso(lastStopOfSymbolMs)}, a new trade was asked at ${iso(nowMs)}; ${until(endsMs)}`,
  };
}

function checkStops(
  { stoplossGuard }: Protections,
  { stopsMs }: ProtectionHistory,
  { nowMs }: Asked,
): Pause | null {
  if (stoplossGuard === null) return null;
  const { stops, windowMs } = stoplossGuard;
  // While this one lies within the window, so do the newer ones.
  const deciding = stopsMs[stops - 1];
  if (deciding === undefined || nowMs >= deciding + windowMs) return null;
  const endsAtMs = deciding + windowMs;
  return {
    limit: 'stoplossGuard',
    endsAtMs,
    message: `stoplossGuard is ${stops} stops in ${minutes(windowMs)}: as many since ${iso(deciding)}, a new trade was asked at ${iso(nowMs)}; ${until(endsAtMs)}`,
  };
}

function checkProfit(
  { lowProfit }: Protections,
  { closesOfSymbol }: ProtectionHistory,
  { symbol, nowMs }: Asked,
): Pause | null {
  if (lowProfit === null) return null;
  const { trades, windowMs, leastReturn } = lowProfit;
  const closes = closesOfSymbol.filter(({ closedAtMs }) => nowMs < closedAtMs + windowMs);
  if (!earnsTooLittle(closes, lowProfit)) return null;
  const [net, value] = [sum(closes.map((close) => close.netPnl)), sum(closes.map((close) => close.value))];
  const endsAtMs = restEndsMs(closes, lowProfit);
  return {
    limit: 'lowProfit',
    endsAtMs,
    message: `lowProfit is ${leastReturn} over at least ${trades} trades in ${minutes(windowMs)}: ${closes.length} of ${symbol} made ${net} on ${value}, a new trade was asked at ${iso(nowMs)}; ${until(endsAtMs)}`,
  };
}

function earnsTooLittle(closes: readonly ClosedTrade[], { trades, leastReturn }: LowProfit): boolean {
  if (closes.length < trades) return false;
  const least = multiply(sum(closes.map(({ value }) => value)), text(big(String(leastReturn))));
  return compare(sum(closes.map(({ netPnl }) => netPnl)), least) < 0;
}

/** When enough of the closes have left the window, if nothing else of the symbol closes until then. */
function restEndsMs(closes: readonly ClosedTrade[], lowProfit: LowProfit): number {
  const last = closes.findIndex((_, index) => !earnsTooLittle(closes.slice(index + 1), lowProfit));
  return (closes[last]?.closedAtMs ?? 0) + lowProfit.windowMs;
}

function sum(amounts: readonly Decimal[]): Decimal {
  return add('0', ...amounts);
}

function minutes(ms: number): string {
  return `${Number((ms / 60_000).toFixed(3))} min`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function until(ms: number): string {
  return `entries begin again at ${iso(ms)}`;
}
