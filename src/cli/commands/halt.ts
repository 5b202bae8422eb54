import { Option, type Command } from 'commander';
import type { HaltRow } from '../../../db/entities/oversight.ts';
import type { HoldfastClient } from '../../client.ts';
import { flattenAll, openTradeIds, type Flattened } from '../../flatten.ts';
import { CliError } from '../errors.ts';
import { operator } from '../operator.ts';
import { print, runWithSession, subcommand, type CommonOptions } from '../program.ts';
import { time } from '../render.ts';
import { waiting } from '../waiting.ts';

interface HaltOptions extends CommonOptions {
  readonly history?: boolean;
  readonly flatten?: boolean;
  readonly reason: string;
  readonly wait?: 'closed';
}

interface ResumeOptions extends CommonOptions {
  readonly reason?: string;
  readonly resetDrawdown?: boolean;
}

export function registerHalt(program: Command): void {
  subcommand(program, 'halt', 'take no entries until resumed; exits go on')
    .option('--flatten', 'also force the exit of every position')
    .option('--reason <text>', 'kept with the halt', 'halted by operator')
    .addOption(
      new Option('--wait <until>', 'with --flatten: wait until every trade has ended').choices(['closed']),
    )
    .option('--history', 'halt nothing: list every halt, who began it and who ended it')
    .addHelpText('after', '\nExample:\n  holdfast halt --flatten --reason "news" --wait closed')
    .action((options: HaltOptions) =>
      runWithSession(options, async (session) => {
        const { halts, reader } = await session.repositories();
        if (options.history === true) {
          const all = await halts.list();
          print(options, all, () => haltHistory(all));
          return;
        }
        const flatten = options.flatten === true;
        const halt = await halts.start({ reason: options.reason, actor: operator(), flatten });
        if (!flatten) {
          print(options, { halted: true, halt, flattened: null }, () => haltedBy(halt.actor, halt.reason));
          return;
        }
        const client = await session.client();
        const flattened = await flattenAll(
          { client, openTradeIds: () => openTradeIds(reader) },
          `halt: ${options.reason}`,
        );
        const notClosed =
          options.wait === 'closed'
            ? await waiting(options, 'waiting until every trade has ended', waitUntilEnded(client, flattened))
            : [];
        print(options, { halted: true, halt, flattened: { ...flattened, notClosed } }, () =>
          [haltedBy(halt.actor, halt.reason), ...describe(flattened, notClosed)].join('\n'),
        );
        if (flattened.refusedTradeIds.length > 0 || notClosed.length > 0) process.exitCode = 1;
      }),
    );
}

export function registerResume(program: Command): void {
  subcommand(program, 'resume', 'end every halt: entries are taken again')
    .option('--reason <text>', 'kept with the halt')
    .option('--reset-drawdown', "also measure the drawdown from today's equity on, not from the old peak")
    .addHelpText('after', '\nExample:\n  holdfast resume --reason "all clear"')
    .action((options: ResumeOptions) =>
      runWithSession(options, async (session) => {
        const { halts, equity } = await session.repositories();
        const decision = { actor: operator(), reason: options.reason ?? null };
        const ended = await halts.resume(decision);
        const words = [
          ended === 0 ? 'no halt was in force' : `resumed by ${decision.actor}: entries are taken again`,
        ];
        const answer = { halted: false, ended, actor: decision.actor };
        if (options.resetDrawdown !== true) {
          print(options, answer, () => words.join('\n'));
          return;
        }
        const reset = await equity.resetPeak({ ...decision, nowMs: Date.now() });
        if (!reset) throw new CliError('no-equity', 'no worker has read the account yet: there is no peak');
        words.push(`the drawdown is measured from an equity of ${reset.peak} on`);
        print(options, { ...answer, peakEquity: reset.peak }, () => words.join('\n'));
      }),
    );
}

/** Waits for every trade; gives those whose workflow failed instead of ending. */
async function waitUntilEnded(client: HoldfastClient, { acceptedTradeIds }: Flattened): Promise<string[]> {
  const ends = await Promise.allSettled(acceptedTradeIds.map((tradeId) => client.result(tradeId)));
  return acceptedTradeIds.filter((_, index) => ends[index]?.status === 'rejected');
}

function haltHistory(all: readonly HaltRow[]): string {
  if (all.length === 0) return 'never halted';
  return all
    .map(({ reason, actor, flatten, startedAt, endedAt, endedBy, endReason }) => {
      const began = `${time(startedAt)}  ${actor}: ${reason}${flatten ? ', every position told to exit' : ''}`;
      const ended =
        endedAt === null
          ? 'in force'
          : `ended ${time(endedAt)} by ${endedBy ?? 'unknown'}${endReason === null ? '' : `: ${endReason}`}`;
      return `${began}\n    ${ended}`;
    })
    .join('\n');
}

function haltedBy(actor: string, reason: string): string {
  return `halted by ${actor}: ${reason}; no entry is taken until: holdfast resume`;
}

function describe({ acceptedTradeIds, refusedTradeIds }: Flattened, notClosed: readonly string[]): string[] {
  return [
    `${acceptedTradeIds.length} trades take their exit`,
    ...refusedTradeIds.map((tradeId) => `${tradeId}: did not take the request; see: holdfast reconcile`),
    ...notClosed.map((tradeId) => `${tradeId}: its workflow failed; see: holdfast show ${tradeId}`),
  ];
}
