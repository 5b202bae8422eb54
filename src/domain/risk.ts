import { add, big, compare, isPositive, multiply, subtract, text, type Decimal } from './money.ts';
import type { Side } from './position.ts';

/** What the owner allows; null switches a limit off. */
export interface RiskLimits {
  readonly maxOpenPositions: number | null;
  readonly maxPositionsPerSymbol: number | null;
  /** Of one trade, quote currency. */
  readonly maxNotional: Decimal | null;
  /** Of all trades together, quote currency. */
  readonly maxExposure: Decimal | null;
  /** Loss since midnight UTC, realized or of equity, whichever is more; quote currency, a positive amount. */
  readonly maxDailyLoss: Decimal | null;
  /** Fall of equity from its peak, a fraction of the peak. */
  readonly maxDrawdown: number | null;
}

export const NO_LIMITS: RiskLimits = {
  maxOpenPositions: null,
  maxPositionsPerSymbol: null,
  maxNotional: null,
  maxExposure: null,
  maxDailyLoss: null,
  maxDrawdown: null,
};

/** How things stand when the entry is judged, read under the same lock that reserves. */
export interface RiskSnapshot {
  readonly nowMs: number;
  readonly halt: { readonly reason: string; readonly startedAtMs: number } | null;
  /** Reserved or open. */
  readonly openPositions: number;
  readonly openPositionsOfSymbol: number;
  /** Quote currency. */
  readonly exposure: Decimal;
  /** Cash that nothing holds yet, quote currency; null where the entry needs none or it is not known. */
  readonly freeCash: Decimal | null;
  /** Net P&L of what closed since midnight UTC; a loss is negative. */
  readonly realizedToday: Decimal;
  /** From the exchange's balances; null when they are not known. */
  readonly equity: Decimal | null;
  /** When the day began, midnight UTC; null when it is not known. */
  readonly dayStartEquity: Decimal | null;
  readonly peakEquity: Decimal | null;
  /** A trade is opened once: what became of an earlier reservation of the same trade. */
  readonly ended: string | null;
}

export type LossSnapshot = Pick<RiskSnapshot, 'realizedToday' | 'equity' | 'dayStartEquity' | 'peakEquity'>;

export interface EntryRequest {
  readonly tradeId: string;
  readonly symbol: string;
  /** Quote currency. */
  readonly notional: Decimal;
  /** From here on the signal is too old to act on; null where it does not age. */
  readonly signalExpiresAtMs: number | null;
}

export type LimitName = keyof RiskLimits;

/** What says that capital is fully used: a position that closes makes room. */
export const CAPITAL_LIMITS: readonly string[] = ['maxOpenPositions', 'maxExposure', 'funds'];

/** Why an entry is not allowed; `limit` is a limit's name or what else stood in the way. */
export interface Refusal {
  readonly limit: LimitName | 'funds' | 'notional' | 'halted' | 'trade-ended' | 'signal-expired';
  /** Names the limit, its value and what was asked. */
  readonly message: string;
}

/** How things would stand with one of the open positions gone. */
export function without(
  snapshot: RiskSnapshot,
  position: { readonly symbol: string; readonly notional: Decimal; readonly side: Side },
  symbol: string,
): RiskSnapshot {
  const { openPositions, openPositionsOfSymbol, exposure, freeCash } = snapshot;
  return {
    ...snapshot,
    openPositions: openPositions - 1,
    openPositionsOfSymbol: openPositionsOfSymbol - (position.symbol === symbol ? 1 : 0),
    exposure: subtract(exposure, position.notional),
    // A short gives back margin, not cash.
    freeCash: freeCash === null || position.side === 'short' ? freeCash : add(freeCash, position.notional),
  };
}

/** The first thing that forbids the entry, or null. Exits are never judged. Pure. */
export function checkEntry(
  limits: RiskLimits,
  snapshot: RiskSnapshot,
  request: EntryRequest,
): Refusal | null {
  return (
    checkHalt(snapshot) ??
    checkStanding(snapshot, request) ??
    checkCounts(limits, snapshot, request) ??
    checkAmounts(limits, snapshot, request) ??
    checkDailyLoss(limits, snapshot) ??
    checkDrawdown(limits, snapshot)
  );
}

export function checkHalt({ halt }: Pick<RiskSnapshot, 'halt'>): Refusal | null {
  if (!halt) return null;
  return {
    limit: 'halted',
    message: `entries are halted since ${new Date(halt.startedAtMs).toISOString()}: ${halt.reason}`,
  };
}

