import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addOrderCost,
  amendCost,
  cancelCost,
  createCallBudget,
  questionCost,
  REST_LIMITS,
  TRADING_LIMITS,
  type CallCost,
  type Tier,
} from '../../src/exchange/kraken/call-budget.ts';
import type { CallPriority } from '../../src/exchange/port.ts';

const TIERS: readonly Tier[] = ['starter', 'intermediate', 'pro'];
const PRIORITIES: readonly CallPriority[] = ['exit', 'entry', 'look-up', 'reconcile'];

/** Spends as fast as the budget allows; returns how many calls went out in `forMs`. */
function spend(tier: Tier, cost: CallCost, priority: CallPriority, forMs: number): number {
  const budget = createCallBudget(tier);
  let calls = 0;
  for (let now = 0; now < forMs;) {
    const wait = budget.waitMs(cost, priority, now);
    if (wait > 0) {
      now += wait;
      continue;
    }
    budget.charge(cost, now);
    calls += 1;
  }
  return calls;
}

describe('call costs', () => {
  it('counts trade history double', () => {
    expect(questionCost('TradesHistory')).toEqual({ counter: 'rest', units: 2 });
    expect(questionCost('OpenOrders')).toEqual({ counter: 'rest', units: 1 });
  });

  it.each([
    [0, 8],
    [4_999, 8],
    [5_000, 6],
    [10_000, 5],
    [15_000, 4],
    [45_000, 2],
    [90_000, 1],
    [300_000, 0],
  ])('charges a cancel of an order %d ms old %d', (ageMs, units) => {
    expect(cancelCost('BTC/USD', ageMs)).toMatchObject({ units });
  });

  it.each([
    [0, 4],
    [5_000, 3],
    [10_000, 2],
    [15_000, 1],
    [300_000, 1],
  ])('charges an amendment of an order %d ms old %d', (ageMs, units) => {
    expect(amendCost('BTC/USD', ageMs)).toMatchObject({ units });
  });
});

describe('call budget', () => {
  it.each(TIERS)('lets exits of the %s tier trade as fast as Kraken drains', (tier) => {
    const { max, decayPerSecond } = TRADING_LIMITS[tier];
    const sent = spend(tier, addOrderCost('BTC/USD'), 'exit', 100_000);
    const possible = max + 100 * decayPerSecond;
    expect(sent).toBeGreaterThanOrEqual(Math.floor(possible) - 3);
    expect(sent).toBeLessThanOrEqual(Math.ceil(possible));
  });

  it('keeps room for exits beside any lesser load', () => {
    for (const tier of TIERS) {
      const budget = createCallBudget(tier);
      for (const priority of ['reconcile', 'look-up', 'entry'] as const) {
        while (budget.waitMs(questionCost('OpenOrders'), priority, 0) === 0) {
          budget.charge(questionCost('OpenOrders'), 0);
        }
        while (budget.waitMs(addOrderCost('BTC/USD'), priority, 0) === 0) {
          budget.charge(addOrderCost('BTC/USD'), 0);
        }
        expect(budget.waitMs(questionCost('TradesHistory'), 'exit', 0)).toBe(0);
        // An exit may have to cancel a young protective order first.
        expect(budget.waitMs(cancelCost('BTC/USD', 0), 'exit', 0)).toBe(0);
      }
    }
  });

  it('keeps pairs apart', () => {
    const budget = createCallBudget('starter');
    while (budget.waitMs(addOrderCost('BTC/USD'), 'exit', 0) === 0) {
      budget.charge(addOrderCost('BTC/USD'), 0);
    }
    expect(budget.waitMs(addOrderCost('ETH/USD'), 'exit', 0)).toBe(0);
  });

  it('believes a refusal', () => {
    const budget = createCallBudget('starter');
    budget.exhausted(questionCost('OpenOrders'), 0);
    const wait = budget.waitMs(questionCost('OpenOrders'), 'exit', 0);
    expect(wait).toBeGreaterThan(0);
    expect(budget.waitMs(questionCost('OpenOrders'), 'exit', wait)).toBe(0);
  });

  it('never passes the limit, whatever is asked and however late the exchange counts it', () => {
    const call = fc.record({
      priority: fc.constantFrom(...PRIORITIES),
      trading: fc.boolean(),
      ageMs: fc.nat(400_000),
      pauseMs: fc.nat(2_000),
      outwardMs: fc.nat(300),
      backMs: fc.nat(300),
    });
    fc.assert(
      fc.property(fc.constantFrom(...TIERS), fc.array(call, { maxLength: 300 }), (tier, calls) => {
        const budget = createCallBudget(tier);
        const theirs = { rest: { value: 0, atMs: 0 }, trading: { value: 0, atMs: 0 } };
        let now = 0;
        for (const { priority, trading, ageMs, pauseMs, outwardMs, backMs } of calls) {
          now += pauseMs;
          const cost = trading
            ? ageMs % 2 === 0
              ? cancelCost('BTC/USD', ageMs)
              : addOrderCost('BTC/USD')
            : questionCost(ageMs % 2 === 0 ? 'TradesHistory' : 'OpenOrders');
          now += budget.waitMs(cost, priority, now);
          const limit = trading ? TRADING_LIMITS[tier] : REST_LIMITS[tier];
          const counter = trading ? theirs.trading : theirs.rest;
          const arrivesMs = now + outwardMs;
          const drained = ((arrivesMs - counter.atMs) / 1000) * limit.decayPerSecond;
          counter.value = Math.max(0, counter.value - drained) + ('units' in cost ? cost.units : 0);
          counter.atMs = arrivesMs;
          expect(counter.value).toBeLessThanOrEqual(limit.max);
          now = arrivesMs + backMs;
          budget.charge(cost, now);
        }
      }),
    );
  });
});

describe('what is used', () => {
  it('is the share of each counter, of the fullest pair, and drains', () => {
    const budget = createCallBudget('starter');
    expect(budget.used(0)).toEqual({ rest: 0, trading: 0 });
    budget.charge(questionCost('TradesHistory'), 0);
    budget.charge(addOrderCost('BTC/USD'), 0);
    budget.exhausted(addOrderCost('ETH/USD'), 0);
    expect(budget.used(0)).toEqual({ rest: 2 / REST_LIMITS.starter.max, trading: 1 });
    expect(budget.used(3_600_000)).toEqual({ rest: 0, trading: 0 });
    const unlimited = createCallBudget('unlimited');
    unlimited.charge(questionCost('OpenOrders'), 0);
    expect(unlimited.used(0)).toEqual({ rest: 0, trading: 0 });
  });
});
