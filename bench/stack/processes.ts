import { readdir, readFile } from 'node:fs/promises';

/** What one part of a running stack uses, all its processes together. Linux only: read from /proc. */
export interface PartUsage {
  readonly processes: number;
  readonly rssMiB: number;
  readonly openFiles: number;
  /** Since each began. */
  readonly cpuSeconds: number;
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  readonly rssMiB: number;
  readonly cpuSeconds: number;
}

const PAGE_BYTES = 4_096;
const TICKS_PER_SECOND = 100;

const PARTS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['postgres', /postgres/],
  ['temporal', /temporal\S* server/],
  ['exchange', /holdfast\.js paper|cli\S* paper/],
  ['worker', /holdfast\.js worker|cli\S* worker/],
  ['dashboard', /holdfast\.js dashboard|cli\S* dashboard/],
];

/** By part, of a process and everything that descends from it. */
export async function usageByPart(rootPid: number): Promise<Record<string, PartUsage>> {
  const all = await processes();
  const usage: Record<string, PartUsage> = {};
  for (const { pid, command, rssMiB, cpuSeconds } of descendants(all, rootPid)) {
    const part = PARTS.find(([, pattern]) => pattern.test(command))?.[0] ?? 'up';
    const { processes: count = 0, rssMiB: rss = 0, openFiles = 0, cpuSeconds: cpu = 0 } = usage[part] ?? {};
    usage[part] = {
      processes: count + 1,
      rssMiB: rss + rssMiB,
      openFiles: openFiles + (await openFilesOf(pid)),
      cpuSeconds: cpu + cpuSeconds,
    };
  }
  return usage;
}

/** Of a process and everything that descends from it, together. */
export async function usageOf(rootPid: number): Promise<Pick<PartUsage, 'rssMiB' | 'cpuSeconds'>> {
  const found = descendants(await processes(), rootPid);
  return {
    rssMiB: found.reduce((sum, { rssMiB }) => sum + rssMiB, 0),
    cpuSeconds: found.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
  };
}

async function processes(): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map((pid) => readProcess(pid).catch(() => null)));
  return found.filter((each) => each !== null);
}

async function readProcess(pid: number): Promise<Process> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name stands in parentheses and may hold anything; fields are counted after it (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
  return {
    pid,
    parent: field(4),
    command,
    rssMiB: (field(24) * PAGE_BYTES) / 2 ** 20,
    cpuSeconds: (field(14) + field(15)) / TICKS_PER_SECOND,
  };
}

function descendants(all: readonly Process[], rootPid: number): Process[] {
  const found = all.filter(({ pid }) => pid === rootPid);
  for (const each of found) found.push(...all.filter(({ parent }) => parent === each.pid));
  return found;
}

async function openFilesOf(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`).catch(() => [])).length;
}
