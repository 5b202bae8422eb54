import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { isDecimal, isPositive } from '../../domain/money.ts';
import { exitWithParent, onStopSignal } from '../../embedded/parent-link.ts';
import { createLogger } from '../../logging.ts';
import type { PaperKeyOptions } from '../../exchange/paper/server.ts';
import type { MarketOptions } from '../../exchange/paper/market/source.ts';
import { run, subcommand, type CommonOptions } from '../program.ts';

interface PaperOptions extends CommonOptions {
  readonly host: string;
  readonly port: number;
  readonly tape?: string;
  readonly manual?: boolean;
  readonly speed: number;
  readonly seed: number;
  readonly balance: string;
  readonly keys: number;
  readonly keyFiles?: readonly PaperKeyOptions[];
}

export function registerPaper(program: Command): void {
  subcommand(program, 'paper', 'the paper exchange alone, for services')
    .option('--host <address>', 'to listen on; control is answered on loopback only', '127.0.0.1')
    .option('--port <port>', 'of REST and WebSocket; 0 takes a free one', wholeNumber, 7232)
    .option('--tape <file>', 'CSV of recorded trades: time_ms,price,volume,side')
    .option('--speed <factor>', 'of the tape, times life', positiveNumber, 1)
    .option('--synthetic', 'seeded random markets (the default without --tape)')
    .option('--manual', 'no prices but those set through the control API')
    .option('--seed <number>', 'of market and matching', wholeNumber, 1)
    .option('--balance <usd>', 'that a new account starts with', positiveAmount, '10000')
    .option('--keys <number>', 'API keys of a new account; each process needs one of its own', wholeNumber, 1)
    .option(
      '--key-files <key,secret...>',
      'API keys of a new account from pairs of files, instead of --keys',
      (pair: string, others?: PaperKeyOptions[]) => [...(others ?? []), keyFromFiles(pair)],
    )
    .addHelpText('after', '\nExample:\n  holdfast paper --port 7232 --tape trades.csv --speed 30')
    .action((options: PaperOptions) =>
      run(options, async () => {
        exitWithParent();
        const { startPaperExchange } = await import('../../exchange/paper/server.ts');
        const log = createLogger('paper');
        const directory = options.dataDir ?? join('.holdfast', 'exchange');
        mkdirSync(directory, { recursive: true });
        const exchange = await startPaperExchange({
          host: options.host,
          port: options.port,
          journalFile: join(directory, 'journal.jsonl'),
          seed: options.seed,
          market: marketOf(options),
          balances: { ZUSD: options.balance },
          keys: options.keyFiles ?? Array.from({ length: Math.max(1, options.keys) }, () => ({})),
          log,
        });
        onStopSignal(() => void exchange.close());
        log.info(
          { event: 'ready', exchangeUrl: exchange.url, exchangeWsUrl: exchange.wsUrl },
          `paper exchange at ${exchange.url}`,
        );
      }),
    );
}

function marketOf({ tape, speed, manual, seed }: PaperOptions): MarketOptions {
  if (tape !== undefined) return { source: 'tape', file: tape, speed };
  return manual ? { source: 'manual' } : { source: 'synthetic', seed };
}

function keyFromFiles(pair: string): PaperKeyOptions {
  const [key, secret, ...rest] = pair.split(',').map(readSecret);
  if (!key || !secret || rest.length > 0)
    throw new InvalidArgumentError('two files are needed, of a key and its secret, like key.txt,secret.txt');
  if (!/^[A-Za-z0-9+/]+=*$/.test(secret)) throw new InvalidArgumentError('the secret has to be base64');
  return { key, secret };
}

function readSecret(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw new InvalidArgumentError(`${file} can't be read`);
  }
}

export function wholeNumber(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 0)
    throw new InvalidArgumentError('a whole number from 0 on is allowed');
  return number;
}

export function positiveNumber(value: string): number {
  const number = Number(value);
  if (!(number > 0) || !Number.isFinite(number))
    throw new InvalidArgumentError('a number above 0 is allowed');
  return number;
}

export function positiveAmount(value: string): string {
  if (!isDecimal(value) || !isPositive(value))
    throw new InvalidArgumentError('a decimal above 0 is allowed, like 10000');
  return value;
}
