import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { evaluateExit, type Policy, type Prediction } from '../../src/domain/exit-policy.ts';
import { betterPrice, type Side } from '../../src/domain/position.ts';
import { STARTING_THRESHOLDS } from '../../src/domain/thresholds.ts';
import type { Quote } from '../../src/exchange/port.ts';
import type { ArmedTrade } from '../../src/market/guarded-position.ts';
import { MarketHub } from '../../src/market/hub.ts';
import { anyThresholds } from '../domain/support/exit-arbitraries.ts';
import '../domain/support/fixed-seed.ts';

const TICK = 0.1;
const STEP_MS = 250;
const PREDICTION_INTERVAL_MS = 1_000;
const SYMBOLS = ['BTC/USD', 'ETH/USD'] as const;
type Symbol = (typeof SYMBOLS)[number];

const price = (ticks: number) => (ticks * TICK).toFixed(1);

/** A hub whose marks and predictions are given by hand, and the positions that it decided. */
class HandHub {
  readonly decided: string[] = [];
  readonly predictions = new Map<string, Prediction | null>();
  readonly hub: MarketHub;
  #quote: (quote: Quote) => void = () => undefined;

  constructor() {
    this.hub = new MarketHub({
      feed: {
        subscribe: () => undefined,
        unsubscribe: () => undefined,
        onQuote: (listener) => (this.#quote = listener),
        status: () => ({ connected: true, lastMessageMs: null, lastHeardMs: null, reconnects: 0 }),
        close: () => Promise.resolve(),
      },
      predict: (symbol) => Promise.resolve(this.predictions.get(symbol) ?? null),
      predictionIntervalMs: PREDICTION_INTERVAL_MS,
      decided: ({ positionId }) => this.decided.push(positionId),
      now: Date.now,
      log: pino({ level: 'silent' }),
    });
  }

  mark(symbol: string, bid: string, ask: string): void {
    this.#quote({ symbol, bid, ask, last: bid, receivedAtMs: Date.now(), via: 'stream' });
  }
}

/** What the policy says when it is asked about every position at every mark and at every moment. */
class EveryoneAsked {
  readonly decided: string[] = [];
  readonly positions = new Map<string, { trade: ArmedTrade; best: string }>();
  readonly #quotes = new Map<string, { bid: string; ask: string }>();
  readonly #predictions = new Map<string, Prediction | null>();

  arm(trade: ArmedTrade, prediction: Prediction | null): void {
    const known = this.positions.get(trade.positionId);
    if (known?.trade.quantity === trade.quantity) return;
    if (known) this.disarm(trade.positionId);
    this.positions.set(trade.positionId, { trade, best: trade.position.bestPrice });
    if (!this.#predictions.has(trade.symbol)) this.#predictions.set(trade.symbol, prediction);
    this.ask();
  }

  disarm(positionId: string): void {
    const symbol = this.positions.get(positionId)?.trade.symbol;
    this.positions.delete(positionId);
    if (symbol === undefined || [...this.positions.values()].some(({ trade }) => trade.symbol === symbol))
      return;
    this.#quotes.delete(symbol);
    this.#predictions.delete(symbol);
  }

  mark(symbol: string, bid: string, ask: string): void {
    if (![...this.positions.values()].some(({ trade }) => trade.symbol === symbol)) return;
    this.#quotes.set(symbol, { bid, ask });
    this.ask();
  }

  predict(predictions: ReadonlyMap<string, Prediction | null>): void {
    for (const symbol of this.#predictions.keys()) {
      this.#predictions.set(symbol, predictions.get(symbol) ?? null);
    }
    this.ask();
  }

  ask(): void {
    for (const [positionId, guarded] of [...this.positions]) {
      const { position, symbol, policy } = guarded.trade;
      const quote = this.#quotes.get(symbol);
      if (!quote) continue;
      const mark = position.side === 'long' ? quote.bid : quote.ask;
      const prediction = this.#predictions.get(symbol) ?? null;
      const current = { ...position, bestPrice: guarded.best };
      guarded.best = betterPrice(position.side, guarded.best, mark);
      if (evaluateExit(current, mark, prediction, policy, Date.now()).action !== 'exit') continue;
      this.decided.push(positionId);
      this.disarm(positionId);
    }
  }
}

interface Arming {
  readonly kind: 'arm';
  readonly id: number;
  readonly side: Side;
  readonly symbol: Symbol;
  readonly entryTicks: number;
  readonly quantity: number;
  readonly policy: Policy;
}
type Step =
  | Arming
  | { readonly kind: 'disarm'; readonly id: number }
  | { readonly kind: 'mark'; readonly symbol: Symbol; readonly ticks: number; readonly spread: number }
  | { readonly kind: 'wait'; readonly steps: number }
  | {
      readonly kind: 'predict';
      readonly symbol: Symbol;
      readonly prediction: Omit<Prediction, 'asOfMs'> | null;
    };

const anySymbol = fc.constantFrom(...SYMBOLS);
const anyId = fc.integer({ min: 0, max: 11 });
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('arm' as const),
      id: anyId,
      side: fc.constantFrom('long' as const, 'short' as const),
      symbol: anySymbol,
      entryTicks: fc.integer({ min: 960, max: 1_040 }),
      quantity: fc.integer({ min: 1, max: 2 }),
      policy: fc.record({
        version: fc.constant(1),
        thresholds: fc.oneof(anyThresholds, fc.constant(STARTING_THRESHOLDS)),
        timeScale: fc.constantFrom(60, 600),
      }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('disarm' as const), id: anyId }) },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('mark' as const),
      symbol: anySymbol,
      ticks: fc.oneof(
        { weight: 5, arbitrary: fc.integer({ min: 970, max: 1_030 }) },
        { weight: 1, arbitrary: fc.integer({ min: 500, max: 1_700 }) },
      ),
      spread: fc.integer({ min: 0, max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), steps: fc.integer({ min: 1, max: 9 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('predict' as const),
      symbol: anySymbol,
      prediction: fc.option(
        fc.record({
          action: fc.constantFrom('BUY' as const, 'SELL' as const, 'HOLD' as const),
          confidence: fc.double({ min: 0, max: 1, noNaN: true }),
          ttlMs: fc.integer({ min: 1, max: 5_000 }),
          source: fc.constant('test'),
        }),
      ),
    }),
  },
);

