import type { Command } from 'commander';
import { listBuilds, moveTrades, promoteBuild, type Build } from '../../deployment.ts';
import { Leases } from '../../leases.ts';
import { CliError } from '../errors.ts';
import { print, runWithSession, subcommand, type CommonOptions } from '../program.ts';
import { colors } from '../render.ts';

interface BuildsOptions extends CommonOptions {
  readonly promote?: string;
  readonly move?: string;
}

export function registerBuilds(program: Command): void {
  subcommand(program, 'builds', 'the builds of the workers, and how many trades run on each')
    .option('--promote <id>', 'have new trades start on this build; those that run stay where they are')
    .option('--move <id>', 'let the trades of a build whose workers are gone go on under the current one')
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast builds\n  holdfast builds --promote 2.0.0\n  holdfast builds --move 1.4.0',
    )
    .action((options: BuildsOptions) =>
      runWithSession(options, async (session) => {
        const client = await session.temporal();
        const leases = new Leases(client);
        const known = await listBuilds(client, leases);
        for (const buildId of [options.promote, options.move])
          if (buildId !== undefined) requireKnown(buildId, known);
        if (options.promote !== undefined) await promoteBuild(client, options.promote);
        const current = options.promote ?? known.find(({ isCurrent }) => isCurrent)?.buildId;
        if (options.move !== undefined && options.move === current)
          throw new CliError(
            'already-current',
            `build ${options.move} is the current one; promote another first`,
          );
        const moved = options.move === undefined ? 0 : await moveTrades(client, options.move);
        const builds = await listBuilds(client, leases);
        print(options, { builds, moved }, () => lines(builds, moved).join('\n'));
      }),
    );
}

function requireKnown(buildId: string, known: readonly Build[]): void {
  if (known.some((build) => build.buildId === buildId)) return;
  const allowed =
    known.length === 0
      ? 'no worker has HOLDFAST_BUILD_ID set'
      : `known are ${known.map((build) => build.buildId).join(', ')}`;
  throw new CliError('unknown-build', `Temporal has seen no worker of build ${buildId}; ${allowed}`);
}

function lines(builds: readonly Build[], moved: number): string[] {
  if (builds.length === 0) return ['workers are not versioned: HOLDFAST_BUILD_ID is not set'];
  return [...(moved === 0 ? [] : [`${counted(moved, 'trade')} moved`]), ...builds.map(line)];
}

function line({ buildId, isCurrent, runningTrades, workers }: Build): string {
  const facts = `${buildId}${isCurrent ? ' (current)' : ''}: ${counted(runningTrades, 'trade')}, ${counted(workers, 'worker')}`;
  if (runningTrades > 0 && workers === 0)
    return colors.red(`${facts}; nobody guards these trades: start a worker of this build, or --move them`);
  return !isCurrent && runningTrades === 0 && workers > 0 ? `${facts}; its workers may be stopped` : facts;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
