import type { CallPriority } from '../port.ts';

/**
 * Kraken's account tiers; they set how fast the two call counters drain.
 * `unlimited` is for a paper exchange that counts nothing.
 */
export type Tier = 'starter' | 'intermediate' | 'pro' | 'unlimited';

interface Limit {
  readonly max: number;
  readonly decayPerSecond: number;
}

const UNLIMITED: Limit = { max: Infinity, decayPerSecond: 0 };

export const REST_LIMITS: Readonly<Record<Tier, Limit>> = {
  starter: { max: 15, decayPerSecond: 0.33 },
  intermediate: { max: 20, decayPerSecond: 0.5 },
  pro: { max: 20, decayPerSecond: 1 },
  unlimited: UNLIMITED,
};

export const TRADING_LIMITS: Readonly<Record<Tier, Limit>> = {
  starter: { max: 60, decayPerSecond: 1 },
  intermediate: { max: 125, decayPerSecond: 2.34 },
  pro: { max: 180, decayPerSecond: 3.75 },
  unlimited: UNLIMITED,
};

/** Room that only more urgent calls may use, as a share of the counter's maximum. */
const HELD_BACK: Readonly<Record<CallPriority, number>> = {
  exit: 0,
  entry: 0.2,
  'look-up': 0.3,
  reconcile: 0.55,
};

/** One unit is never used, for what rounding on the other side may add. */
const MARGIN = 1;

/** What a call adds to which counter: the key's REST counter, or the trading counter of a pair. */
export type CallCost =
  | { readonly counter: 'rest'; readonly units: number }
  | { readonly counter: 'trading'; readonly symbol: string; readonly units: number }
  | { readonly counter: 'none' };

/** Ledger and trade history calls count double. */
const DOUBLE = new Set(['TradesHistory', 'Ledgers', 'QueryLedgers']);

export function questionCost(method: string): CallCost {
  return { counter: 'rest', units: DOUBLE.has(method) ? 2 : 1 };
}

export function addOrderCost(symbol: string): CallCost {
  return { counter: 'trading', symbol, units: 1 };
}

/** Orders of one batch count half. */
export function batchCost(symbol: string, orders: number): CallCost {
  return { counter: 'trading', symbol, units: orders / 2 };
}

const CANCEL_UNITS: readonly (readonly [belowAgeMs: number, units: number])[] = [
  [5_000, 8],
  [10_000, 6],
  [15_000, 5],
  [45_000, 4],
  [90_000, 2],
  [300_000, 1],
];

/** On top of the one that every change costs. */
const AMEND_UNITS: readonly (readonly [belowAgeMs: number, units: number])[] = [
  [5_000, 3],
  [10_000, 2],
  [15_000, 1],
];

/** By the age of the order since it was created. */
export function cancelCost(symbol: string, ageMs: number): CallCost {
  return { counter: 'trading', symbol, units: unitsAt(CANCEL_UNITS, ageMs) };
}

/** By the age of the order since it was created. */
export function amendCost(symbol: string, ageMs: number): CallCost {
  return { counter: 'trading', symbol, units: 1 + unitsAt(AMEND_UNITS, ageMs) };
}

function unitsAt(units: typeof CANCEL_UNITS, ageMs: number): number {
  return units.find(([below]) => ageMs < below)?.[1] ?? 0;
}

interface Level {
  value: number;
  atMs: number;
}

export interface CallBudget {
  /** Ms until the call may go out without the counter passing what its priority may use; 0 is now. */
  waitMs(cost: CallCost, priority: CallPriority, nowMs: number): number;
  /** Books a call that has come back. */
  charge(cost: CallCost, nowMs: number): void;
  /** Kraken said that the counter is full, so somebody else shares it: believe it. */
  exhausted(cost: CallCost, nowMs: number): void;
  /** How full the counters are, each a fraction of its maximum; `trading` is the fullest pair's. */
  used(nowMs: number): { readonly rest: number; readonly trading: number };
}

/**
 * Both of Kraken's counters as it keeps them, never lower. Calls are booked when they come back:
 * Kraken booked them earlier, so its own counter has drained at least as far.
 */
export function createCallBudget(tier: Tier): CallBudget {
  const rest: Level = { value: 0, atMs: 0 };
  const trading = new Map<string, Level>();

  function find(cost: Exclude<CallCost, { counter: 'none' }>): [Level, Limit] {
    if (cost.counter === 'rest') return [rest, REST_LIMITS[tier]];
    const level = trading.get(cost.symbol) ?? { value: 0, atMs: 0 };
    trading.set(cost.symbol, level);
    return [level, TRADING_LIMITS[tier]];
  }

  return {
    waitMs(cost, priority, nowMs) {
      if (cost.counter === 'none') return 0;
      const [level, limit] = find(cost);
      if (limit === UNLIMITED) return 0;
      const ceiling = limit.max - MARGIN - Math.floor(limit.max * HELD_BACK[priority]);
      const excess = drained(level, limit, nowMs) + cost.units - ceiling;
      return excess <= 0 ? 0 : Math.ceil((excess / limit.decayPerSecond) * 1000);
    },
    charge(cost, nowMs) {
      if (cost.counter === 'none') return;
      const [level, limit] = find(cost);
      level.value = drained(level, limit, nowMs) + cost.units;
      level.atMs = nowMs;
    },
    exhausted(cost, nowMs) {
      if (cost.counter === 'none') return;
      const [level, limit] = find(cost);
      if (limit === UNLIMITED) return;
      level.value = Math.max(drained(level, limit, nowMs), limit.max);
      level.atMs = nowMs;
    },
    used(nowMs) {
      const share = (level: Level, limit: Limit) => drained(level, limit, nowMs) / limit.max;
      const pairs = [...trading.values()].map((level) => share(level, TRADING_LIMITS[tier]));
      return { rest: share(rest, REST_LIMITS[tier]), trading: Math.max(0, ...pairs) };
    },
  };
}

function drained(level: Level, limit: Limit, nowMs: number): number {
  const elapsedSeconds = Math.max(0, nowMs - level.atMs) / 1000;
  return Math.max(0, level.value - elapsedSeconds * limit.decayPerSecond);
}
