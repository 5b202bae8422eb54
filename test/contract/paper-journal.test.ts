import { spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTape } from '../../src/exchange/paper/market/tape.ts';
import { openJournal } from '../../src/exchange/paper/journal.ts';
import { startPaperExchange, type PaperExchangeOptions } from '../../src/exchange/paper/server.ts';
import { Store } from '../../src/exchange/paper/store.ts';
import { PaperClient, eventually, nextNonce } from './paper-support.ts';

const PROCESS = fileURLToPath(new URL('paper-process.ts', import.meta.url));
const TAPE = fileURLToPath(new URL('../../data/kraken-xbtusd-trades-2019-07-01T00.csv', import.meta.url));
const BUY = { pair: 'XBTUSD', type: 'buy', ordertype: 'market', volume: '0.001' };

let directory: string;
let journalFile: string;
let children: ChildProcess[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'paper-journal-'));
  journalFile = join(directory, 'journal');
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

function options(more: Partial<PaperExchangeOptions> = {}): PaperExchangeOptions {
  return { port: 0, journalFile, market: { source: 'manual' }, tier: 'unlimited', ...more };
}

async function spawnPaper(): Promise<{ client: PaperClient; kill: () => Promise<void> }> {
  const child = spawn(process.execPath, ['--import', 'tsx', PROCESS, JSON.stringify(options())], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const ready = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('exit', (code) => reject(new Error(`the exchange ended with ${code}`)));
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const client = new PaperClient(JSON.parse(ready) as { url: string; key: string; secret: string });
  return { client, kill: () => (child.kill('SIGKILL'), exited) };
}

describe('kill -9', () => {
  it('loses no order that was acknowledged, no fill, no balance, no nonce', async () => {
    const first = await spawnPaper();
    await first.client.price('BTC/USD', '30000.0', '30000.1');
    await first.client.order({ ...BUY, ordertype: 'limit', price: '29000', cl_ord_id: 'resting' });
    await first.client.order({ ...BUY, type: 'sell', leverage: '2', cl_ord_id: 'short' });
    const acknowledged: string[] = [];
    let used = '';
    const sending = (async () => {
      for (;;) {
        const nonce = nextNonce();
        acknowledged.push(await first.client.order({ ...BUY, nonce }));
        used = nonce;
      }
    })().catch(() => undefined);
    await eventually('some orders', () => acknowledged.length >= 20);
    await first.kill();
    await sending;

    const second = await spawnPaper();
    const arrived = await second.client.orders();
    const accepted = arrived.filter((order) => order.accepted);
    const missing = acknowledged.filter((txid) => !accepted.some((order) => order.txid === txid));
    expect(missing).toEqual([]);
    // The order in flight may have been taken without an answer; no other may.
    expect(accepted.length - 2 - acknowledged.length).toBeLessThanOrEqual(1);
    expect(await second.client.refusal('Balance', { nonce: used })).toBe('EAPI:Invalid nonce');
    const { open } = await second.client.ok('OpenOrders');
    expect(Object.values(open)).toMatchObject([{ cl_ord_id: 'resting' }]);
    expect(Object.values(await second.client.ok('OpenPositions'))).toMatchObject([
      { type: 'sell', vol: '0.00100000' },
    ]);
    expect(Number((await second.client.ok('Balance')).XXBT)).toBeCloseTo((accepted.length - 2) * 0.001, 8);
    expect(await second.client.control('GET', 'orders')).toEqual(arrived);
    // Ids go on where they were: none is given twice.
    const next = await second.client.order(BUY);
    expect(accepted.map(({ txid }) => txid)).not.toContain(next);
    await second.kill();
  });
});

describe('the journal', () => {
  it('forgets a torn last line and goes on after it', async () => {
    const first = await startPaperExchange(options());
    await new PaperClient(first).order(BUY);
    await first.close();
    const whole = statSync(journalFile).size;
    appendFileSync(journalFile, '[["order",{"txid":"O');
    const second = await startPaperExchange(options());
    await new PaperClient(second).order(BUY);
    await second.close();
    expect(readFileSync(journalFile).subarray(0, whole).toString().endsWith('\n')).toBe(true);
    const third = await startPaperExchange(options());
    expect((await new PaperClient(third).orders()).map(({ accepted }) => accepted)).toEqual([true, true]);
    await third.close();
  });

  it('refuses a file that is damaged in the middle, naming the line', async () => {
    const first = await startPaperExchange(options());
    await first.close();
    appendFileSync(journalFile, 'damage\n[]\n');
    await expect(startPaperExchange(options())).rejects.toThrow(/damaged at line \d+/);
  });

  it('is written anew when it has grown long, with the same content', async () => {
    const first = await startPaperExchange(options());
    const client = new PaperClient(first);
    for (let count = 0; count < 5; count += 1) await client.order(BUY);
    const before = await client.control('GET', 'account');
    await first.close();
    const [long, store] = [statSync(journalFile).size, new Store()];
    await openJournal(journalFile, store, 1).close();
    expect(statSync(journalFile).size).toBeLessThan(long);
    const second = await startPaperExchange(options());
    expect(await new PaperClient(second).control('GET', 'account')).toEqual(before);
    await second.close();
  });
});

interface MarketState {
  readonly source: string;
  readonly position: number;
  readonly length: number;
  readonly ended: boolean;
}

describe('the tape', () => {
  const market = { source: 'tape', file: TAPE, speed: 600 } as const;
  const state = async (client: PaperClient) => (await client.control('GET', 'market')) as MarketState;

  it('has a past at once, in wall-clock time, and pages it', async () => {
    const exchange = await startPaperExchange(options({ market, journalFile: null }));
    const client = new PaperClient(exchange);
    type Rows = [string, string, number, string, string, string, number][];
    const read = async (since: string) => {
      const { result } = await client.public(`Trades?pair=XBTUSD&count=500&since=${since}`);
      return result as { XXBTZUSD: Rows; last: string };
    };
    const first = await read('1');
    const second = await read(first.last);
    expect([first.XXBTZUSD.length, first.XXBTZUSD[0]?.[6], second.XXBTZUSD[0]?.[6]]).toEqual([500, 1, 501]);
    expect(Math.abs(first.XXBTZUSD[0]![2] * 1000 - Date.now())).toBeLessThan(60_000);
    await exchange.close();
  });

  it('is laid on the grid of the wall clock where that is asked for: its minutes are whole candles', async () => {
    const speed = 60;
    const aligned = { ...market, speed, aligned: true };
    const exchange = await startPaperExchange(options({ market: aligned, journalFile: null }));
    const reply = await new PaperClient(exchange).public('Trades?pair=XBTUSD&count=300&since=1');
    const { XXBTZUSD: rows } = reply.result as { XXBTZUSD: [string, string, number][] };
    const tape = readTape(TAPE);
    const apart = rows.map(
      (row, index) => Math.floor(row[2] / (60 / speed)) - Math.floor((tape[index]?.timeMs ?? NaN) / 60_000),
    );
    expect(apart).toHaveLength(300);
    expect(new Set(apart).size).toBe(1);
    await exchange.close();
  });

  it('goes on after a restart, ends, says so, and keeps its last price', async () => {
    const first = await startPaperExchange(options({ market }));
    const played = await eventually('some trades', async () => {
      const now = await state(new PaperClient(first));
      return now.position > 1_000 ? now : null;
    });
    await first.close();

    const lines: Record<string, unknown>[] = [];
    const log = { info: (line: Record<string, unknown>) => lines.push(line), error: () => undefined };
    const second = await startPaperExchange(options({ market, log: log as never }));
    const client = new PaperClient(second);
    expect((await state(client)).position).toBeGreaterThanOrEqual(played.position);
    await eventually('the end of the tape', async () => (await state(client)).ended);
    expect(lines).toMatchObject([{ event: 'tape-ended', symbol: 'BTC/USD', trades: 2672 }]);
    const { result } = await client.public('Ticker?pair=XBTUSD');
    expect(result).toMatchObject({ XXBTZUSD: { c: ['11014.30000', '0.00300000'] } });
    expect(await client.refusal('AddOrder', BUY)).toBeUndefined();
    await second.close();
  });

  it('is switched, and a pair taken over by hand, by the control side; both outlive a restart', async () => {
    const first = await startPaperExchange(options());
    const client = new PaperClient(first);
    await client.control('POST', 'market', { source: 'synthetic', seed: 3 });
    await client.price('ETH/USD', '2000.00', '2000.50');
    await first.close();
    const second = await startPaperExchange(options());
    expect(await state(new PaperClient(second))).toMatchObject({ source: 'synthetic' });
    const { result } = await new PaperClient(second).public('Ticker?pair=ETHUSD');
    expect(result).toMatchObject({
      XETHZUSD: {
        a: expect.arrayContaining(['2000.50000']) as unknown,
        b: expect.arrayContaining(['2000.00000']) as unknown,
      },
    });
    expect(await new PaperClient(second).control('POST', 'market', { source: 'dice' })).toEqual({
      error: 'source must be tape, synthetic or manual; got "dice"',
    });
    await second.close();
  });
});
