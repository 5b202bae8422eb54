import { KrakenError } from './kraken-error.ts';
import type { Tier } from './state.ts';

interface Limit {
  readonly max: number;
  readonly decayPerS: number;
}

const UNLIMITED: Limit = { max: Number.POSITIVE_INFINITY, decayPerS: 0 };

const REST: Readonly<Record<Tier, Limit>> = {
  starter: { max: 15, decayPerS: 0.33 },
  intermediate: { max: 20, decayPerS: 0.5 },
  pro: { max: 20, decayPerS: 1 },
  unlimited: UNLIMITED,
};

const TRADING: Readonly<Record<Tier, Limit & { readonly openOrders: number }>> = {
  starter: { max: 60, decayPerS: 1, openOrders: 60 },
  intermediate: { max: 125, decayPerS: 2.34, openOrders: 80 },
  pro: { max: 180, decayPerS: 3.75, openOrders: 225 },
  unlimited: { ...UNLIMITED, openOrders: Number.POSITIVE_INFINITY },
};

export function tradingLimit(tier: Tier): number {
  return Number.isFinite(TRADING[tier].max) ? TRADING[tier].max : TRADING.pro.max;
}

/** Open orders a pair may have. */
export function openOrdersLimit(tier: Tier): number {
  return TRADING[tier].openOrders;
}

/** Calls cost this much of the REST counter; trading calls have a counter of their own. */
export function restCost(call: string): number {
  if (/^(AddOrder|AddOrderBatch|AmendOrder|EditOrder|Cancel)/.test(call)) return 0;
  return /^(Ledgers|QueryLedgers|TradesHistory)$/.test(call) ? 2 : 1;
}

type AgedAction = 'amend' | 'edit' | 'cancel';

/** Upper age in seconds, then the extra charge. */
const AGE_CHARGES: Readonly<Record<AgedAction, readonly (readonly [number, number])[]>> = {
  amend: [
    [5, 3],
    [10, 2],
    [15, 1],
  ],
  edit: [
    [5, 6],
    [10, 5],
    [15, 4],
    [45, 2],
    [90, 1],
  ],
  cancel: [
    [5, 8],
    [10, 6],
    [15, 5],
    [45, 4],
    [90, 2],
    [300, 1],
  ],
};

/** What an action on an order of that age adds to the trading counter of its pair. */
export function tradingCost(action: AgedAction, ageMs: number): number {
  const fixed = action === 'cancel' ? 0 : 1;
  const extra = AGE_CHARGES[action].find(([seconds]) => ageMs < seconds * 1000)?.[1] ?? 0;
  return fixed + extra;
}

/** Leaky counters, one per name. Times are epoch ms. */
export class RateLimits {
  readonly #counters = new Map<string, { value: number; atMs: number }>();

  /** Charges a private REST call of a key. Throws {@link KrakenError} and charges nothing when it is full. */
  chargeRest(key: string, tier: Tier, call: string, nowMs: number): void {
    const cost = restCost(call);
    if (cost === 0) return;
    const counter = this.#counter(`rest/${key}`, REST[tier], nowMs);
    if (counter.value + cost > REST[tier].max) throw new KrakenError('EAPI:Rate limit exceeded');
    counter.value += cost;
  }

  /**
   * Charges a trading action. Above the threshold it is refused, except for cancels of a batch.
   * Throws {@link KrakenError}.
   */
  chargeTrading(
    accountId: string,
    pair: string,
    tier: Tier,
    cost: number,
    nowMs: number,
    always = false,
  ): void {
    const counter = this.#counter(`trading/${accountId}/${pair}`, TRADING[tier], nowMs);
    if (!always && counter.value + cost > TRADING[tier].max)
      throw new KrakenError('EOrder:Rate limit exceeded');
    counter.value += cost;
  }

  tradingCount(accountId: string, pair: string, tier: Tier, nowMs: number): number {
    return this.#counter(`trading/${accountId}/${pair}`, TRADING[tier], nowMs).value;
  }

  #counter(name: string, limit: Limit, nowMs: number): { value: number } {
    const counter = this.#counters.get(name) ?? { value: 0, atMs: nowMs };
    const decayed = counter.value - ((nowMs - counter.atMs) / 1000) * limit.decayPerS;
    counter.value = Math.max(0, decayed);
    counter.atMs = nowMs;
    this.#counters.set(name, counter);
    return counter;
  }
}
