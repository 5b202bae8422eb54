import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { pendingMigrations } from '../../../db/migrate.ts';
import { SELF_TEST_STRATEGY } from '../../../db/repositories/self-test.ts';
import type { ClosedOutcome } from '../../../db/repositories/ledger.ts';
import {
  closeRecords,
  openRecords,
  type CloseRecords,
  type OrderRecord,
  type TradeFacts,
} from '../../domain/records.ts';
import { databaseWords } from '../database-words.ts';
import { CliError } from '../errors.ts';
import { runWithSession, subcommand, type CommonOptions } from '../program.ts';
import { colors } from '../render.ts';
import type { Session } from '../session.ts';

interface Step {
  readonly name: string;
  /** Answers what was seen; throws what is wrong. */
  readonly run: () => Promise<string>;
}

export function registerCheck(program: Command): void {
  subcommand(program, 'check', 'the persistence self-test in eight steps; cleans up after itself')
    .addHelpText('after', '\nExamples:\n  holdfast check\n  holdfast check --json')
    .action((options: CommonOptions) =>
      runWithSession(options, async (session) => {
        const steps = await checkSteps(session);
        const results: { step: number; name: string; ok: boolean; detail: string }[] = [];
        for (const [index, { name, run }] of steps.entries()) {
          const result = await attempt(run);
          results.push({ step: index + 1, name, ...result });
          if (!options.json) {
            const verdict = result.ok ? colors.green('ok') : colors.red('FAILED');
            process.stdout.write(
              `${index + 1}/${steps.length} ${name.padEnd(52)} ${verdict}  ${result.detail}\n`,
            );
          }
        }
        if (options.json)
          process.stdout.write(`${JSON.stringify({ ok: results.every(({ ok }) => ok), steps: results })}\n`);
        const failed = results.filter(({ ok }) => !ok);
        if (failed.length === 0) return;
        if (options.json) process.exitCode = 1;
        else {
          const first = failed.map(({ step }) => step).join(', ');
          throw new CliError(
            'check-failed',
            `${failed.length} of ${steps.length} steps failed (${first}): a new position may not reach the database; open ones stay guarded and exit without it. Stop entries: holdfast halt; find the cause: holdfast doctor`,
          );
        }
      }),
    );
}

async function attempt(run: () => Promise<string>): Promise<{ ok: boolean; detail: string }> {
  try {
    return { ok: true, detail: await run() };
  } catch (error) {
    return { ok: false, detail: databaseWords(error) };
  }
}

/** A made-up trade whose figures are easy to check by hand: bought 2 at 100, sold at 110, fees 0.52 and 0.572. */
const EXPECTED_PNL = '18.908';

async function checkSteps(session: Session): Promise<Step[]> {
  const { ledger, selfTest, learning } = await session.repositories();
  const mark = randomBytes(6).toString('hex').toUpperCase();
  const facts = testTrade(mark);
  const open = openRecords(facts);
  const close = closeRecords(facts, [testOrder(`CHECK-X-${mark}`, '2', '220', '0.572', '110')], 'forced');
  const { id: positionId } = open.managedPosition;
  const expectRows = async (expected: number) => {
    const rows = await selfTest.countRows(positionId);
    if (rows !== expected) throw new Error(`${rows} rows instead of ${expected}`);
    return `${rows} rows`;
  };
  return [
    {
      name: 'database reachable, schema up to date',
      run: async () => {
        const pending = await pendingMigrations(await session.database());
        if (pending.length > 0)
          throw new Error(`${pending.length} migrations are missing; a worker applies them when it starts`);
        return `thresholds version ${(await learning.active()).version}`;
      },
    },
    {
      name: 'four records written in one transaction',
      run: () => ledger.persistOpen(open).then(() => expectRows(4)),
    },
    {
      name: 'read back on another connection, every field equal',
      run: () => ledger.verifyOpen(open).then((seen) => `status ${seen}`),
    },
    {
      name: 'the same write again changes nothing',
      run: () => ledger.persistOpen(open).then(() => expectRows(4)),
    },
    {
      name: 'an open position without an entry trade is refused',
      run: async () => {
        if (await selfTest.isOrphanRefused(`${positionId}-orphan`)) return 'refused';
        await selfTest.cleanUp(`${positionId}-orphan`);
        throw new Error(
          'the schema accepted it: a constraint is missing; restore the schema from the migrations',
        );
      },
    },
    {
      name: 'the live update reaches the position',
      run: async () => {
        const update = {
          positionId,
          currentPrice: '105',
          unrealizedPnL: '10',
          exitsBelow: '99',
          exitsAbove: '120',
          bestPrice: '105',
          markAgeMs: 0,
          stage: 'open',
        };
        const updated = await ledger.updateLive([update]);
        if (updated !== 1) throw new Error(`${updated} rows updated instead of 1`);
        return '1 row';
      },
    },
    {
      name: 'closed once, P&L exact to the last decimal',
      run: async () => {
        const { realizedPnL } = close.managedPosition;
        await ledger.recordClose(close, open, testOutcome(facts, close), []);
        if (realizedPnL !== EXPECTED_PNL) throw new Error(`P&L ${realizedPnL} instead of ${EXPECTED_PNL}`);
        await expectRows(6);
        return `P&L ${realizedPnL}`;
      },
    },
    {
      name: 'test data removed',
      run: async () => {
        const left = await selfTest.cleanUp(positionId);
        if (left > 0) throw new Error(`${left} rows are left`);
        return 'nothing left';
      },
    },
  ];
}

function testTrade(mark: string): TradeFacts {
  return {
    tradeId: `check-${mark}`,
    strategy: SELF_TEST_STRATEGY,
    symbol: 'BTC/USD',
    side: 'long',
    confidence: 1,
    thresholdsVersion: 1,
    marketConditions: {},
    entry: testOrder(`CHECK-E-${mark}`, '2', '200', '0.52', '100'),
  };
}

function testOrder(
  exchangeOrderId: string,
  quantity: string,
  cost: string,
  fee: string,
  averagePrice: string,
): OrderRecord {
  const nowMs = Date.now();
  return {
    exchangeOrderId,
    exchangeTradeId: `T-${exchangeOrderId}`,
    summary: { quantity, cost, fee, averagePrice, firstFillMs: nowMs, lastFillMs: nowMs },
    requestedAtMs: nowMs,
    submittedAtMs: nowMs,
    quotePrice: averagePrice,
  };
}

function testOutcome(facts: TradeFacts, close: CloseRecords): ClosedOutcome {
  const { tradeId, symbol, side, thresholdsVersion, confidence, entry } = facts;
  const { id: positionId, exitPrice, exitTime } = close.managedPosition;
  return {
    positionId,
    tradeId,
    symbol,
    side,
    thresholdsVersion,
    confidence,
    volatilityScale: 1,
    quantity: entry.summary.quantity,
    entryPrice: entry.summary.averagePrice,
    exitPrice: exitPrice ?? '0',
    entryTimeMs: entry.summary.firstFillMs,
    exitTimeMs: exitTime ?? 0,
    entryFee: entry.summary.fee,
    exitFee: '0.572',
    netPnl: EXPECTED_PNL,
    returnFraction: 0.1,
    // Like a position that could not be persisted: recorded, but never learned from.
    exitRule: 'compensation',
    equityAtEntry: '10000',
    timeScale: 1,
  };
}
