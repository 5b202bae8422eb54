import { spawn } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { HoldfastClient } from '../../src/client.ts';
import type { ReadyLine } from '../../src/embedded/ready.ts';
import { freePortBase } from '../../test/support/port-base.ts';
import { plot } from './plot.ts';
import { usageByPart, type PartUsage } from '../stack/processes.ts';
import { createMarket, createTrader, type Tally } from './trading.ts';

/**
 * `npm run soak -- --hours 2`: trades at a steady rate on a stack of its own and samples what each part uses. What
 * grows without end shows in `soak.jsonl` and `soak.svg` of the folder given by --out.
 */
const { values: options } = parseArgs({
  options: {
    hours: { type: 'string', default: '2' },
    'every-ms': { type: 'string', default: '3000' },
    'sample-ms': { type: 'string', default: '60000' },
    'hold-ms': { type: 'string', default: '120000' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: 'soak' },
  },
});
const hours = Number(options.hours);
const seed = Number(options.seed);

interface Sample extends Tally {
  readonly event: 'sample';
  readonly minutes: number;
  readonly open: number;
  readonly parts: Readonly<Record<string, PartUsage>>;
  readonly databaseMiB: number;
  readonly temporalFileMiB: number;
  readonly journalMiB: number;
  readonly learningHistoryEvents: number;
  readonly guardHistoryEvents: number;
  readonly lastTradeHistoryEvents: number;
}

async function startStack(dataDir: string, portBase: number) {
  const cli = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url));
  const place = ['--data-dir', dataDir, '--port-base', String(portBase), '--balance', '1000000'];
  const child = spawn(process.execPath, [cli, 'up', '--json', ...place], {
    env: { ...process.env, PREDICTION_URL: 'none', HOLDFAST_TIME_SCALE: '10' },
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ready = await new Promise<ReadyLine>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`holdfast up ended with ${code ?? 'a signal'}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('"event":"ready"')) resolve(JSON.parse(line) as ReadyLine);
    });
  });
  return { child, ready };
}

const dataDir = await mkdtemp(path.join(tmpdir(), 'holdfast-soak-'));
const { child, ready } = await startStack(dataDir, await freePortBase());
const connection = await Connection.connect({ address: ready.temporalAddress });
const temporal = new Client({ connection });
const database = new pg.Client(ready.databaseUrl);
await database.connect();
await mkdir(options.out, { recursive: true });
const lines = path.join(options.out, 'soak.jsonl');
await rm(lines, { force: true });

const tally: Tally = { asked: 0, refused: 0, ended: 0, failed: 0 };
const moveMarket = createMarket(seed, ready.exchangeUrl);
const trader = createTrader(seed, new HoldfastClient(temporal), Number(options['hold-ms']), tally);
const samples: Sample[] = [];
const startedMs = Date.now();
const endMs = startedMs + hours * 3_600_000;

await moveMarket();
const market = every(1_000, moveMarket);
const trading = every(Number(options['every-ms']), () => trader.open());
const sampling = every(Number(options['sample-ms']), takeSample);
await Promise.all([trading, sampling]);
await trader.settled();
await market;
await takeSample();
await writeFile(path.join(options.out, 'soak.svg'), plot(curves(), hours));
await database.end();
await connection.close();
process.kill(-(child.pid ?? 0), 'SIGINT');
await new Promise((resolve) => child.once('exit', resolve));
await rm(dataDir, { recursive: true, force: true });

/** At a steady rate until the end; the market goes on while trades are still open. */
async function every(intervalMs: number, act: () => Promise<unknown>): Promise<void> {
  const isWanted = () => Date.now() < endMs || (act === moveMarket && tally.asked > ended());
  for (let atMs = Date.now(); isWanted(); atMs += intervalMs) {
    await act();
    await sleep(Math.max(0, atMs + intervalMs - Date.now()));
  }
}

function ended(): number {
  return tally.ended + tally.refused + tally.failed;
}

async function takeSample(): Promise<void> {
  const { rows } = await database.query<{ bytes: string }>(
    'SELECT pg_database_size(current_database()) AS bytes',
  );
  const sample: Sample = {
    event: 'sample',
    minutes: Math.round((Date.now() - startedMs) / 6_000) / 10,
    ...tally,
    open: tally.asked - ended(),
    parts: await usageByPart(child.pid ?? 0),
    databaseMiB: Number(rows[0]?.bytes ?? 0) / 2 ** 20,
    temporalFileMiB: await filesMiB(/temporal.*\.(db|sqlite)(-wal)?$/),
    journalMiB: await filesMiB(/journal/),
    learningHistoryEvents: await historyEvents(`WorkflowId = 'learning' AND ExecutionStatus = 'Running'`),
    guardHistoryEvents: await historyEvents(`WorkflowType = 'guard' AND ExecutionStatus = 'Running'`),
    lastTradeHistoryEvents: await historyEvents(`WorkflowType = 'trade' AND ExecutionStatus = 'Completed'`),
  };
  samples.push(sample);
  const line = JSON.stringify(sample);
  await appendFile(lines, `${line}\n`);
  process.stdout.write(`${line}\n`);
}

/** Of the newest that fits; the list knows the length of ended ones only. */
async function historyEvents(query: string): Promise<number> {
  for await (const { workflowId, runId } of temporal.workflow.list({ query, pageSize: 1 })) {
    return (await temporal.workflow.getHandle(workflowId, runId).describe()).historyLength;
  }
  return 0;
}

async function filesMiB(pattern: RegExp): Promise<number> {
  const names = (await readdir(dataDir, { recursive: true })).filter((name) => pattern.test(name));
  const sizes = await Promise.all(names.map(async (name) => (await stat(path.join(dataDir, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0) / 2 ** 20;
}

function curves() {
  const of = (pick: (sample: Sample) => number) => samples.map(pick);
  const names = [...new Set(samples.flatMap(({ parts }) => Object.keys(parts)))].sort();
  return [
    ...names.map((name) => ({
      title: `memory: ${name}`,
      unit: 'MiB',
      values: of(({ parts }) => parts[name]?.rssMiB ?? 0),
    })),
    { title: 'open files, all parts', unit: '', values: of(({ parts }) => sumFiles(parts)) },
    { title: 'database', unit: 'MiB', values: of(({ databaseMiB }) => databaseMiB) },
    { title: 'Temporal file', unit: 'MiB', values: of(({ temporalFileMiB: size }) => size) },
    { title: 'journal of the exchange', unit: 'MiB', values: of(({ journalMiB }) => journalMiB) },
    { title: 'trades ended', unit: '', values: of(({ ended: count }) => count) },
    { title: 'history of learning', unit: 'events', values: of((sample) => sample.learningHistoryEvents) },
    { title: 'history of a lease', unit: 'events', values: of((sample) => sample.guardHistoryEvents) },
  ];
}

function sumFiles(parts: Readonly<Record<string, PartUsage>>): number {
  return Object.values(parts).reduce((sum, { openFiles }) => sum + openFiles, 0);
}
