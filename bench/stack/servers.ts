import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { HoldfastClient } from '../../src/client.ts';
import { startNodeChild, type NodeChild } from '../../src/embedded/node-child.ts';
import { startPostgres } from '../../src/embedded/postgres.ts';
import { resolveTemporalCli } from '../../src/embedded/temporal-cli.ts';
import { startTemporal } from '../../src/embedded/temporal.ts';
import { PaperControl } from '../../test/support/paper-control.ts';
import { freePort } from '../../test/support/port-base.ts';
import { ExchangeProcess } from './exchange-process.ts';
import type { Mechanism } from './worker.ts';

/** The servers of a stack with nothing else, each a process of its own: what is measured, measured alone. */
export interface BenchServers {
  readonly exchange: ExchangeProcess;
  readonly paper: PaperControl;
  readonly temporal: Client;
  readonly client: HoldfastClient;
  readonly databaseUrl: string;
  readonly pids: { readonly temporal: number; readonly postgres: number; readonly exchange: number };
  startWorker(mechanism: Mechanism, env?: NodeJS.ProcessEnv): Promise<NodeChild>;
  stop(): Promise<void>;
}

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));
/** Beyond what `holdfast worker` asks for itself. */
export const BENCH_KEYS = 9;

export async function startServers(): Promise<BenchServers> {
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-bench-'));
  const log = pino({ level: 'silent' });
  const data = (name: string) => path.join(directory, name);
  await mkdir(data('temporal'));
  const cli = await resolveTemporalCli({ log, onProgress: (line) => process.stderr.write(`${line}\n`) });
  const temporalServer = await startTemporal({
    cli: cli.path,
    dataDir: data('temporal'),
    port: await freePort(),
    uiPort: null,
    log,
  });
  const postgres = await startPostgres({
    dataDir: data('postgres'),
    port: await freePort(),
    log: () => undefined,
  });
  const exchange = await ExchangeProcess.start(data('journal.jsonl'), BENCH_KEYS + 1);
  const connection = await Connection.connect({ address: temporalServer.address });
  const temporal = new Client({ connection });
  const workers: NodeChild[] = [];
  return {
    exchange,
    paper: new PaperControl(exchange.url),
    temporal,
    client: new HoldfastClient(temporal),
    databaseUrl: postgres.databaseUrl,
    pids: { temporal: temporalServer.pid, postgres: postgres.pid, exchange: exchange.pid },
    async startWorker(mechanism, env = {}) {
      const [key] = await exchange.keys();
      const worker = await startNodeChild({
        name: `worker ${mechanism}`,
        args: [mechanism],
        script: WORKER,
        readyWithinMs: 180_000,
        env: {
          ...withoutSettings(process.env),
          NODE_OPTIONS: '--import tsx',
          TEMPORAL_ADDRESS: temporalServer.address,
          DATABASE_URL: postgres.databaseUrl,
          KRAKEN_API_URL: exchange.url,
          KRAKEN_WS_URL: exchange.wsUrl,
          KRAKEN_API_KEY: key?.key,
          KRAKEN_API_SECRET: key?.secret,
          HOLDFAST_KRAKEN_TIER: 'unlimited',
          HOLDFAST_MAX_OPEN_POSITIONS: '100000',
          HOLDFAST_MAX_POSITIONS_PER_SYMBOL: '100000',
          PREDICTION_URL: 'none',
          ...env,
        },
        onLog: (line) => {
          if (Number(line.level) >= 40) process.stderr.write(`worker: ${String(line.msg)}\n`);
        },
      });
      workers.push(worker);
      return worker;
    },
    async stop() {
      for (const worker of workers) await worker.stop();
      await connection.close();
      await exchange.stop();
      await temporalServer.kill();
      await postgres.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) => !/^(TEMPORAL|DATABASE|KRAKEN|HOLDFAST|PREDICTION)_/.test(name),
  );
  return Object.fromEntries(kept);
}
