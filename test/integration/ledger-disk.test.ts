import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { openDatabase, poolOf } from '../../db/data-source.ts';
import { migrate } from '../../db/migrate.ts';
import { createLedger } from '../../db/repositories/ledger.ts';
import { createTestDatabase } from '../support/database.ts';
import { sampleOpen } from '../support/ledger-samples.ts';

/** A file system of our own, small enough to fill; only root can make one. */
function mountSmallDisk(): string | null {
  const directory = mkdtempSync(path.join(tmpdir(), 'holdfast-small-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', directory], { stdio: 'ignore' });
    execFileSync('chown', ['postgres', directory]);
    chmodSync(directory, 0o700);
    return directory;
  } catch {
    rmSync(directory, { recursive: true, force: true });
    return null;
  }
}

test('a full disk refuses the rows whole, and takes them when there is room', async (context) => {
  const disk = mountSmallDisk();
  if (disk === null) return context.skip('needs the right to mount a file system');
  const admin = new pg.Client({ connectionString: inject('databaseUrl') });
  await admin.connect();
  const filler = path.join(disk, 'filler');
  try {
    await admin.query(`CREATE TABLESPACE small LOCATION '${disk}'`);
    await admin.query('CREATE DATABASE small_disk TABLESPACE small');
    const url = new URL(inject('databaseUrl'));
    url.pathname = '/small_disk';
    const small = await openDatabase(url.href);
    try {
      await migrate(small);
      expect(() => writeFileSync(filler, Buffer.alloc(24 * 1024 * 1024))).toThrow(/ENOSPC/);
      const cramped = createLedger(small);
      const marketConditions = { note: Array.from({ length: 900 }, () => Math.random()).join(' ') };
      const attempt = (index: number) => sampleOpen(`full${index}`, { marketConditions });
      let written = 0;
      await expect(async () => {
        for (; written < 200; written += 1) await cramped.persistOpen(attempt(written));
      }).rejects.toThrow(/No space left on device/);
      const count = async () => {
        const { rows } = await poolOf(small).query<{ count: number }>(
          `SELECT count(*)::integer AS count FROM "ManagedPosition" NATURAL FULL JOIN
             (SELECT "positionId" AS "id" FROM "LiveTrade") AS trade`,
        );
        return rows[0]!.count;
      };
      expect(await count()).toBe(written);
      rmSync(filler);
      await cramped.persistOpen(attempt(written));
      expect(await cramped.verifyOpen(attempt(written))).toBe('confirmed');
      expect(await count()).toBe(written + 1);
    } finally {
      await small.destroy();
    }
  } finally {
    rmSync(filler, { force: true });
    await admin.query('DROP DATABASE IF EXISTS small_disk WITH (FORCE)');
    await admin.query('DROP TABLESPACE IF EXISTS small');
    await admin.end();
    execFileSync('umount', [disk]);
    rmSync(disk, { recursive: true, force: true });
  }
});

/** Above every file of the server that has a fixed size: a segment of its log. */
const FILE_LIMIT = 16 * 1024 * 1024;

/** How large a file the process may make, bytes; done as its own user, who needs no rights for it. */
function limitFiles(pid: number, bytes: number | 'unlimited'): void {
  const { uid, gid } = statSync(`/proc/${pid}`);
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`], { uid, gid });
}

/** A table file that is larger than the limit already, its pages full to the last bytes. */
const FILL = `
  INSERT INTO "ManagedPosition" ("id", "tradeId", "strategy", "symbol", "side", "quantity", "entryPrice",
    "entryTime", "entryTradeId", "status", "fees", "thresholdsVersion", "marketConditions")
  SELECT 'filler' || to_char(index, 'FM00000'), 'filler' || to_char(index, 'FM00000'), repeat('x', $1), 'BTC/USD', 'long', 1, 1,
    now(), 'none', 'open', 0, 1, '{}' FROM generate_series($2::integer, $3) AS index`;
/** Of a row that stays in its page: four of them leave nothing. */
const WIDEST_ROW = 2_032;

test.skipIf(process.platform !== 'linux')(
  'a file that may not grow refuses the rows whole, and takes them when it may again',
  async () => {
    const server = await createTestDatabase();
    const database = await openDatabase(server.url, { poolSize: 1 });
    const pool = poolOf(database);
    try {
      // Filler is nobody's position: neither its references nor its alerts matter.
      await pool.query(`SET session_replication_role = 'replica'`);
      await pool.query(FILL, [1_000, 0, 0]);
      const { rows } = await pool.query<{ size: number; pid: number }>(
        'SELECT pg_column_size(filler.*) AS size, pg_backend_pid() AS pid FROM "ManagedPosition" AS filler',
      );
      const { size, pid } = rows[0]!;
      await pool.query(FILL, [1_000 + WIDEST_ROW - size, 1, 8_400]);
      await pool.query(`SET session_replication_role = 'origin'`);
      const { rows: files } = await pool.query<{ bytes: string }>(
        `SELECT pg_relation_size('"ManagedPosition"') AS bytes`,
      );
      expect(Number(files[0]?.bytes)).toBeGreaterThan(FILE_LIMIT);

      const ledger = createLedger(database);
      const count = async () => {
        const { rows: counts } = await pool.query<{ count: number }>(
          `SELECT (SELECT count(*) FROM "ManagedPosition" WHERE "strategy" = 'manual')::integer
             + (SELECT count(*) FROM "LiveTrade")::integer AS count`,
        );
        return counts[0]!.count;
      };
      limitFiles(pid, FILE_LIMIT);
      let written = 0;
      try {
        await expect(async () => {
          for (; written < 50; written += 1) await ledger.persistOpen(sampleOpen(`grow${written}`));
        }).rejects.toThrow(/could not extend file/);
        expect(await count()).toBe(2 * written);
      } finally {
        limitFiles(pid, 'unlimited');
      }
      await ledger.persistOpen(sampleOpen(`grow${written}`));
      expect(await ledger.verifyOpen(sampleOpen(`grow${written}`))).toBe('confirmed');
      expect(await count()).toBe(2 * (written + 1));
    } finally {
      await database.destroy();
      await server.drop();
    }
  },
);
