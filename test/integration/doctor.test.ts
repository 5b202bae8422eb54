import { createServer, type Server } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { CheckResult } from '../../src/cli/doctor/check.ts';
import { TRADING_PERMISSIONS } from '../../src/exchange/paper/auth.ts';
import { startPaperExchange, type PaperExchange } from '../../src/exchange/paper/server.ts';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { holdfastWith } from '../support/up.ts';

const SECRET = Buffer.alloc(64, 7).toString('base64');
const KEYS = [
  {
    name: 'withdraws',
    key: 'withdraws',
    secret: SECRET,
    permissions: [...TRADING_PERMISSIONS, 'withdraw-funds'],
  },
  {
    name: 'window',
    key: 'window',
    secret: SECRET,
    nonceWindow: 10_000,
    permissions: TRADING_PERMISSIONS.filter((right) => right !== 'create-ws-token'),
  },
  { name: 'reads', key: 'reads', secret: SECRET, permissions: ['query-funds', 'query-open-trades'] },
  // Without a key in the environment the last one is used: the first ones belong to workers.
  { name: 'plain', key: 'plain', secret: SECRET },
];

describe('holdfast doctor', { timeout: 120_000 }, () => {
  let database: TestDatabase;
  let empty: TestDatabase;
  let paper: PaperExchange;
  let directory: string;

  beforeAll(async () => {
    [database, empty] = await Promise.all([createTestDatabase(), createEmptyDatabase()]);
    directory = await mkdtemp(path.join(tmpdir(), 'holdfast-doctor-'));
    paper = await startPaperExchange({
      port: 0,
      journalFile: null,
      market: { source: 'synthetic', seed: 1 },
      keys: KEYS,
    });
  });
  afterAll(async () => {
    await paper.close();
    await Promise.all([database.drop(), empty.drop()]);
    await rm(directory, { recursive: true, force: true });
  });

  const environment = (changes: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    DATABASE_URL: database.url,
    KRAKEN_API_URL: paper.url,
    KRAKEN_WS_URL: paper.wsUrl,
    HOLDFAST_DATA_DIR: directory,
    ...changes,
  });

  async function examine(changes: NodeJS.ProcessEnv = {}) {
    const { code, stdout } = await holdfastWith(environment(changes), 'doctor', '--json');
    const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: CheckResult[] };
    const of = (name: string) => checks.find((check) => check.name === name);
    const notOk = checks.filter(({ status }) => status !== 'ok').map(({ name, status }) => [name, status]);
    return { code, ok, checks, of, notOk };
  }

  const withKey = (key: string) => ({ KRAKEN_API_KEY: key, KRAKEN_API_SECRET: SECRET });

  it('finds nothing wrong with a stack that is well, and names the versions', async () => {
    const { code, ok, checks, of } = await examine();
    expect(checks.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect({ code, ok }).toEqual({ code: 0, ok: true });
    expect(of('holdfast')?.detail).toMatch(/^version \d+\.\d+\.\d+/);
    expect(of('node')?.detail).toBe(`version ${process.versions.node}`);
    expect(of('temporal')?.detail).toMatch(/^server \d+\.\d+.*namespace default$/);
    expect(of('database')?.detail).toMatch(/^PostgreSQL \d+.*up to date$/);
    expect(of('exchange REST')?.detail).toMatch(/lists [1-9]\d* pairs$/);
    expect(checks.map(({ name }) => name)).toEqual([
      'holdfast',
      'node',
      'temporal',
      'database',
      'exchange REST',
      'exchange WebSocket',
      'clock',
      'withdrawal rights',
      'permissions',
      'nonce window',
    ]);
  });

  it('refuses a key that may withdraw, with the reason and exit code 1', async () => {
    const { code, ok, notOk, of } = await examine(withKey('withdraws'));
    expect({ code, ok, notOk }).toEqual({ code: 1, ok: false, notOk: [['withdrawal rights', 'failed']] });
    expect(of('withdrawal rights')?.detail).toMatch(/may withdraw funds/);
    const {
      code: exitCode,
      stderr,
      stdout,
    } = await holdfastWith(environment(withKey('withdraws')), 'doctor');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^holdfast: withdrawal rights: refused.*may withdraw funds/);
    expect(stdout).toMatch(/FAILED +withdrawal rights/);
    expect(stdout + stderr).not.toContain(SECRET);
  });

  it('warns of a nonce window above 0, and of a right that trading only goes worse without', async () => {
    const { code, ok, notOk, of } = await examine(withKey('window'));
    const warnings = ['permissions', 'nonce window'].map((name) => [name, 'warning']);
    expect({ code, ok, notOk }).toEqual({ code: 0, ok: true, notOk: warnings });
    expect(of('nonce window')?.detail).toMatch(/^10000;/);
    expect(of('permissions')?.detail).toMatch(/lacks create-ws-token \(private streams/);
  });

  it('names the rights that are missing', async () => {
    const { code, notOk, of } = await examine(withKey('reads'));
    expect({ code, notOk }).toEqual({ code: 1, notOk: [['permissions', 'failed']] });
    expect(of('permissions')?.detail).toMatch(/query-closed-trades.*modify-trades.*close-trades/);
  });

  it('says that a key is unknown to the exchange', async () => {
    const { code, of } = await examine(withKey('nobody'));
    expect(code).toBe(1);
    expect(of('withdrawal rights')).toMatchObject({
      status: 'failed',
      detail: expect.stringMatching(/EAPI:Invalid key/) as string,
    });
  });

  it.each([
    ['ahead', 3_000],
    ['behind', -3_000],
  ])('warns of a clock that the exchange is %s of', async (_name, shiftMs) => {
    const shifted = await shiftedClock(paper.url, shiftMs);
    try {
      const { code, notOk, of } = await examine({ KRAKEN_API_URL: shifted.url, ...withKey('plain') });
      expect({ code, notOk }).toEqual({ code: 0, notOk: [['clock', 'warning']] });
      expect(of('clock')?.detail).toContain(shiftMs > 0 ? 'behind' : 'ahead of');
      const seenMs = Number(/^\d+/.exec(of('clock')?.detail ?? '')?.[0]);
      expect(Math.abs(seenMs - 3_000)).toBeLessThan(1_000);
    } finally {
      shifted.server.close();
    }
  });

  it('warns of a schema that is behind', async () => {
    const { notOk, of } = await examine({ DATABASE_URL: empty.url });
    expect(notOk).toEqual([['database', 'warning']]);
    expect(of('database')?.detail).toMatch(/lacks \d+ migrations from Positions/);
  });

  it('tells each thing that does not answer, one by one', async () => {
    const gone = await closedPort();
    const { code, ok, notOk } = await examine({
      TEMPORAL_ADDRESS: `127.0.0.1:${gone}`,
      DATABASE_URL: `postgresql://nobody@127.0.0.1:${gone}/none`,
      KRAKEN_API_URL: `http://127.0.0.1:${gone}`,
      KRAKEN_WS_URL: `ws://127.0.0.1:${gone}/v2`,
    });
    expect({ code, ok }).toEqual({ code: 1, ok: false });
    expect(notOk).toEqual([
      ['temporal', 'failed'],
      ['database', 'failed'],
      ['exchange REST', 'failed'],
      ['exchange WebSocket', 'failed'],
      ['clock', 'failed'],
      ['withdrawal rights', 'warning'],
      ['permissions', 'warning'],
      ['nonce window', 'warning'],
    ]);
  });

  it('sends nothing to the real exchange without HOLDFAST_LIVE', async () => {
    const { of } = await examine({ KRAKEN_API_URL: 'https://exchange.invalid', ...withKey('plain') });
    expect(of('exchange REST')?.detail).toMatch(/HOLDFAST_LIVE=yes/);
    expect(of('withdrawal rights')?.detail).toMatch(/HOLDFAST_LIVE=yes/);
  });
});

/** The exchange behind a door where only its clock is told differently. */
async function shiftedClock(target: string, shiftMs: number): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    const forward = async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const headers = Object.entries(request.headers).filter(([name]) => /^(api-|content-type)/.test(name));
      const answer = await fetch(new URL(request.url ?? '/', target), {
        method: request.method ?? 'GET',
        headers: headers as [string, string][],
        ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
      });
      const text = await answer.text();
      const isTime = request.url?.startsWith('/0/public/Time') === true;
      const unixtime = Math.floor((Date.now() + shiftMs) / 1_000);
      response.end(isTime ? JSON.stringify({ error: [], result: { unixtime } }) : text);
    };
    forward().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
