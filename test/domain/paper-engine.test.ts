import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { add, compare, multiply, subtract, type Decimal } from '../../src/domain/money.ts';
import { post } from '../../src/exchange/paper/bookkeeping.ts';
import { Engine } from '../../src/exchange/paper/engine.ts';
import { KrakenError } from '../../src/exchange/paper/kraken-error.ts';
import { Markets } from '../../src/exchange/paper/market/markets.ts';
import { findPair } from '../../src/exchange/paper/pairs.ts';
import { parseOrder, type RawOrder } from '../../src/exchange/paper/parse-order.ts';
import { Store, openVolume } from '../../src/exchange/paper/store.ts';

const BTC = findPair('BTC/USD')!;
const ACCOUNT = 'a';

interface Bench {
  readonly store: Store;
  readonly markets: Markets;
  readonly engine: Engine;
}

function bench(): Bench {
  const store = new Store();
  const markets = new Markets(1);
  store.put('account', { id: ACCOUNT, tier: 'unlimited', balances: {} });
  for (const [asset, amount] of [
    ['ZUSD', '20000'],
    ['XXBT', '0.5'],
  ] as const) {
    post({ store, idSpace: 'test', nowMs: 0 }, ACCOUNT, 'deposit', 'deposit', asset, amount, '0');
  }
  quote(markets, 30_000);
  return { store, markets, engine: new Engine(store, markets, 'test') };
}

function quote(markets: Markets, bid: number): void {
  markets.quote(BTC, { bid: String(bid), ask: `${bid}.1` }, String(bid), Date.now());
}

/** False when the exchange refused it. */
function place({ engine, markets }: Bench, raw: RawOrder): boolean {
  const { top, last } = markets.of(BTC);
  const nowMs = Date.now();
  try {
    engine.place(
      ACCOUNT,
      parseOrder(
        { pair: 'XBTUSD', ...raw },
        { pair: BTC, last, ...top, receivedAtMs: nowMs, nowMs, via: 'rest' },
      ),
    );
    return true;
  } catch (error) {
    if (error instanceof KrakenError) return false;
    throw error;
  }
}

type Step =
  | { readonly kind: 'price'; readonly bid: number }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'order'; readonly raw: RawOrder };

const volumes = fc.integer({ min: 5, max: 40_000 }).map((units) => (units / 100_000).toFixed(5));
const bids = fc.integer({ min: 29_000, max: 31_000 });
const sides = fc.constantFrom('buy', 'sell');
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('price' as const), bid: bids }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('order' as const),
      raw: fc.oneof(
        fc.record({ type: sides, volume: volumes, ordertype: fc.constant('market') }),
        fc.record({ type: sides, volume: volumes, ordertype: fc.constant('limit'), price: bids.map(String) }),
        fc.record({
          type: sides,
          volume: volumes,
          ordertype: fc.constantFrom('stop-loss', 'take-profit'),
          price: bids.map(String),
        }),
        fc.record({
          type: sides,
          volume: volumes,
          ordertype: fc.constant('market'),
          leverage: fc.constantFrom('2', '5'),
        }),
        fc.record({
          type: sides,
          volume: volumes,
          ordertype: fc.constant('market'),
          leverage: fc.constant('3'),
          reduce_only: fc.constant('true'),
        }),
      ),
    }),
  },
);

function sum(values: readonly Decimal[]): Decimal {
  return values.reduce<Decimal>((total, value) => add(total, value), '0');
}

function run(list: readonly Step[]): Bench {
  const parts = bench();
  for (const step of list) {
    if (step.kind === 'price') quote(parts.markets, step.bid);
    else if (step.kind === 'order') place(parts, step.raw);
    else for (const order of parts.store.openOrders(ACCOUNT)) parts.engine.cancel(order);
  }
  return parts;
}

