import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backtest } from '../../src/backtest/result.ts';
import type { Summary } from '../../src/backtest/summary.ts';
import { add } from '../../src/domain/money.ts';
import { bareEnvironment, CLI, holdfast, holdfastJson } from '../support/up.ts';

const TAPE = fileURLToPath(new URL('../../data/kraken-xbtusd-trades-2019-07-01T00.csv', import.meta.url));
const ON_TAPE = ['backtest', '--trades', TAPE, '--symbol', 'XBTUSD'];

describe('holdfast backtest', () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'holdfast-backtest-'));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  it('writes JSON, CSV and a report that names no host, and their sums agree', async () => {
    const [csv, report] = [path.join(root, 'trades.csv'), path.join(root, 'report.html')];
    const result = await holdfastJson<Backtest & { summary: Summary; warnings: string[] }>(
      ...ON_TAPE,
      '--csv',
      csv,
      '--report',
      report,
    );
    expect(result.trades.length).toBeGreaterThan(3);
    expect(result.warnings.join(' ')).toContain('mostly chance');
    const [head = '', ...rows] = (await readFile(csv, 'utf8')).trim().split('\n');
    const column = head.split(',').indexOf('netPnl');
    expect(add(...rows.map((row) => row.split(',')[column]!))).toBe(result.summary.netPnl);
    const html = await readFile(report, 'utf8');
    expect(html).toContain('Before you believe it');
    expect(html).not.toMatch(/(src|href)=["']|@import|url\(/);
  });

  it('searches a grid on all cores, the best first, the same again', async () => {
    const grid = [...ON_TAPE, '--grid', 'exitScore=0.2:0.8:0.3', '--random', '3'];
    const found = await holdfastJson<{ tried: number; results: { endEquity: string }[] }>(...grid);
    expect(found.tried).toBe(3 + 1 + 3);
    const equities = found.results.map(({ endEquity }) => Number(endEquity));
    expect(equities).toEqual([...equities].sort((left, right) => right - left));
    expect(await holdfastJson(...grid)).toEqual(found);
  });

  it('says what is wrong and what is allowed', async () => {
    const bad = path.join(root, 'bad.csv');
    await writeFile(bad, '1561939200,10,11,9,10\n1561939260,10,11,nine,10\n');
    const cases: [string[], string][] = [
      [['backtest'], 'give at least one --candles FILE'],
      [['backtest', '--candles', bad], 'has no symbol'],
      [['backtest', '--candles', `BTC/USD=${bad}`], 'bad.csv line 2: low "nine" is not a price above 0'],
      [['backtest', '--candles', `BTC/USD=${bad}.gone`], "can't be read: ENOENT"],
      [[...ON_TAPE, '--from', '2020-01-01'], 'has no row in the time asked for'],
      [[...ON_TAPE, '--from', 'tomorrow'], '--from is tomorrow'],
      [[...ON_TAPE, '--set', 'exitScore=2'], 'exitScore is "2", allowed is 0.1..0.95'],
      [[...ON_TAPE, '--grid', 'exitscore=0.1:0.2:0.1'], '"exitscore" is no threshold'],
    ];
    const answers = await Promise.all(cases.map(([args]) => holdfast(...args)));
    for (const [index, { code, stderr }] of answers.entries()) {
      expect(code).toBe(1);
      expect(stderr).toContain(cases[index]![1]);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
  });

  it('is told nothing by a reader that leaves early, neither by other commands', async () => {
    const commands = [
      [...ON_TAPE, '--json'],
      ON_TAPE,
      ['--help'],
      ['backtest', '--json'],
      ['positions', '--json', '--data-dir', root],
    ];
    const ends = await Promise.all(commands.map(withoutReader));
    expect(ends).toEqual([0, 0, 0, 1, 1].map((code) => ({ code, stderr: '' })));
  });
});

/** Runs a command whose reader is gone before it says anything. */
function withoutReader(args: readonly string[]): Promise<{ code: number | null; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CLI, ...args], { env: bareEnvironment() });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk) => (stderr += String(chunk)));
    child.on('close', (code) => resolve({ code, stderr }));
  });
}
