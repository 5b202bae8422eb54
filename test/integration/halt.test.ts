import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PaperControl } from '../support/paper-control.ts';
import { freePortBase } from '../support/port-base.ts';
import { holdfast, holdfastJson, startUpWith, type Up } from '../support/up.ts';

const POSITIONS = 10;

/** The kill switch on a whole stack, as an operator uses it. */
describe('a halt', { timeout: 180_000 }, () => {
  let root: string;
  let up: Up;
  let paper: PaperControl;
  let database: pg.Client;

  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'holdfast-halt-'));
    const ports = ['--port-base', String(await freePortBase())];
    up = await startUpWith({ PREDICTION_URL: 'none' }, '--data-dir', root, ...ports);
    paper = new PaperControl(up.ready.exchangeUrl);
    await paper.price('BTC/USD', '10000.0', '10000.1');
    database = new pg.Client(up.ready.databaseUrl);
    await database.connect();
  }, 180_000);
  afterAll(async () => {
    await database.end();
    up.signalGroup('SIGINT');
    await up.ended;
    await rm(root, { recursive: true, force: true });
  }, 60_000);

  const cli = <T>(...args: string[]) => holdfastJson<T>(...args, '--data-dir', root);
  const open = (id: string) => {
    const what = ['--symbol', 'BTC/USD', '--notional', '250', '--id', id];
    return holdfast('open', ...what, '--wait', 'opened', '--data-dir', root, '--json');
  };
  const sql = async (text: string) => (await database.query<Record<string, unknown>>(text)).rows;

  it('lets exits go on and entries wait, and its flattening closes every position', async () => {
    for (let index = 0; index < POSITIONS; index += 5) {
      const batch = Array.from({ length: 5 }, (_, offset) => open(`p${index + offset}`));
      for (const { code, stderr } of await Promise.all(batch)) expect(`${code}${stderr}`).toBe('0');
    }
    const orders = (await paper.accepted()).length;
    expect(orders).toBe(POSITIONS);

    expect(await cli('halt', '--reason', 'news')).toMatchObject({ halted: true, flattened: null });
    const refused = await open('late');
    expect(refused.stdout + refused.stderr).toMatch(/entries are halted since .*: news/);
    await cli('exit', 'p0', '--wait', 'closed');
    expect(await paper.accepted()).toHaveLength(orders + 1);

    const flat = await cli<{ flattened: { acceptedTradeIds: string[]; refusedTradeIds: string[] } }>(
      'halt',
      '--flatten',
      '--reason',
      'worse news',
      '--wait',
      'closed',
    );
    expect(flat.flattened.refusedTradeIds).toEqual([]);
    expect(flat.flattened.acceptedTradeIds).toHaveLength(POSITIONS - 1);
    expect(
      await sql('SELECT "status", "exitReason", count(*)::integer FROM "ManagedPosition" GROUP BY 1, 2'),
    ).toEqual([{ status: 'closed', exitReason: 'forced', count: POSITIONS }]);
    expect(await sql(`SELECT count(*)::integer FROM "CapitalReservation" WHERE "status" = 'held'`)).toEqual([
      { count: 0 },
    ]);
    expect(await paper.accepted()).toHaveLength(2 * POSITIONS);
    expect(Number((await paper.account()).balances.BTC ?? '0')).toBe(0);
  });

  it('says who, when and why, and ends when it is resumed', async () => {
    const actor = userInfo().username;
    expect(await cli('resume', '--reason', 'calm')).toEqual({ halted: false, ended: 2, actor });
    const halts = await sql('SELECT * FROM "Halt" ORDER BY "startedAt"');
    const audited = { actor, endedBy: actor, endReason: 'calm', endedAt: expect.any(Date) as Date };
    expect(halts).toMatchObject([
      { ...audited, reason: 'news', flatten: false },
      { ...audited, reason: 'worse news', flatten: true },
    ]);
    expect(await cli('resume')).toMatchObject({ ended: 0 });
    expect(await open('again')).toMatchObject({ code: 0 });
  });
});