describe('whatever is ordered and however the price moves', () => {
  const anything = fc.array(steps, { minLength: 1, maxLength: 40 });

  it('balances are what the ledger adds up to, and spot trading never overdraws', () => {
    fc.assert(
      fc.property(anything, (list) => {
        const { store } = run(list);
        for (const asset of ['ZUSD', 'XXBT']) {
          const entries = [...store.ledger.values()].filter((entry) => entry.asset === asset);
          expect(store.balance(ACCOUNT, asset)).toBe(
            sum(entries.map(({ amount, fee }) => subtract(amount, fee))),
          );
          expect(compare(store.balance(ACCOUNT, asset), '0')).not.toBe(-1);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('an order is the sum of its trades, and never more than was ordered', () => {
    fc.assert(
      fc.property(anything, (list) => {
        const { store } = run(list);
        for (const order of store.ordersOf(ACCOUNT)) {
          const trades = order.trades.map((id) => store.trades.get(id)!);
          expect(order.filled).toBe(sum(trades.map(({ volume }) => volume)));
          expect(order.cost).toBe(sum(trades.map(({ cost }) => cost)));
          expect(order.fee).toBe(sum(trades.map(({ fee }) => fee)));
          expect(compare(order.filled, order.volume)).not.toBe(1);
          if (order.status === 'closed') expect(order.filled).toBe(order.volume);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('margin positions are what margin trades leave, on one side of a pair at most', () => {
    fc.assert(
      fc.property(anything, (list) => {
        const { store } = run(list);
        const margin = store.tradesOf(ACCOUNT).filter(({ leverage }) => leverage !== null);
        const signed = (side: string, volume: Decimal) => multiply(volume, side === 'buy' ? '1' : '-1');
        const positions = store.openPositions(ACCOUNT);
        expect(sum(positions.map((position) => signed(position.side, openVolume(position))))).toBe(
          sum(margin.map(({ side, volume }) => signed(side, volume))),
        );
        expect(new Set(positions.map(({ side }) => side)).size).toBeLessThanOrEqual(1);
      }),
      { numRuns: 60 },
    );
  });

  it('holds cover open spot orders and nothing else', () => {
    fc.assert(
      fc.property(anything, (list) => {
        const { store, engine } = run(list);
        const sells = store
          .openOrders(ACCOUNT)
          .filter(({ side, leverage }) => side === 'sell' && leverage === null);
        const remaining = sum(sells.map(({ volume, filled }) => subtract(volume, filled)));
        expect(engine.rules.held(ACCOUNT, 'XXBT')).toBe(remaining);
        for (const order of store.openOrders(ACCOUNT)) engine.cancel(order);
        expect([engine.rules.held(ACCOUNT, 'XXBT'), engine.rules.held(ACCOUNT, 'ZUSD')]).toEqual(['0', '0']);
      }),
      { numRuns: 60 },
    );
  });

  it('a replay of what is stored gives the same exchange', () => {
    fc.assert(
      fc.property(anything, (list) => {
        const { store } = run(list);
        const again = new Store();
        for (const line of store.lines()) again.replay(JSON.parse(JSON.stringify(line)));
        expect([...again.lines()]).toEqual([...store.lines()]);
        expect(
          again
            .openOrders(ACCOUNT)
            .map(({ txid }) => txid)
            .sort(),
        ).toEqual(
          store
            .openOrders(ACCOUNT)
            .map(({ txid }) => txid)
            .sort(),
        );
        expect(again.openPositions(ACCOUNT)).toEqual(store.openPositions(ACCOUNT));
      }),
      { numRuns: 30 },
    );
  });
});

it('a round trip on margin costs exactly its price move and its fees', () => {
  const parts = bench();
  expect(place(parts, { type: 'sell', ordertype: 'market', volume: '0.1', leverage: '5' })).toBe(true);
  quote(parts.markets, 29_700);
  expect(
    place(parts, { type: 'buy', ordertype: 'market', volume: '0.1', leverage: '5', reduce_only: 'true' }),
  ).toBe(true);
  const [open, close] = parts.store.tradesOf(ACCOUNT);
  const earned = subtract(open!.cost, close!.cost);
  expect(parts.store.balance(ACCOUNT, 'ZUSD')).toBe(add('20000', earned, `-${open!.fee}`, `-${close!.fee}`));
  expect(parts.store.openPositions(ACCOUNT)).toEqual([]);
});

it('cancels a triggered buy that the account cannot pay for any more', () => {
  const parts = bench();
  expect(place(parts, { type: 'buy', ordertype: 'stop-loss', price: '30500', volume: '0.65' })).toBe(true);
  quote(parts.markets, 32_000);
  expect(parts.store.ordersOf(ACCOUNT)).toMatchObject([
    { status: 'canceled', reason: 'Insufficient funds', filled: '0' },
  ]);
  expect(parts.store.balance(ACCOUNT, 'ZUSD')).toBe('20000');
});
