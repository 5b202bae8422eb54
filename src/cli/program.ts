import type { Command, CommanderError } from 'commander';
import { CliError, reportError } from './errors.ts';
import type { Session } from './session.ts';

export interface CommonOptions {
  readonly json?: boolean;
  readonly dataDir?: string;
}

/** A subcommand with the options that every one takes. */
export function subcommand(program: Command, spec: string, description: string): Command {
  return program
    .command(spec)
    .description(description)
    .option('--json', 'print JSON')
    .option('--data-dir <dir>', 'data directory of the stack (default .holdfast)');
}

/** Runs an action: its errors become one line and exit code 1. */
export async function run(options: CommonOptions, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    reportError(error, options.json === true);
  }
}

/** Runs an action with a session that is closed afterwards. */
export async function runWithSession(
  options: CommonOptions,
  action: (session: Session) => Promise<void>,
): Promise<void> {
  await run(options, async () => {
    // Loaded here, so that help and usage errors don't wait for database and Temporal libraries.
    const { openSession } = await import('./session.ts');
    const session = await openSession(options.dataDir);
    try {
      await action(session);
    } finally {
      await session.close();
    }
  });
}

/** JSON for scripts or lines for people. */
export function print(options: CommonOptions, value: unknown, lines: () => string): void {
  process.stdout.write(`${options.json ? JSON.stringify(value) : lines()}\n`);
}

/** Commander's complaints in our shape: one line that names what is wrong. */
export function explainUsage(error: CommanderError, json: boolean): void {
  if (error.exitCode === 0) return;
  const [message = ''] = error.message.replace(/^error: /, '').split('\n');
  reportError(new CliError('bad-usage', `${message}; see holdfast --help`), json);
}
