import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../support/documented-commands.ts';
import { bareEnvironment } from '../support/up.ts';

/** Not what they measure, only that the documented commands still measure it. */
describe('npm run', { timeout: 420_000 }, () => {
  function npmRun(...words: readonly string[]): Promise<string> {
    const env = { ...bareEnvironment() };
    return new Promise((resolve, reject) => {
      execFile('npm', ['run', '--silent', ...words], { cwd: ROOT, env }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`npm run ${words.join(' ')} failed: ${stderr}${stdout}`));
      });
    });
  }

  it.each(['exit', 'marks', 'memory', 'ledger', 'learning', 'backtest'])(
    'bench -- %s --quick',
    async (name) => {
      const rows = (await npmRun('bench', '--', name, '--quick', '--json')).trim().split('\n');
      const benches = rows.map((row) => (JSON.parse(row) as { bench: string }).bench);
      expect(benches.length).toBeGreaterThan(0);
      expect(new Set(benches)).toContain(name);
    },
  );

  it('soak -- --hours 0.004', async () => {
    const out = await mkdtemp(path.join(tmpdir(), 'holdfast-soak-out-'));
    const pace = ['--every-ms', '1500', '--sample-ms', '4000', '--hold-ms', '4000'];
    await npmRun('soak', '--', '--hours', '0.004', ...pace, '--out', out);
    const samples = (await readFile(path.join(out, 'soak.jsonl'), 'utf8')).trim().split('\n');
    expect(samples.length).toBeGreaterThan(1);
    await rm(out, { recursive: true, force: true });
  });
});
