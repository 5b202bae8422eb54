import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { bareEnvironment } from '../support/up.ts';
import type { StormReport } from './storm/report.ts';

const STORM = fileURLToPath(new URL('./storm/main.ts', import.meta.url));
const WITHIN_MS = 900_000;
const TRADES = 24;
const FAULTS = 12;

/** `npm run chaos`, but small: real processes are killed, frozen and cut off while they trade. */
it('loses nothing in a storm', { timeout: WITHIN_MS }, async () => {
  const { verdict, said } = await storm(
    '--trades',
    String(TRADES),
    '--faults',
    String(FAULTS),
    '--seed',
    '4',
  );
  expect(verdict, said).toMatchObject({ seed: 4, trades: TRADES });
  expect(
    Object.entries(verdict.invariants).filter(([, number]) => number !== 0),
    said,
  ).toEqual([]);
  expect(Object.keys(verdict.invariants)).toHaveLength(11);
  // What is armed strikes only where somebody comes by, but the processes are killed in any case.
  expect(verdict.faultsInAll, said).toBeGreaterThanOrEqual(FAULTS / 2);
  expect(verdict.orders, said).toBeGreaterThan(TRADES / 2);
});

/** Its last line, and all that it said for those who read why it failed. */
async function storm(...args: string[]): Promise<{ verdict: StormReport; said: string }> {
  const command = ['--import', 'tsx', STORM, ...args];
  return new Promise((resolve, reject) => {
    const options = { env: bareEnvironment(), timeout: WITHIN_MS - 10_000, maxBuffer: 2 ** 26 };
    execFile(process.execPath, command, options, (error, stdout, stderr) => {
      const said = `${stderr}${stdout}`;
      const line = stdout.trim().split('\n').at(-1) ?? '';
      if (line.startsWith('{')) resolve({ verdict: JSON.parse(line) as StormReport, said });
      else reject(new Error(`the storm came to no verdict: ${said}`, { cause: error }));
    });
  });
}
