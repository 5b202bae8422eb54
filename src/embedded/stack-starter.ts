import type { DataDir } from './data-dir.ts';
import { startNodeChild, type LogLine } from './node-child.ts';
import { localUrl, type Ports } from './ports.ts';
import { runPostgres, runTemporal } from './servers.ts';
import { childEnvironment, paperArguments, paperKeys, type Addresses } from './stack-children.ts';
import type { StackOptions } from './stack-options.ts';
import { supervise, type Running, type Supervised } from './supervisor.ts';

/** Starts the parts one by one and remembers the order, so that they can be stopped in reverse. */
export class StackStarter {
  readonly parts = new Map<string, Supervised>();
  readonly #options: StackOptions;
  readonly #ports: Ports;
  readonly #dataDir: DataDir;
  #stopping: Promise<void> | null = null;

  constructor(options: StackOptions, ports: Ports, dataDir: DataDir) {
    this.#options = options;
    this.#ports = ports;
    this.#dataDir = dataDir;
  }

  /** Addresses of Temporal and of the database. */
  async servers(temporal: string | undefined, database: string | undefined): Promise<[string, string]> {
    const own = [
      ...(temporal === undefined ? ['Temporal'] : []),
      ...(database === undefined ? ['PostgreSQL'] : []),
    ];
    if (own.length > 0) this.#options.onStarting?.(own.join(' and '));
    // A database that can't start must not wait for a build of Temporal to say so.
    const failed = new AbortController();
    const starts = [
      Promise.resolve(temporal ?? this.#temporal(failed.signal)),
      Promise.resolve(database ?? this.#postgres()),
    ] as const;
    for (const start of starts) start.catch((error: unknown) => failed.abort(error));
    // Both settle first, so that neither is left half started.
    await Promise.allSettled(starts);
    if (failed.signal.aborted) throw failed.signal.reason;
    return Promise.all(starts);
  }

  async #temporal(failed: AbortSignal): Promise<string> {
    const { env, log, dynamicConfig = [], onProgress = () => undefined } = this.#options;
    const { temporal: port, temporalUi: uiPort } = this.#ports;
    const dataDir = this.#dataDir.temporal;
    const signal = AbortSignal.any([failed, ...(this.#options.signal ? [this.#options.signal] : [])]);
    await this.#keepUp('temporal', () =>
      runTemporal({ dataDir, port, uiPort, log, env, dynamicConfig, onProgress, signal }),
    );
    return `127.0.0.1:${port}`;
  }

  async #postgres(): Promise<string> {
    let databaseUrl = '';
    await this.#keepUp('postgres', async () => {
      const { log } = this.#options;
      const server = await runPostgres({ dataDir: this.#dataDir.postgres, port: this.#ports.postgres, log });
      databaseUrl = server.databaseUrl;
      return server;
    });
    return databaseUrl;
  }

  async paper(): Promise<string> {
    await this.#child('paper', paperArguments(this.#options, this.#ports, this.#dataDir.exchange), {
      ...this.#options.env,
      HOLDFAST_DATA_DIR: this.#dataDir.path,
    });
    return localUrl(this.#ports.exchange);
  }

  async clients(addresses: Addresses, isOwnExchange: boolean): Promise<void> {
    const keysOf = async (index: number) => (isOwnExchange ? paperKeys(addresses.exchangeUrl, index) : {});
    const shared = {
      ...childEnvironment(this.#options, addresses, this.#dataDir.path),
      HOLDFAST_DASHBOARD_PORT: String(this.#ports.dashboard),
    };
    for (let index = 1; index <= (this.#options.workers ?? 1); index += 1) {
      const isFirst = index === 1;
      await this.#child(`worker-${index}`, ['worker'], {
        ...shared,
        ...(await keysOf(index - 1)),
        HOLDFAST_METRICS_PORT: String(isFirst ? this.#ports.metrics : 0),
        HOLDFAST_SDK_METRICS_PORT: String(isFirst ? this.#ports.sdkMetrics : 0),
      });
    }
    await this.#child('dashboard', ['dashboard'], { ...shared, ...(await keysOf(-1)) });
  }

  async #child(name: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
    const { cliScript } = this.#options;
    this.#options.onStarting?.(name === 'paper' ? 'the paper exchange' : name);
    const onLog = (line: LogLine) => this.#options.onLog?.(name, line);
    await this.#keepUp(name, () =>
      startNodeChild({
        name,
        args,
        env: speaking(env),
        onLog,
        ...(cliScript === undefined ? {} : { script: cliScript }),
      }),
    );
  }

  async #keepUp(name: string, start: () => Promise<Running>): Promise<void> {
    this.#options.signal?.throwIfAborted();
    const part = await supervise({
      name,
      start,
      log: this.#options.log,
      onStarted: (pid) => this.#dataDir.recordProcess(name, pid),
      onStopped: () => this.#dataDir.forgetProcess(name),
    });
    this.parts.set(name, part);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    await this.#dataDir.removeReady();
    try {
      const servers: Supervised[] = [];
      for (const part of [...this.parts.values()].reverse()) {
        if (part.name === 'temporal' || part.name === 'postgres') servers.push(part);
        else await part.stop();
      }
      await Promise.all(servers.map((server) => server.stop()));
    } finally {
      await this.#dataDir.release();
    }
  }
}

/** A part tells that it is ready, and what happens to trades, by lines of level info: quieter it would not be heard. */
function speaking(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isQuiet = ['warn', 'error'].includes(env.HOLDFAST_LOG_LEVEL ?? '');
  return isQuiet ? { ...env, HOLDFAST_LOG_LEVEL: 'info' } : env;
}
