import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openDatabase, poolOf, type Database } from '../../db/data-source.ts';
import { createRepositories, type Repositories } from '../../db/repositories/index.ts';
import { add, big, compare, multiply, subtract, text, type Decimal } from '../../src/domain/money.ts';
import { summarizeFills, type Fill, type Side } from '../../src/domain/position.ts';
import { closeRecords, openRecords, type OpenRecords, type OrderRecord } from '../../src/domain/records.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { OPENED_AT_MS, sampleFacts, sampleOutcome } from '../support/ledger-samples.ts';

let server: TestDatabase;
let database: Database;
let repositories: Repositories;

beforeAll(async () => {
  server = await createTestDatabase();
  database = await openDatabase(server.url);
  repositories = createRepositories(database);
});

afterAll(async () => {
  await database.destroy();
  await server.drop();
});

const truncate = () =>
  poolOf(database).query(
    'TRUNCATE "TradeOutcome", "ManagedPosition", "ManagedTrade", "LivePosition", "LiveTrade"',
  );
beforeEach(truncate);

/** Kraken's precision: quantities of 8 decimals, prices of 1, costs and fees of 5. */
const quantity = fc.bigInt({ min: 1n, max: 10n ** 10n }).map((lots) => decimal(lots, 8));
const price = fc.bigInt({ min: 1n, max: 10n ** 7n }).map((ticks) => decimal(ticks, 1));
const fee = fc.bigInt({ min: 0n, max: 10n ** 8n }).map((units) => decimal(units, 5));

function decimal(units: bigint, decimals: number): Decimal {
  const digits = units.toString().padStart(decimals + 1, '0');
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

const fills = fc.array(fc.record({ quantity, price, fee }), { minLength: 1, maxLength: 5 });
const trade = fc.record({
  side: fc.constantFrom<Side>('long', 'short'),
  entry: fills,
  /** Cuts the position into this many exit orders, each at a price and fee of its own. */
  exits: fc.array(fc.record({ price, fee }), { minLength: 1, maxLength: 3 }),
  isClosed: fc.boolean(),
  /**
   * How its rows come about: written once; at the first fill and again as the entry grows; never before the
   * close, as when a position is adopted that is sold already; or changed by hand and repaired.
   */
  story: fc.constantFrom('opened', 'grown', 'adopted', 'repaired'),
});

function order(id: string, parts: { quantity: Decimal; price: Decimal; fee: Decimal }[]): OrderRecord {
  const all: Fill[] = parts.map((part, index) => ({
    fillId: `${id}-${index}`,
    ...part,
    cost: text(big(multiply(part.quantity, part.price)).round(5).plus(big('0.00001'))),
    timeMs: OPENED_AT_MS + index,
  }));
  return {
    exchangeOrderId: id,
    exchangeTradeId: `${id}-0`,
    summary: summarizeFills(all)!,
    requestedAtMs: OPENED_AT_MS,
    submittedAtMs: OPENED_AT_MS,
    quotePrice: parts[0]!.price,
  };
}

/** Equal parts of the quantity, the rest in the last one. */
function split(total: Decimal, parts: number): Decimal[] {
  const part = text(
    big(total)
      .div(big(String(parts)))
      .round(8, 0),
  );
  if (compare(part, '0') === 0) return [total];
  const rest = subtract(total, multiply(part, String(parts - 1)));
  return [...Array.from({ length: parts - 1 }, () => part), rest];
}

/** What a hand in the database may do, and what reconciliation does about it. */
async function spoilAndRepair(open: OpenRecords): Promise<void> {
  const { id } = open.managedPosition;
  const pool = poolOf(database);
  await pool.query('UPDATE "ManagedPosition" SET "quantity" = "quantity" * 3, "fees" = 0 WHERE "id" = $1', [
    id,
  ]);
  await pool.query('UPDATE "ManagedTrade" SET "value" = "value" + 1 WHERE "positionId" = $1', [id]);
  await pool.query('DELETE FROM "LiveTrade" WHERE "positionId" = $1', [id]);
  await expect(repositories.ledger.verifyOpen(open)).rejects.toThrow('should be');
  await repositories.ledger.repairOpen(open);
}

test('cash and quantities in the database equal the sums of the fills to the last decimal', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(trade, { minLength: 1, maxLength: 4 }), async (trades) => {
      await truncate();
      let [cash, held, realized] = ['0', '0', '0'];
      for (const [index, { side, entry, exits, isClosed, story }] of trades.entries()) {
        const id = `t${index}`;
        const facts = sampleFacts(id, { side, entry: order(`O${id}`, entry) });
        const { summary } = facts.entry;
        const open = openRecords(facts);
        if (story === 'grown') {
          const first = { ...facts, entry: order(`O${id}`, entry.slice(0, 1)) };
          await repositories.ledger.persistOpen(openRecords(first));
        }
        if (story !== 'adopted' || !isClosed) {
          await repositories.ledger.persistOpen(open);
          if (story === 'repaired') await spoilAndRepair(open);
          expect(await repositories.ledger.verifyOpen(open)).toBe('confirmed');
        }
        const sign = side === 'long' ? '1' : '-1';
        cash = subtract(subtract(cash, multiply(sign, summary.cost)), summary.fee);
        held = add(held, multiply(sign, summary.quantity));
        if (!isClosed) continue;
        const orders = split(summary.quantity, exits.length).map((part, leg) =>
          order(`X${id}-${leg}`, [{ quantity: part, ...exits[leg]! }]),
        );
        const close = closeRecords(facts, orders, story === 'adopted' ? 'reconciliation' : 'forced');
        await repositories.ledger.recordClose(
          close,
          open,
          sampleOutcome(id, { netPnl: close.managedPosition.realizedPnL ?? '' }),
          [],
        );
        const proceeds = add(...orders.map((exit) => exit.summary.cost));
        const exitFees = add(...orders.map((exit) => exit.summary.fee));
        cash = subtract(add(cash, multiply(sign, proceeds)), exitFees);
        held = subtract(held, multiply(sign, summary.quantity));
        const gross = multiply(sign, subtract(proceeds, summary.cost));
        realized = add(realized, subtract(gross, add(summary.fee, exitFees)));
      }
      const { rows } = await poolOf(database).query<{
        cash: string;
        held: string;
        live: string;
        realized: string;
        outcomes: string;
      }>(
        `SELECT sum(CASE "side" WHEN 'sell' THEN "value" ELSE -"value" END - "fee") AS cash,
           sum(CASE "side" WHEN 'buy' THEN "quantity" ELSE -"quantity" END) AS held,
           (SELECT sum(CASE "side" WHEN 'buy' THEN "quantity" ELSE -"quantity" END) FROM "LiveTrade") AS live,
           (SELECT coalesce(sum("realizedPnL"), 0) FROM "ManagedPosition") AS realized,
           (SELECT coalesce(sum("netPnl"), 0) FROM "TradeOutcome") AS outcomes
         FROM "ManagedTrade"`,
      );
      const [sums] = rows;
      const found = [sums!.cash, sums!.held, sums!.live, sums!.realized, sums!.outcomes].map((sum) =>
        text(big(sum)),
      );
      expect(found).toEqual([cash, held, held, realized, realized]);
    }),
    { numRuns: 40, seed: 20_260_115 },
  );
});
