import { ConfigError } from '../config.ts';

/** Something a person can put right. `code` is stable, for scripts. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** One line on stderr, or `{"error":{code,message}}` on stdout; never a stack trace. */
export function reportError(error: unknown, json: boolean): void {
  const { code, message } = describe(error);
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`);
  else process.stderr.write(`holdfast: ${message}\n`);
  process.exitCode = 1;
}

function describe(error: unknown): { code: string; message: string } {
  if (error instanceof CliError) return { code: error.code, message: error.message };
  if (error instanceof ConfigError) return { code: 'bad-config', message: error.message };
  if (error instanceof Error) return { code: codeOf(error), message: firstLine(fullMessage(error)) };
  return { code: 'failed', message: String(error) };
}

/** `DatabaseUnavailable` → `database-unavailable`. */
function codeOf(error: Error): string {
  if (error.name === 'Error') return 'failed';
  return error.name.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
}

/** Temporal's client says only what failed; why is in its cause. */
function fullMessage({ message, cause }: Error): string {
  return cause instanceof Error && cause.message !== message ? `${message}: ${cause.message}` : message;
}

function firstLine(message: string): string {
  return message.split('\n')[0] ?? message;
}
