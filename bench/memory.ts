import { setTimeout as delay } from 'node:timers/promises';
import type { BenchOptions } from './options.ts';
import { usageOf } from './stack/processes.ts';
import { BenchRun } from './stack/run.ts';
import { startServers } from './stack/servers.ts';

const POSITIONS = [100, 10_000];
const QUICK_POSITIONS = [20];
const MEASURED_MS = 30_000;
const QUICK_MEASURED_MS = 2_000;

/** What each part needs to hold so many positions while all symbols move: CPU as a fraction of one core. */
export async function* memoryRows(options: BenchOptions): AsyncGenerator<object> {
  for (const positions of options.quick ? QUICK_POSITIONS : POSITIONS) {
    if (options.positions !== null && options.positions !== positions) continue;
    const servers = await startServers();
    try {
      const run = await BenchRun.begin(servers, 'guard');
      yield* holdingRows(run, positions, options.quick);
      run.close();
    } finally {
      await servers.stop();
    }
  }
}

/** Opens so many, sets the market going and tells what holding them takes. */
export async function* holdingRows(run: BenchRun, positions: number, quick: boolean): AsyncGenerator<object> {
  const startedMs = performance.now();
  await run.hold(positions);
  const openedMs = performance.now() - startedMs;
  yield { bench: 'memory', positions, part: 'opening', seconds: Math.round(openedMs / 1_000) };
  run.moveMarket();
  // What opening them has left to be done is not what holding them costs.
  await delay(quick ? QUICK_MEASURED_MS : MEASURED_MS);
  const parts = { ...run.servers.pids, worker: run.workerPid };
  const before = await usageOfAll(parts);
  const fromMs = performance.now();
  await delay(quick ? QUICK_MEASURED_MS : MEASURED_MS);
  const after = await usageOfAll(parts);
  const seconds = (performance.now() - fromMs) / 1_000;
  for (const [part, { rssMiB, cpuSeconds }] of Object.entries(after)) {
    const cpu = (cpuSeconds - (before[part]?.cpuSeconds ?? 0)) / seconds;
    yield { bench: 'memory', positions, part, rssMiB: Math.round(rssMiB), cpu: Number(cpu.toFixed(3)) };
  }
}

async function usageOfAll(pids: Readonly<Record<string, number>>) {
  const usage: Record<string, Awaited<ReturnType<typeof usageOf>>> = {};
  for (const [part, pid] of Object.entries(pids)) usage[part] = await usageOf(pid);
  return usage;
}