function checkStanding({ ended, nowMs }: RiskSnapshot, request: EntryRequest): Refusal | null {
  if (ended !== null)
    return { limit: 'trade-ended', message: `trade ${request.tradeId} has ended already: ${ended}` };
  if (request.signalExpiresAtMs !== null && nowMs >= request.signalExpiresAtMs)
    return {
      limit: 'signal-expired',
      message: `the entry signal expired ${nowMs - request.signalExpiresAtMs} ms ago; a late entry is not placed`,
    };
  if (!isPositive(request.notional))
    return { limit: 'notional', message: `notional is ${request.notional}, it must be above 0` };
  return null;
}

function checkCounts(limits: RiskLimits, snapshot: RiskSnapshot, request: EntryRequest): Refusal | null {
  const { maxOpenPositions, maxPositionsPerSymbol } = limits;
  if (maxOpenPositions !== null && snapshot.openPositions >= maxOpenPositions)
    return {
      limit: 'maxOpenPositions',
      message: `maxOpenPositions is ${maxOpenPositions}: ${snapshot.openPositions} are open or reserved, 1 more was asked`,
    };
  if (maxPositionsPerSymbol !== null && snapshot.openPositionsOfSymbol >= maxPositionsPerSymbol)
    return {
      limit: 'maxPositionsPerSymbol',
      message: `maxPositionsPerSymbol is ${maxPositionsPerSymbol}: ${snapshot.openPositionsOfSymbol} of ${request.symbol} are open or reserved, 1 more was asked`,
    };
  return null;
}

function checkAmounts(limits: RiskLimits, snapshot: RiskSnapshot, request: EntryRequest): Refusal | null {
  const { maxNotional, maxExposure } = limits;
  if (maxNotional !== null && compare(request.notional, maxNotional) > 0)
    return {
      limit: 'maxNotional',
      message: `maxNotional is ${maxNotional}: ${request.notional} was asked`,
    };
  if (maxExposure !== null && compare(add(snapshot.exposure, request.notional), maxExposure) > 0)
    return {
      limit: 'maxExposure',
      message: `maxExposure is ${maxExposure}: ${snapshot.exposure} is in use, ${request.notional} more was asked`,
    };
  if (snapshot.freeCash !== null && compare(request.notional, snapshot.freeCash) > 0)
    return {
      limit: 'funds',
      message: `funds: ${snapshot.freeCash} is free on the exchange, ${request.notional} was asked`,
    };
  return null;
}

export function checkDailyLoss(
  { maxDailyLoss }: Pick<RiskLimits, 'maxDailyLoss'>,
  snapshot: LossSnapshot,
): Refusal | null {
  if (maxDailyLoss === null) return null;
  const { realizedToday, equity, dayStartEquity } = snapshot;
  const realized = subtract('0', realizedToday);
  const fallen = equity === null || dayStartEquity === null ? '0' : subtract(dayStartEquity, equity);
  // Money paid in hides a fall of equity, but not what trades have lost.
  const byEquity = compare(fallen, realized) > 0;
  const loss = byEquity ? fallen : realized;
  if (compare(loss, maxDailyLoss) < 0) return null;
  const how = byEquity ? `, equity fell from ${dayStartEquity ?? ''} to ${equity ?? ''}` : '';
  return {
    limit: 'maxDailyLoss',
    message: `maxDailyLoss is ${maxDailyLoss}: ${loss} was lost today${how}; entries begin again at midnight UTC`,
  };
}

export function checkDrawdown(
  { maxDrawdown }: Pick<RiskLimits, 'maxDrawdown'>,
  snapshot: LossSnapshot,
): Refusal | null {
  if (maxDrawdown === null) return null;
  const { equity, peakEquity } = snapshot;
  const limit = 'maxDrawdown';
  // Without figures the limit can't be shown to hold, and what can't be shown is not allowed.
  if (equity === null || peakEquity === null)
    return { limit, message: `maxDrawdown is ${maxDrawdown}: equity is not known` };
  const floor = multiply(peakEquity, subtract('1', text(big(String(maxDrawdown)))));
  if (compare(equity, floor) > 0) return null;
  return {
    limit,
    message: `maxDrawdown is ${maxDrawdown}: equity is ${equity}, its peak was ${peakEquity}; entries begin again above ${floor}, or after: holdfast resume --reset-drawdown`,
  };
}
