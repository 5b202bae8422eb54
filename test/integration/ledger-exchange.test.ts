import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type Database } from '../../db/data-source.ts';
import type { Side } from '../../src/domain/position.ts';
import {
  bookedInRows,
  bookedOnExchange,
  contradictions,
  sumsOfRows,
  sumsOnExchange,
} from '../support/account-sums.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { TradedAccount, type Entry, type TradedSymbol } from '../support/traded-account.ts';

let server: TestDatabase;
let database: Database;

beforeAll(async () => {
  server = await createTestDatabase();
  database = await openDatabase(server.url);
});

afterAll(async () => {
  await database.destroy();
  await server.drop();
});

type Step = (account: TradedAccount) => Promise<void>;

const symbol = fc.constantFrom<TradedSymbol>('BTC/USD', 'ETH/USD');
const side = fc.constantFrom<Side>('long', 'short');
const entry = fc.constantFrom<Entry>('filled', 'grown', 'cut');
/** From one that takes a single fill to one that takes ten and moves up the fee table. */
const notional = fc.oneof(fc.integer({ min: 20, max: 2_000 }), fc.integer({ min: 5_000, max: 60_000 }));
const share = fc.integer({ min: 1, max: 999 }).map((thousandths) => thousandths / 1_000);
const which = fc.nat(5);

const named = (name: string, step: Step): { toString(): string; run: Step } => ({
  toString: () => name,
  run: step,
});
const onHeld = (name: string, step: Step) =>
  named(name, (account) => (account.held === 0 ? Promise.resolve() : step(account)));

const enter = fc
  .tuple(symbol, side, notional, entry, share)
  .map((order) => named(`enter ${order.join(' ')}`, (account) => account.enter(...order)));
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: enter },
    {
      weight: 3,
      arbitrary: fc
        .tuple(which, share, fc.boolean())
        .map((sale) => onHeld(`reduce ${sale.join(' ')}`, (account) => account.reduce(...sale))),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(which, share)
        .map((exit) => onHeld(`exit ${exit.join(' ')}`, (account) => account.exit(...exit))),
    },
    { weight: 2, arbitrary: which.map((each) => onHeld(`adopt ${each}`, (account) => account.adopt(each))) },
    {
      weight: 1,
      arbitrary: which.map((each) => onHeld(`repair ${each}`, (account) => account.repair(each))),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(symbol, fc.integer({ min: 70, max: 140 }))
        .map((move) => named(`move ${move.join(' ')}`, (account) => account.move(...move))),
    },
  ),
  { minLength: 4, maxLength: 14 },
);

test(
  'after every step the rows say what the exchange says, to the last decimal',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.tuple(enter, steps), async ([first, rest]) => {
        const account = await TradedAccount.open(database);
        try {
          for (const step of [first, ...rest]) {
            await step.run(account);
            expect(await sumsOfRows(database)).toEqual(await sumsOnExchange(account));
            expect(await contradictions(database)).toEqual([]);
          }
          expect(await bookedInRows(database)).toEqual(await bookedOnExchange(account));
        } finally {
          await account.close();
        }
      }),
      { numRuns: 25, seed: 20_260_115 },
    );
  },
);
