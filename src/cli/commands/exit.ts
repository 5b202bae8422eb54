import { Option, type Command } from 'commander';
import type { HoldfastClient, RunningTrade } from '../../client.ts';
import { CliError } from '../errors.ts';
import { print, runWithSession, subcommand, type CommonOptions } from '../program.ts';
import { waiting } from '../waiting.ts';

interface ExitOptions extends CommonOptions {
  readonly all?: boolean;
  readonly reason: string;
  readonly wait?: 'closed';
}

export function registerExit(program: Command): void {
  subcommand(program, 'exit [ids...]', 'force the exit of positions')
    .option('--all', 'every open position')
    .option('--reason <text>', 'kept with the trade', 'forced by operator')
    .addOption(new Option('--wait <until>', 'wait until then').choices(['closed']))
    .addHelpText('after', '\nExample:\n  holdfast exit kraken-OABCDE-FGHIJK-LMNOPQ --wait closed')
    .action((ids: string[], options: ExitOptions) =>
      runWithSession(options, async (session) => {
        if (ids.length > 0 === (options.all === true)) {
          throw new CliError('bad-usage', 'name the positions to exit, or --all');
        }
        const client = await session.client();
        const trades = await chosenTrades(client, ids, options.all === true);
        const answers = await waiting(
          options,
          options.wait === 'closed' ? 'waiting for the fills that close them' : 'asking the trades',
          Promise.all(trades.map((trade) => exitOne(client, trade, options))),
        );
        print(
          options,
          options.all || ids.length > 1 ? answers : answers[0],
          () => answers.map(describe).join('\n') || 'nothing to exit',
        );
        if (answers.some(({ accepted }) => !accepted)) process.exitCode = 1;
      }),
    );
}

interface ExitOutcome {
  readonly positionId: string | null;
  readonly tradeId: string;
  readonly accepted: boolean;
  readonly stage: string;
}

/** Every id must be known before any exit is asked for. */
async function chosenTrades(
  client: HoldfastClient,
  ids: readonly string[],
  all: boolean,
): Promise<RunningTrade[]> {
  const running = await client.runningTrades();
  if (all)
    return running.filter(({ stage }) => stage === 'open' || stage === 'entering' || stage === 'exiting');
  return ids.map((id) => {
    const trade = running.find(({ tradeId, positionId }) => tradeId === id || positionId === id);
    if (!trade)
      throw new CliError(
        'unknown-position',
        `${id} is no open position or running trade; see: holdfast positions`,
      );
    return trade;
  });
}

async function exitOne(
  client: HoldfastClient,
  trade: RunningTrade,
  options: ExitOptions,
): Promise<ExitOutcome> {
  const { tradeId, positionId } = trade;
  const answer = await client.requestExit(tradeId, options.reason);
  const asked = {
    positionId,
    tradeId,
    accepted: answer?.accepted ?? false,
    stage: answer?.stage ?? 'closed',
  };
  if (!asked.accepted || options.wait !== 'closed') return asked;
  return { ...asked, stage: (await client.result(tradeId)).stage };
}

function describe({ positionId, tradeId, accepted, stage }: ExitOutcome): string {
  return `${positionId ?? tradeId}: ${accepted ? 'exit accepted' : 'exit refused'}, ${stage}`;
}
