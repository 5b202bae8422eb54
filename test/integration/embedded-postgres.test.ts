import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../support/port-base.ts';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostgres, type RunningPostgres } from '../../src/embedded/postgres.ts';

/** Private to us, as `mktemp -d` and a home directory are: the server's own user must reach it all the same. */
let directory: string;
const running: RunningPostgres[] = [];

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'holdfast-embedded-'));
});

afterAll(async () => {
  for (const server of running) await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function start(port: number, name = 'data'): Promise<RunningPostgres> {
  const server = await startPostgres({
    dataDir: path.join(directory, name),
    port,
    log: () => undefined,
    settings: { fsync: 'off' },
  });
  running.push(server);
  return server;
}

async function ask(url: string, statement: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows[0];
  } finally {
    await client.end();
  }
}

test('keeps its data over an orderly stop and over a kill, and speaks UTF8', async () => {
  const port = await freePort();
  const first = await start(port);
  await ask(first.databaseUrl, `CREATE TABLE kept AS SELECT 'Ölpreis ₿'::text AS note`);
  await first.stop();
  const second = await start(port);
  expect(second.databaseUrl).toBe(first.databaseUrl);
  expect(await ask(second.databaseUrl, 'SELECT note FROM kept')).toEqual({ note: 'Ölpreis ₿' });
  expect(await ask(second.databaseUrl, 'SHOW server_encoding')).toEqual({ server_encoding: 'UTF8' });
  // A session that still works while its server is killed holds on to the shared memory for a moment.
  const busy = ask(second.databaseUrl, 'SELECT sum(n) FROM generate_series(1, 1e9) AS n').catch(() => 'cut');
  second.kill();
  const third = await start(port);
  expect(third.pid).not.toBe(second.pid);
  expect(await ask(third.databaseUrl, 'SELECT note FROM kept')).toEqual({ note: 'Ölpreis ₿' });
  expect(await busy).toBe('cut');
  await third.stop();
});

test('a lock file whose process id now is somebody else’s does not prevent the start', async () => {
  const port = await freePort();
  const first = await start(port, 'recycled');
  await first.stop();
  writeFileSync(path.join(directory, 'recycled', 'postmaster.pid'), `${process.pid}\n`);
  const second = await start(port, 'recycled');
  expect(await ask(second.databaseUrl, 'SELECT 1 AS one')).toEqual({ one: 1 });
  await second.stop();
});

test('a port that is taken is named', async () => {
  const owner = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => owner.once('listening', resolve));
  const { port } = owner.address() as net.AddressInfo;
  try {
    await expect(start(port, 'taken')).rejects.toThrow(`port ${port} on 127.0.0.1 is taken`);
    expect(existsSync(path.join(directory, 'taken', 'postmaster.pid'))).toBe(false);
  } finally {
    await new Promise((resolve) => owner.close(resolve));
  }
});

test('a directory that holds something else is left alone', async () => {
  writeFileSync(path.join(directory, 'file'), '');
  await expect(
    startPostgres({ dataDir: directory, port: await freePort(), log: () => undefined }),
  ).rejects.toThrow('is neither empty nor PostgreSQL');
});
