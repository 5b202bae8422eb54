import { InvalidArgumentError, type Command } from 'commander';
import { THRESHOLD_NAMES, THRESHOLD_SPECS } from '../../domain/thresholds.ts';
import { CliError } from '../errors.ts';
import type { Session } from '../session.ts';
import { print, runWithSession, subcommand, type CommonOptions } from '../program.ts';
import { table } from '../render.ts';
import { thresholdHistory } from '../threshold-history.ts';

interface ThresholdsOptions extends CommonOptions {
  readonly history?: boolean;
  readonly rollback?: number;
}

export function registerThresholds(program: Command): void {
  subcommand(program, 'thresholds', 'the 12 learned thresholds and how they came about')
    .option('--history', 'every version with its reason')
    .option('--rollback <version>', 'use an earlier version for trades from now on', versionNumber)
    .addHelpText('after', '\nExamples:\n  holdfast thresholds --history\n  holdfast thresholds --rollback 3')
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
          try {
            await learning.rollback(options.rollback);
          } catch (error) {
            const { name, message } = error as Error;
            throw name === 'UnknownVersion' ? new CliError('unknown-version', message) : error;
          }
          await tellLearning(session);
        }
        if (options.history) {
          const versions = await learning.versions();
          print(options, versions, () => thresholdHistory(versions));
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

/** The database decides what the next trade pins; the workflow only shows it, and reads it with its next round. */
async function tellLearning(session: Session): Promise<void> {
  try {
    await (await session.client()).thresholdsChanged();
  } catch {
    process.stderr.write('learning could not be told; its query shows the change after its next look\n');
  }
}
