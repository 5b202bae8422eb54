import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { StormReport } from '../chaos/storm/report.ts';
import { bareEnvironment } from './up.ts';

const STORM = fileURLToPath(new URL('../chaos/storm/main.ts', import.meta.url));
const WITHIN_MS = 590_000;

/** The verdict of a short storm, and all that it said for those who read why it failed. */
export async function runShortStorm(
  seed: number,
  ...options: readonly string[]
): Promise<{ verdict: StormReport; said: string }> {
  const storm = ['--short', '--trades', '16', '--workers', '2', '--seed', String(seed), ...options];
  return new Promise((resolve, reject) => {
    const settings = { env: bareEnvironment(), timeout: WITHIN_MS, maxBuffer: 2 ** 26 };
    execFile(process.execPath, ['--import', 'tsx', STORM, ...storm], settings, (error, stdout, stderr) => {
      const said = `${stderr}${stdout}`;
      const line = stdout.trim().split('\n').at(-1) ?? '';
      if (line.startsWith('{')) resolve({ verdict: JSON.parse(line) as StormReport, said });
      else reject(new Error(`the storm came to no verdict: ${said}`, { cause: error }));
    });
  });
}
