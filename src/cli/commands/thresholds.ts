import { InvalidArgumentError, type Command } from 'commander';
import { THRESHOLD_NAMES, THRESHOLD_SPECS } from '../../domain/thresholds.ts';
import { CliError } from '../errors.ts';
import { print, runWithSession, subcommand, type CommonOptions } from '../program.ts';
import { table, time } from '../render.ts';

interface ThresholdsOptions extends CommonOptions {
  readonly history?: boolean;
  readonly rollback?: number;
}

export function registerThresholds(program: Command): void {
  subcommand(program, 'thresholds', 'the 12 learned thresholds and how they came about')
    .option('--history', 'every version with its reason')
    .option('--rollback <version>', 'use an earlier version for trades from now on', versionNumber)
    .action((options: ThresholdsOptions) =>
      runWithSession(options, async (session) => {
        const { learning } = await session.repositories();
        if (options.rollback !== undefined) {
          const known = await learning.knownVersions();
          if (!known.includes(options.rollback)) {
            throw new CliError(
              'unknown-version',
              `--rollback is ${options.rollback}: known versions are ${known.join(', ')}`,
            );
          }
          await learning.rollback(options.rollback);
        }
        if (options.history) {
          const versions = await learning.versions();
          print(options, versions, () =>
            table(
              ['version', 'trades', 'unseen before', 'unseen after', 'verdict', 'at', 'why'],
              versions.map((version) => [
                `${version.version}${version.active ? ' *' : ''}`,
                String(version.trades),
                growth(version.unseenBefore),
                growth(version.unseenAfter),
                version.accepted ? 'accepted' : 'refused',
                time(version.createdAt),
                version.why,
              ]),
            ),
          );
          return;
        }
        const { version, thresholds } = await learning.active();
        print(options, { version, thresholds }, () =>
          [
            `version ${version}`,
            table(
              ['threshold', 'value', 'start', 'bounds', 'meaning'],
              THRESHOLD_NAMES.map((name) => {
                const { start, min, max, meaning } = THRESHOLD_SPECS[name];
                return [
                  name,
                  String(Number(thresholds[name].toFixed(6))),
                  String(start),
                  `${min}..${max}`,
                  meaning,
                ];
              }),
            ),
          ].join('\n'),
        );
      }),
    );
}

function versionNumber(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1)
    throw new InvalidArgumentError('a version number from 1 on is allowed');
  return number;
}

function growth(value: number | null): string {
  return value === null ? '' : value.toExponential(3);
}
