import { userInfo } from 'node:os';
import { Option, type Command } from 'commander';
import type { HoldfastClient } from '../../client.ts';
import { flattenAll, openTradeIds, type Flattened } from '../../flatten.ts';
import { print, runWithSession, subcommand, type CommonOptions } from '../program.ts';

interface HaltOptions extends CommonOptions {
  readonly flatten?: boolean;
  readonly reason: string;
  readonly wait?: 'closed';
}

interface ResumeOptions extends CommonOptions {
  readonly reason?: string;
}

export function registerHalt(program: Command): void {
  subcommand(program, 'halt', 'take no entries until resumed; exits go on')
    .option('--flatten', 'also force the exit of every position')
    .option('--reason <text>', 'kept with the halt', 'halted by operator')
    .addOption(
      new Option('--wait <until>', 'with --flatten: wait until every trade has ended').choices(['closed']),
    )
    .addHelpText('after', '\nExample:\n  holdfast halt --flatten --reason "news" --wait closed')
    .action((options: HaltOptions) =>
      runWithSession(options, async (session) => {
        const { halts, reader } = await session.repositories();
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
        const notClosed = options.wait === 'closed' ? await waitUntilEnded(client, flattened) : [];
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
    .action((options: ResumeOptions) =>
      runWithSession(options, async (session) => {
        const { halts } = await session.repositories();
        const actor = operator();
        const ended = await halts.resume({ actor, reason: options.reason ?? null });
        print(options, { halted: false, ended, actor }, () =>
          ended === 0 ? 'no halt was in force' : `resumed by ${actor}: entries are taken again`,
        );
      }),
    );
}

/** Name of the operating system's user; a user id without a name, as in containers, is told by its number. */
function operator(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** Waits for every trade; gives those whose workflow failed instead of ending. */
async function waitUntilEnded(client: HoldfastClient, { acceptedTradeIds }: Flattened): Promise<string[]> {
  const ends = await Promise.allSettled(acceptedTradeIds.map((tradeId) => client.result(tradeId)));
  return acceptedTradeIds.filter((_, index) => ends[index]?.status === 'rejected');
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