function armedTrade({ id, side, symbol, entryTicks, quantity, policy }: Arming): ArmedTrade {
  const entryPrice = price(entryTicks);
  return {
    tradeId: `trade-${id}`,
    positionId: `position-${id}`,
    symbol,
    quantity: String(quantity),
    entryFee: '0',
    policy,
    position: {
      side,
      entryPrice,
      openedAtMs: Date.now(),
      bestPrice: entryPrice,
      volatilityScale: 1,
      roundTripFee: 0.005,
      tickSize: String(TICK),
    },
    exit: null,
  };
}

describe('the market hub', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_700_000_000_000, toFake: ['setInterval', 'clearInterval', 'Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('decides what asking about every position at every mark would decide, no earlier and no later', async () => {
    let exits = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 20, maxLength: 80 }), async (steps) => {
        const [guard, everyone] = [new HandHub(), new EveryoneAsked()];
        const carryOut = async (step: Step): Promise<void> => {
          switch (step.kind) {
            case 'arm': {
              const trade = armedTrade(step);
              everyone.arm(trade, guard.predictions.get(step.symbol) ?? null);
              await guard.hub.arm(trade);
              return;
            }
            case 'disarm':
              everyone.disarm(`position-${step.id}`);
              guard.hub.disarm(`position-${step.id}`);
              return;
            case 'mark': {
              const prices = [price(step.ticks), price(step.ticks + step.spread)] as const;
              everyone.mark(step.symbol, ...prices);
              guard.mark(step.symbol, ...prices);
              return;
            }
            case 'predict':
              guard.predictions.set(
                step.symbol,
                step.prediction && { ...step.prediction, asOfMs: Date.now() },
              );
              return;
            case 'wait':
              for (let count = 0; count < step.steps; count += 1) {
                vi.advanceTimersByTime(STEP_MS);
                await setImmediate();
                everyone.ask();
                if (Date.now() % PREDICTION_INTERVAL_MS === 0) everyone.predict(guard.predictions);
              }
          }
        };
        for (const step of steps) {
          await carryOut(step);
          expect(guard.decided.toSorted(), JSON.stringify(step)).toEqual(everyone.decided.toSorted());
        }
        expect(
          guard.hub
            .guarded()
            .map(({ trade }) => trade.positionId)
            .toSorted(),
        ).toEqual([...everyone.positions.keys()].toSorted());
        guard.hub.close();
        exits += guard.decided.length;
      }),
      { numRuns: 150 },
    );
    expect(exits).toBeGreaterThan(150);
  });

  it('asks at a mark about nobody but those whose band it leaves', async () => {
    const { hub, mark, decided } = bound(new HandHub());
    mark('BTC/USD', '1000.0', '1000.1');
    for (let id = 0; id < 1_000; id += 1) {
      await hub.arm(
        armedTrade({
          kind: 'arm',
          id,
          side: id % 2 === 0 ? 'long' : 'short',
          symbol: 'BTC/USD',
          entryTicks: id === 7 ? 8_360 : 10_000,
          quantity: 1,
          policy: { version: 1, thresholds: STARTING_THRESHOLDS, timeScale: 1 },
        }),
      );
    }
    mark('BTC/USD', '1000.0', '1000.1');
    const before = hub.evaluations;
    mark('BTC/USD', '1002.0', '1002.1');
    mark('BTC/USD', '996.0', '996.1');
    expect(hub.evaluations - before).toBe(0);
    // The short from 836 has lost its 20% only here.
    mark('BTC/USD', '1003.1', '1003.2');
    expect(hub.evaluations - before).toBe(1);
    expect(decided).toEqual(['position-7']);
    hub.close();
  });
});

function bound(hand: HandHub) {
  return { hub: hand.hub, decided: hand.decided, mark: hand.mark.bind(hand) };
}
