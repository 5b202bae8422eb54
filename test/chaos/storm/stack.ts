import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { startNodeChild, type LogLine } from '../../../src/embedded/node-child.ts';
import type { PaperExchangeOptions } from '../../../src/exchange/paper/server.ts';
import { freePort } from '../../support/port-base.ts';
import { openTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { kill, Part } from './part.ts';
import type { Link } from './plan.ts';
import { databaseServer, temporalServer, type TemporalKind } from './servers.ts';

/** What the account starts with: no storm may ever be refused for want of money. */
export const STARTING_CASH = '10000000';
/** More than any storm starts workers: each process has a key of its own, for nonces must not do the deadlines' work. */
const KEYS = 400;
const TIME_SCALE = 60;
const PERSIST_BUDGET_MS = 10_000;
const READY_WITHIN_MS = 120_000;
const LINKS: readonly Link[] = ['temporal', 'postgres', 'exchange'];

export interface StackOptions {
  readonly workers: number;
  readonly temporal: TemporalKind;
  /** Name of a build that is broken on purpose. */
  readonly broken: string | null;
  readonly say: (line: string) => void;
  readonly onLog: (part: string, line: LogLine) => void;
}

export interface Addresses {
  readonly temporal: string;
  readonly databaseUrl: string;
  readonly exchangeUrl: string;
}

/** One worker, its clock, and its ways to the servers. */
export interface WorkerSlot {
  readonly part: Part;
  readonly links: Readonly<Record<Link, TcpProxy>>;
  setClock(offsetMs: number): void;
}

/** Temporal, PostgreSQL, the paper exchange and some workers, every one a process of its own. */
export interface StormStack {
  readonly directory: string;
  readonly failPoints: string;
  readonly addresses: Addresses;
  readonly temporal: Part;
  readonly postgres: Part;
  readonly exchange: Part;
  readonly workers: readonly WorkerSlot[];
  /** What `holdfast` needs to talk to this stack. */
  readonly environment: NodeJS.ProcessEnv;
  /** Stops everything; removes its data unless it is to be kept. */
  close(keep: boolean): Promise<void>;
}

/** The environment without anything that names a server. */
export function bareEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(TEMPORAL|DATABASE|KRAKEN|HOLDFAST|PREDICTION|STORM)_|^VITEST|^NODE_OPTIONS$/.test(name),
    ),
  );
}

