import { pino, type Logger } from 'pino';

export type { Logger };

/** Paths whose values never reach a log, whatever object they come in. */
const SECRETS = [
  'apiKey',
  'apiSecret',
  'secret',
  'key',
  'token',
  'password',
  'databaseUrl',
  '*.secret',
  '*.apiSecret',
];

/** For commands whose answer is on stdout: what goes wrong meanwhile is told on stderr. */
export function createStderrLogger(name: string, level: string): Logger {
  return pino({ name, level, redact: { paths: SECRETS, censor: '(hidden)' } }, pino.destination(2));
}

/** For a program that tells people itself what went wrong, a line each, in words. */
export function createTellingLogger(tell: (line: string) => void): Logger {
  const write = (line: string) => tell((JSON.parse(line) as { msg?: string }).msg ?? line);
  return pino({ level: 'warn' }, { write });
}

/** JSON lines on stdout; pretty on a terminal. */
export function createLogger(name: string, level = process.env.HOLDFAST_LOG_LEVEL ?? 'info'): Logger {
  const options = { name, level, redact: { paths: SECRETS, censor: '(hidden)' } };
  if (!process.stdout.isTTY) return pino(options);
  return pino({ ...options, transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname,name' } } });
}
