import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, poolOf, type Database } from '../../db/data-source.ts';
import { createLedger, VerificationFailed, type Ledger } from '../../db/repositories/ledger.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  sampleClose,
  sampleFacts,
  sampleOpen,
  sampleOrder,
  sampleOutcome,
  sampleReserve,
} from '../support/ledger-samples.ts';

let test_: TestDatabase;
let database: Database;
let other: Database;
let ledger: Ledger;
let rival: Ledger;

beforeAll(async () => {
  test_ = await createTestDatabase();
  database = await openDatabase(test_.url);
  other = await openDatabase(test_.url);
  ledger = createLedger(database);
  rival = createLedger(other);
});

afterAll(async () => {
  await database.destroy();
  await other.destroy();
  await test_.drop();
});

async function count(table: string, tradeId: string): Promise<number> {
  const { rows } = await poolOf(database).query<{ count: string }>(
    `SELECT count(*) FROM "${table}" WHERE "id" LIKE $1`,
    [`%${tradeId}`],
  );
  return Number(rows[0]?.count);
}

async function row(table: string, id: string): Promise<Record<string, unknown>> {
  const { rows } = await poolOf(database).query(`SELECT * FROM "${table}" WHERE "id" = $1`, [id]);
  return rows[0] as Record<string, unknown>;
}

describe('opening', () => {
  test('writes four rows once, however often and from wherever', async () => {
    const records = sampleOpen('open1');
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 ? ledger : rival).persistOpen(records)),
    );
    for (const table of ['ManagedPosition', 'ManagedTrade', 'LivePosition', 'LiveTrade'])
      expect(await count(table, 'open1')).toBe(1);
    expect(await ledger.verifyOpen(records)).toBe('confirmed');
  });

  test('verification compares decimals by value and names what differs', async () => {
    const records = sampleOpen('open2');
    await ledger.persistOpen(records);
    const trailing = { ...records, managedPosition: { ...records.managedPosition, entryPrice: '60123.400' } };
    expect(await ledger.verifyOpen(trailing)).toBe('confirmed');
    const differences: [string, unknown][] = [
      ['quantity', '0.00412346'],
      ['entryTime', records.managedPosition.entryTime + 1],
      ['marketConditions', { volatilityScale: 1.25 }],
      ['thresholdsVersion', 2],
      ['side', 'short'],
    ];
    for (const [field, value] of differences) {
      const wrong = { ...records, managedPosition: { ...records.managedPosition, [field]: value } };
      await expect(ledger.verifyOpen(wrong)).rejects.toMatchObject({
        name: 'VerificationFailed',
        field: `"ManagedPosition".${field}`,
      });
    }
    await expect(ledger.verifyOpen(sampleOpen('never'))).rejects.toThrow(VerificationFailed);
    for (const [part, field, value] of [
      ['managedTrade', 'fee', '0.6447'],
      ['livePosition', 'openedAt', 1],
      ['liveTrade', 'signalConfidence', 0.81],
    ] as const) {
      const wrong = { ...records, [part]: { ...records[part], [field]: value } };
      await expect(ledger.verifyOpen(wrong)).rejects.toMatchObject({
        name: 'VerificationFailed',
        field: expect.stringMatching(new RegExp(`"\\.${field}$`)) as string,
      });
    }
  });

  test('takes over more fills of the entry order, never fewer', async () => {
    const facts = sampleFacts('grow');
    const small = sampleOpen('grow', { entry: sampleOrder('Ogrow', { quantity: '0.001' }) });
    const large = sampleOpen('grow', { entry: sampleOrder('Ogrow', { quantity: '0.003' }) });
    await ledger.persistOpen(small);
    await ledger.persistOpen(large);
    await rival.persistOpen(small);
    expect(await ledger.verifyOpen(large)).toBe('confirmed');
    expect(await ledger.verifyOpen(small)).toBe('superseded');
    expect(facts.entry.exchangeOrderId).toBe('Ogrow');
  });

  test('repair overwrites what an open row says wrongly', async () => {
    const records = sampleOpen('repair');
    await ledger.persistOpen(records);
    await poolOf(database).query(`UPDATE "ManagedPosition" SET "quantity" = 5 WHERE "id" = $1`, [
      records.managedPosition.id,
    ]);
    await expect(ledger.verifyOpen(records)).rejects.toThrow(
      '"ManagedPosition".quantity should be 0.00412345 but is 5',
    );
    await ledger.repairOpen(records);
    expect(await ledger.verifyOpen(records)).toBe('confirmed');
  });
});

describe('closing', () => {
  test('writes the exit, the P&L and the outcome once and gives the capital back', async () => {
    expect(await ledger.reserve(sampleReserve('close1'))).toMatchObject({ kind: 'reserved' });
    const [open, close] = [sampleOpen('close1'), sampleClose('close1')];
    await ledger.persistOpen(open);
    await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        (index % 2 ? ledger : rival).recordClose(close, open, sampleOutcome('close1'), []),
      ),
    );
    const position = await row('ManagedPosition', close.managedPosition.id);
    expect(position).toMatchObject({
      status: 'closed',
      exitReason: 'take-profit',
      exitTradeId: 'trade-Xclose1',
    });
    expect(position.realizedPnL).toBe(close.managedPosition.realizedPnL);
    expect(await count('ManagedTrade', 'close1')).toBe(2);
    expect(await count('LiveTrade', 'close1')).toBe(2);
    const { rows } = await poolOf(database).query(
      `SELECT "status", "reason" FROM "CapitalReservation" WHERE "tradeId" = 'close1'`,
    );
    expect(rows).toEqual([{ status: 'released', reason: 'closed: take-profit' }]);
  });

  test('a late opening never brings a closed position back', async () => {
    const [open, close] = [sampleOpen('late'), sampleClose('late')];
    await ledger.recordClose(close, open, sampleOutcome('late'), []);
    await rival.persistOpen(open);
    await rival.repairOpen(open);
    expect(await row('ManagedPosition', open.managedPosition.id)).toMatchObject({ status: 'closed' });
    expect(await row('LivePosition', open.livePosition.id)).toMatchObject({ status: 'closed' });
    expect(await ledger.verifyOpen(open)).toBe('confirmed');
  });

  test('neither a repair nor another close changes what was closed', async () => {
    const open = sampleOpen('final');
    await ledger.recordClose(sampleClose('final'), open, sampleOutcome('final'), []);
    const stored = async () => [
      await row('ManagedPosition', open.managedPosition.id),
      await row('LivePosition', open.livePosition.id),
    ];
    const before = await stored();
    await rival.repairOpen(sampleOpen('final', { entry: sampleOrder('Ofinal', { quantity: '0.5' }) }));
    await rival.recordClose(
      sampleClose('final', {}, '1.5'),
      open,
      sampleOutcome('final', { netPnl: '1' }),
      [],
    );
    expect(await stored()).toEqual(before);
  });

  test('opening and closing in a race end closed, every time', async () => {
    for (let round = 0; round < 20; round += 1) {
      const id = `race${round}`;
      const [open, close] = [sampleOpen(id), sampleClose(id)];
      await Promise.all([
        ledger.persistOpen(open),
        rival.recordClose(close, open, sampleOutcome(id), []),
        ledger.persistOpen(open),
        ledger.recordClose(close, open, sampleOutcome(id), []),
      ]);
      expect(await row('ManagedPosition', open.managedPosition.id)).toMatchObject({ status: 'closed' });
      expect(await row('LivePosition', open.livePosition.id)).toMatchObject({ status: 'closed' });
    }
  });
});