export async function startStormStack(options: StackOptions): Promise<StormStack> {
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-storm-'));
  const failPoints = path.join(directory, 'fail-points');
  const temporalDir = path.join(directory, 'temporal');
  for (const each of [failPoints, temporalDir]) mkdirSync(each);
  const opened: { close(): Promise<unknown> }[] = [];
  const closeAll = async () => {
    for (const each of opened.splice(0).reverse()) await each.close();
  };
  const begin = async (part: Part): Promise<Part> => {
    await part.start();
    opened.push({ close: () => part.stop() });
    return part;
  };
  try {
    const [temporalPort, postgresPort, exchangePort] = [await freePort(), await freePort(), await freePort()];
    let databaseUrl = '';
    const startingDatabase = databaseServer(path.join(directory, 'postgres'), postgresPort, (url) => {
      databaseUrl = url;
    });
    const postgres = await begin(new Part('postgres', startingDatabase, options.say));
    const startingTemporal = await temporalServer(options.temporal, {
      directory: temporalDir,
      port: temporalPort,
      databaseUrl,
      say: options.say,
    });
    const temporal = await begin(new Part('temporal', startingTemporal, options.say));
    const exchange = await begin(
      new Part(
        'exchange',
        paperExchange(path.join(directory, 'exchange'), exchangePort, options),
        options.say,
      ),
    );
    const addresses: Addresses = {
      temporal: `127.0.0.1:${temporalPort}`,
      databaseUrl,
      exchangeUrl: `http://127.0.0.1:${exchangePort}`,
    };
    const ports = { temporal: temporalPort, postgres: postgresPort, exchange: exchangePort };
    const bundle = path.join(directory, 'workflows.js');
    writeFileSync(
      bundle,
      (await bundleWorkflowCode({ workflowsPath: WORKFLOWS, logger: new DefaultLogger('ERROR') })).code,
    );
    const shared: NodeJS.ProcessEnv = {
      ...bareEnvironment(),
      STORM_FAIL_POINTS: failPoints,
      STORM_WORKFLOW_BUNDLE: bundle,
      ...(options.broken === null ? {} : { STORM_BROKEN: options.broken }),
    };
    const keys = keyRing();
    const workers = await Promise.all(
      Array.from({ length: options.workers }, async (_, index): Promise<WorkerSlot> => {
        const links = await openLinks(ports);
        for (const link of LINKS) opened.push(links[link]);
        const clock = path.join(directory, `clock-${index}`);
        const setClock = (offsetMs: number) => writeFileSync(clock, String(offsetMs));
        setClock(0);
        const environment = {
          ...shared,
          STORM_WORKER: String(index),
          STORM_CLOCK: clock,
          ...workerEnvironment(links, databaseUrl),
        };
        const name = `worker-${index}`;
        const start = () =>
          startNodeChild({
            name,
            script: WORKER,
            args: ['worker'],
            env: { ...environment, ...keys() },
            readyWithinMs: READY_WITHIN_MS,
            onLog: (line) => options.onLog(name, line),
          });
        return { part: new Part(name, start, options.say), links, setClock };
      }),
    );
    // One that stands still would outlive us: it can't hear that we are gone.
    process.on('exit', () => {
      for (const { part } of workers) if (part.pid !== null) kill(part.pid, 'SIGKILL');
    });
    await Promise.all(workers.map(({ part }) => begin(part)));
    return {
      directory,
      failPoints,
      addresses,
      temporal,
      postgres,
      exchange,
      workers,
      environment: {
        ...bareEnvironment(),
        TEMPORAL_ADDRESS: addresses.temporal,
        DATABASE_URL: addresses.databaseUrl,
        KRAKEN_API_URL: addresses.exchangeUrl,
        HOLDFAST_DATA_DIR: directory,
      },
      close: async (keep) => {
        await closeAll();
        if (!keep) await rm(directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await closeAll();
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

const WORKFLOWS = fileURLToPath(new URL('../../../src/workflows/index.ts', import.meta.url));
const WORKER = fileURLToPath(new URL('./worker/process.js', import.meta.url));
const PAPER = fileURLToPath(new URL('./paper-process.js', import.meta.url));

function paperExchange(directory: string, port: number, { onLog }: StackOptions) {
  const settings: PaperExchangeOptions = {
    port,
    journalFile: path.join(directory, 'journal.jsonl'),
    market: { source: 'manual' },
    balances: { ZUSD: STARTING_CASH },
    tier: 'unlimited',
    keys: KEYRING,
  };
  const file = path.join(directory, 'settings.json');
  mkdirSync(directory);
  writeFileSync(file, JSON.stringify(settings));
  return () =>
    startNodeChild({
      name: 'exchange',
      script: PAPER,
      args: [file],
      env: bareEnvironment(),
      readyWithinMs: READY_WITHIN_MS,
      onLog: (line) => onLog('exchange', line),
    });
}

const KEYRING = Array.from({ length: KEYS }, (_, index) => ({
  key: `worker-${index + 1}`,
  secret: randomBytes(64).toString('base64'),
}));

/** The next key each time; the last is for commands that look on. */
function keyRing(): () => NodeJS.ProcessEnv {
  let next = 0;
  return () => {
    const mine = KEYRING[next];
    next += 1;
    if (mine === undefined) throw new Error(`a storm has ${KEYS} keys at most`);
    return { KRAKEN_API_KEY: mine.key, KRAKEN_API_SECRET: mine.secret };
  };
}

async function openLinks(ports: Readonly<Record<Link, number>>): Promise<Record<Link, TcpProxy>> {
  const [temporal, postgres, exchange] = await Promise.all(
    LINKS.map((link) => openTcpProxy(`127.0.0.1:${ports[link]}`)),
  );
  if (!temporal || !postgres || !exchange) throw new Error('a way to a server is missing');
  return { temporal, postgres, exchange };
}

function workerEnvironment(links: Readonly<Record<Link, TcpProxy>>, databaseUrl: string): NodeJS.ProcessEnv {
  const database = new URL(databaseUrl);
  database.port = String(links.postgres.port);
  return {
    TEMPORAL_ADDRESS: `127.0.0.1:${links.temporal.port}`,
    TEMPORAL_NAMESPACE: 'default',
    DATABASE_URL: database.href,
    KRAKEN_API_URL: `http://127.0.0.1:${links.exchange.port}`,
    KRAKEN_WS_URL: `ws://127.0.0.1:${links.exchange.port}/v2`,
    PREDICTION_URL: 'none',
    HOLDFAST_TIME_SCALE: String(TIME_SCALE),
    HOLDFAST_PERSIST_BUDGET_MS: String(PERSIST_BUDGET_MS),
    HOLDFAST_MAX_OPEN_POSITIONS: '10000',
    HOLDFAST_MAX_POSITIONS_PER_SYMBOL: '10000',
  };
}
