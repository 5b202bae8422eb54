import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type Database } from '../../db/data-source.ts';
import { createRepositories, type Repositories } from '../../db/repositories/index.ts';
import { createEquityActivities } from '../../src/activities/equity.ts';
import { add, divide, multiply, roundHalfUp, subtract, ZERO, type Decimal } from '../../src/domain/money.ts';
import { createRandom } from '../../src/domain/random.ts';
import { clientOrderId } from '../../src/exchange/client-order-id.ts';
import { createKrakenExchange, type KrakenExchange } from '../../src/exchange/kraken/kraken-exchange.ts';
import { startPaperExchange, type PaperExchange } from '../../src/exchange/paper/server.ts';
import type { OrderSnapshot } from '../../src/exchange/port.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { PaperControl } from '../support/paper-control.ts';

const TRADES = 100;
const MOST_OPEN = 5;
const BALANCE = '10000';
const log = pino({ level: 'silent' });

let server: TestDatabase;
let database: Database;
let repositories: Repositories;
let paper: PaperExchange;
let control: PaperControl;
let exchange: KrakenExchange;

beforeAll(async () => {
  server = await createTestDatabase();
  database = await openDatabase(server.url, { poolSize: 3 });
  repositories = createRepositories(database);
  paper = await startPaperExchange({
    port: 0,
    journalFile: null,
    market: { source: 'manual' },
    tier: 'unlimited',
  });
  control = new PaperControl(paper.url);
  const { url: restUrl, key, secret } = paper;
  exchange = createKrakenExchange({ restUrl, key, secret, tier: 'unlimited', log });
});
afterAll(async () => {
  exchange.close();
  await paper.close();
  await database.destroy();
  await server.drop();
});

/** The paper exchange's symbols with the decimals of their prices. */
const MARKETS = [
  { symbol: 'BTC/USD', decimals: 1, start: 60_000 },
  { symbol: 'ETH/USD', decimals: 2, start: 3_000 },
  { symbol: 'SOL/USD', decimals: 2, start: 150 },
];

interface Held {
  readonly market: (typeof MARKETS)[number];
  readonly side: 'long' | 'short';
  readonly entry: OrderSnapshot;
}

let orders = 0;
async function order(market: Held['market'], side: 'buy' | 'sell', quantity: Decimal, leverage?: number) {
  const outcome = await exchange.submit(
    {
      clientOrderId: clientOrderId(`trade-${(orders += 1)}`, 'entry'),
      symbol: market.symbol,
      side,
      type: 'market',
      quantity,
      ...(leverage === undefined ? {} : { leverage }),
      deadlineMs: Date.now() + 10_000,
    },
    'exit',
  );
  if (outcome.kind !== 'accepted') throw new Error(JSON.stringify(outcome));
  const filled = await exchange.order(outcome.exchangeOrderId, 'exit');
  expect(Number(filled?.filledQuantity)).toBe(Number(quantity));
  return filled!;
}

