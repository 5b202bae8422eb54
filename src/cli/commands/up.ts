import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { levels } from 'pino';
import { isReadyLogLine, tradeEventLine } from '../event-lines.ts';
import { createStderrLogger, createTellingLogger } from '../../logging.ts';
import { onStopSignal } from '../../embedded/parent-link.ts';
import type { LogLine } from '../../embedded/node-child.ts';
import type { ReadyLine } from '../../embedded/ready.ts';
import { run, subcommand, type CommonOptions } from '../program.ts';
import { colors } from '../render.ts';
import { openSession, type Session } from '../session.ts';
import { stackLines, stackReader } from '../stack-lines.ts';
import { liveView, plainView } from '../up-view.ts';
import { positiveAmount, positiveNumber, wholeNumber } from './paper.ts';

interface UpOptions extends CommonOptions {
  readonly demo?: boolean;
  readonly scan?: boolean;
  readonly portBase?: number;
  readonly balance?: string;
  readonly speed?: number;
  readonly workers?: number;
}

export function registerUp(program: Command): void {
  subcommand(program, 'up', 'start the whole stack; only what the environment does not name already')
    .option('--demo', 'trade the recorded Kraken hour, faster than life')
    .option('--scan', 'open trades from predictions')
    .option('--port-base <port>', 'moves every port (default 7230)', wholeNumber)
    .option('--balance <usd>', 'of a new paper account (default 10000)', positiveAmount)
    .option('--speed <factor>', 'of the demo tape, times life (default 30)', positiveNumber)
    .option('--workers <count>', 'worker processes (default 1)', wholeNumber)
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast up --demo\n  holdfast up --data-dir /var/lib/holdfast --port-base 9000',
    )
    .action((options: UpOptions) => run(options, () => up(options)));
}

async function up(options: UpOptions): Promise<void> {
  const { startStack } = await import('../../embedded/stack.ts');
  const dataDir = options.dataDir ?? process.env.HOLDFAST_DATA_DIR ?? '.holdfast';
  const logs = new LogFiles(join(dataDir, 'logs'));
  const startup = new AbortController();
  let stop: () => void = () => startup.abort(new Error('stopped before it was ready'));
  const asked = new Promise<void>((resolve) => {
    onStopSignal(() => {
      stop();
      resolve();
    });
  });
  const isLive = options.json !== true && process.stdout.isTTY;
  const view = isLive
    ? liveView(process.stdout)
    : plainView((text) => {
        if (!options.json) process.stdout.write(text);
      });
  let session: Session | undefined;
  try {
    const stack = await startStack({
      dataDir,
      env: { ...process.env },
      log: isLive
        ? createTellingLogger((line) => view.tell(colors.yellow(line)))
        : createStderrLogger('up', 'warn'),
      demo: options.demo === true,
      scan: options.scan === true,
      ...(options.portBase === undefined ? {} : { portBase: options.portBase }),
      ...(options.balance === undefined ? {} : { balance: options.balance }),
      ...(options.speed === undefined ? {} : { speed: options.speed }),
      ...(options.workers === undefined ? {} : { workers: options.workers }),
      signal: startup.signal,
      onStarting: (what) => view.starting(what),
      onProgress: (line) => (isLive ? view.tell(line) : process.stderr.write(`${line}\n`)),
      onLog: (child, line) => {
        logs.write(child, line);
        const told = tradeEventLine(line, isLive ? process.stdout.columns : Infinity);
        if (told !== null) view.tell(told);
      },
      onReady: (ready) =>
        options.json
          ? process.stdout.write(`${JSON.stringify(ready)}\n`)
          : view.tell(welcome(ready, options)),
    });
    stop = () => undefined;
    if (isLive) {
      session = await openSession(dataDir);
      const read = stackReader(session);
      view.follow(async (rows) => stackLines(await read(), rows, stack.ready.dashboardUrl, Date.now()));
    }
    await asked;
    view.close();
    view.tell('stopping; open trades go on when you start again');
    await session?.close();
    await stack.stop();
  } finally {
    view.close();
    logs.close();
  }
}

/** The log of every part from `HOLDFAST_LOG_LEVEL` on, as JSON lines: `<data-dir>/logs/<part>.log`. */
class LogFiles {
  readonly #directory: string;
  readonly #fromLevel = levels.values[process.env.HOLDFAST_LOG_LEVEL ?? 'info'] ?? 0;
  readonly #streams = new Map<string, WriteStream>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  write(child: string, line: LogLine): void {
    if (isReadyLogLine(line) || (typeof line.level === 'number' && line.level < this.#fromLevel)) return;
    let stream = this.#streams.get(child);
    if (!stream) {
      mkdirSync(this.#directory, { recursive: true });
      stream = createWriteStream(join(this.#directory, `${child}.log`), { flags: 'a' });
      this.#streams.set(child, stream);
    }
    stream.write(`${JSON.stringify(line)}\n`);
  }

  close(): void {
    for (const stream of this.#streams.values()) stream.end();
  }
}

function welcome(ready: ReadyLine, options: UpOptions): string {
  const addresses: [string, string | null][] = [
    ['Temporal', ready.temporalAddress],
    ['Temporal Web UI', ready.temporalUi],
    ['PostgreSQL', ready.databaseUrl.replace(/:[^:@/]+@/, ':***@')],
    ['Exchange', ready.exchangeUrl],
    ['Dashboard', ready.dashboardUrl],
    ['Metrics', ready.metricsUrl],
    ['Data directory', ready.dataDir],
  ];
  const lines = addresses.map(([name, address]) => `  ${name.padEnd(16)}${address ?? 'not ours'}`);
  return [
    colors.bold('Holdfast is ready.'),
    ...lines,
    ...(options.demo
      ? [`  ${demoNotice(options)}`]
      : ['  Open a trade: npx holdfast open --symbol BTC/USD --notional 250']),
    '  Ctrl-C stops everything in order; starting again resumes every open trade.',
    '',
  ].join('\n');
}

function demoNotice(options: UpOptions): string {
  const speed = options.speed ?? 30;
  return `The recorded hour runs ${speed} times as fast as life;\n  the policy's minutes are divided by ${speed} too.`;
}