test(
  'equity, cash, exposure and drawdown agree with the exchange to the cent, trade by trade',
  { timeout: 180_000 },
  async () => {
    const random = createRandom('equity');
    const pick = <T>(from: readonly T[]) => from[random.integer(from.length)]!;
    const prices = new Map(MARKETS.map(({ symbol, start }) => [symbol, start]));
    const quotes = new Map<string, { bid: Decimal; ask: Decimal }>();
    const open: Held[] = [];
    /** By our own fills. */
    let cash: Decimal = BALANCE;
    let peak: Decimal = BALANCE;
    let fees: Decimal = ZERO;
    let [opened, closed] = [0, 0];
    /** Snapshots are at most one a millisecond. */
    let clockMs = Date.now();
    const activities = createEquityActivities({
      exchange,
      accountCurrency: 'USD',
      equity: repositories.equity,
      now: () => (clockMs += 1_000),
      log,
    });

    async function movePrices(): Promise<void> {
      for (const { symbol, decimals } of MARKETS) {
        const price = prices.get(symbol)! * Math.exp(0.01 * random.normal());
        prices.set(symbol, price);
        const bid = price.toFixed(decimals);
        const quote = { bid, ask: (Number(bid) + 10 ** -decimals).toFixed(decimals) };
        quotes.set(symbol, quote);
        await control.price(symbol, quote.bid, quote.ask);
      }
    }

    async function openOne(): Promise<void> {
      const market = pick(MARKETS);
      // Kraken's margin positions of a pair net each other out, so one direction at a time.
      const isShort = random.uniform() < 0.4 && !open.some((held) => held.market === market);
      if (!isShort && open.some((held) => held.market === market && held.side === 'short')) return;
      const quantity = ((100 + random.integer(900)) / prices.get(market.symbol)!).toFixed(8);
      const entry = await order(market, isShort ? 'sell' : 'buy', quantity, isShort ? 2 : undefined);
      cash = subtract(cash, isShort ? entry.fee : add(entry.cost, entry.fee));
      fees = add(fees, entry.fee);
      open.push({ market, side: isShort ? 'short' : 'long', entry });
      opened += 1;
    }

    async function closeOne(): Promise<void> {
      const [held] = open.splice(random.integer(open.length), 1) as [Held];
      const { market, side, entry } = held;
      const exit = await order(
        market,
        side === 'long' ? 'sell' : 'buy',
        entry.filledQuantity,
        side === 'short' ? 2 : undefined,
      );
      const earned = side === 'long' ? exit.cost : subtract(entry.cost, exit.cost);
      cash = subtract(add(cash, earned), exit.fee);
      fees = add(fees, exit.fee);
      closed += 1;
    }

    /** Of the open positions by their fills, at today's quotes: what closing them now would bring, and their worth. */
    function valued(): { gains: Decimal; longs: Decimal; exposure: Decimal } {
      let [gains, longs, exposure] = [ZERO, ZERO, ZERO];
      for (const { market, side, entry } of open) {
        const { bid, ask } = quotes.get(market.symbol)!;
        const worth = multiply(entry.filledQuantity, side === 'long' ? bid : ask);
        exposure = add(exposure, worth);
        if (side === 'long') longs = add(longs, worth);
        else gains = add(gains, subtract(entry.cost, worth));
      }
      return { gains, longs, exposure };
    }

    async function check(): Promise<void> {
      await activities.takeEquitySnapshot({ cause: 'interval' });
      const snapshot = (await repositories.equity.latest())!;
      const { balances } = await control.account();
      const { gains, longs, exposure } = valued();
      const equity = add(cash, longs, gains);
      if (Number(equity) > Number(peak)) peak = equity;
      const drawdown = Number(divide(subtract(peak, equity), peak));
      const cents = (amount: Decimal) => roundHalfUp(amount, 2);
      expect({
        takenAt: snapshot.takenAt,
        cash: cents(snapshot.cash),
        exposure: cents(snapshot.exposure),
        equity: cents(snapshot.equity),
        peak: cents(snapshot.peak),
      }).toEqual({
        takenAt: clockMs,
        cash: cents(balances.USD!),
        exposure: cents(exposure),
        equity: cents(equity),
        peak: cents(peak),
      });
      expect(cents(cash)).toBe(cents(balances.USD!));
      expect(snapshot.drawdown).toBeCloseTo(drawdown, 6);
    }

    await movePrices();
    await check();
    while (closed < TRADES) {
      await movePrices();
      const opens =
        opened < TRADES && (open.length === 0 || (open.length < MOST_OPEN && random.uniform() < 0.5));
      if (opens) await openOne();
      else if (open.length > 0) await closeOne();
      await check();
    }
    expect(opened).toBe(TRADES);
    expect(open).toEqual([]);
    expect(Number(fees)).toBeGreaterThan(100);
    const last = await repositories.equity.latest();
    expect(last).toMatchObject({ exposure: '0', cash: last?.equity });
    expect(await repositories.equity.deepestDrawdown(0)).toBeGreaterThan(0.01);
  },
);
