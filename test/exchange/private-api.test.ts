import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assertLiveAllowed } from '../../src/exchange/kraken/live-guard.ts';
import { createNonceSource } from '../../src/exchange/kraken/nonce.ts';
import { SignedApi, type PrivateApi } from '../../src/exchange/kraken/private-api.ts';
import { SAMPLE_KEY, SAMPLE_SECRET, startScriptedKraken, type ScriptedKraken } from './scripted-kraken.ts';

describe('nonces', () => {
  it('rise whatever the clock does', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2_000_000_000_000), { minLength: 2, maxLength: 50 }), (times) => {
        const clock = [...times];
        const next = createNonceSource(() => clock.shift() ?? 0);
        const nonces = times.map(() => BigInt(next()));
        for (const [index, nonce] of nonces.slice(1).entries()) {
          expect(nonce > (nonces[index] ?? 0n)).toBe(true);
        }
      }),
    );
  });

  it('are microseconds', () => {
    expect(createNonceSource(() => 1_700_000_000_123.7)()).toBe('1700000000123000');
  });
});

describe('private calls', () => {
  let kraken: ScriptedKraken;
  let api: PrivateApi;

  beforeEach(async () => {
    kraken = await startScriptedKraken();
    const now = Date.now;
    api = new SignedApi({
      restUrl: `${kraken.url}/`,
      key: SAMPLE_KEY,
      secret: SAMPLE_SECRET,
      timeoutMs: 2_000,
      now,
    });
  });

  afterEach(() => kraken.close());

  it('are signed, each with its own nonce, and leave the parameters alone', async () => {
    kraken.on('BalanceEx', () => ({ result: { ZUSD: { balance: '1.0', hold_trade: '0' } } }));
    const params = { pair: 'XBT+USD [1]' };
    const replies = await Promise.all([1, 2, 3, 4, 5].map(() => api.call('BalanceEx', params)));
    expect(replies).toEqual(
      Array(5).fill({ kind: 'result', result: { ZUSD: { balance: '1.0', hold_trade: '0' } } }),
    );
    expect(params).toEqual({ pair: 'XBT+USD [1]' });
    expect(kraken.calls.every((call) => call.signatureHolds && call.headers['api-key'] === SAMPLE_KEY)).toBe(
      true,
    );
    expect(new Set(kraken.calls.map((call) => call.params.nonce)).size).toBe(5);
  });

  it.each<[answer: Parameters<typeof kraken.on>[1], reply: object]>([
    [
      () => ({ error: ['EOrder:Insufficient funds', 'EGeneral:Invalid arguments:volume'] }),
      { kind: 'error', codes: ['EOrder:Insufficient funds', 'EGeneral:Invalid arguments:volume'] },
    ],
    [
      () => ({ error: ['EService: Throttled: 1700000000, more'] }),
      { kind: 'error', codes: ['EService: Throttled: 1700000000, more'] },
    ],
    [() => ({ error: ['WGeneral:Danger'], result: {} }), { kind: 'trouble', trouble: 'warning' }],
    [() => ({ error: ['odd'] }), { kind: 'trouble', trouble: 'unreadable' }],
    [() => ({ error: [] }), { kind: 'trouble', trouble: 'unreadable' }],
    [
      () => ({ error: ['WOrder:Odd', 'EOrder:Insufficient funds'] }),
      { kind: 'error', codes: ['EOrder:Insufficient funds'] },
    ],
    [
      () => (response) => response.writeHead(307, { location: '/0/private/AddOrder' }).end(),
      { kind: 'trouble', trouble: 'connection' },
    ],
    [() => (response) => response.end('<html>'), { kind: 'trouble', trouble: 'unreadable' }],
    [() => (response) => response.end('{"error":"EOrder:X"}'), { kind: 'trouble', trouble: 'unreadable' }],
    [
      () => (response) => response.writeHead(503).end('{"error":["EService:Busy"]}'),
      { kind: 'trouble', trouble: 'http' },
    ],
    [() => (response) => response.destroy(), { kind: 'trouble', trouble: 'connection' }],
  ])('tell what happened (%#)', async (answer, reply) => {
    kraken.on('AddOrder', answer);
    expect(await api.call('AddOrder', {})).toMatchObject(reply);
    expect(kraken.sent('AddOrder')).toHaveLength(1);
  });

  it('say so when nobody listens', async () => {
    await kraken.close();
    expect(await api.call('AddOrder', {})).toMatchObject({ kind: 'trouble', trouble: 'connection' });
  });
});

describe('live guard', () => {
  it.each(['http://127.0.0.1:8090', 'http://localhost:1', 'http://[::1]:80', 'https://127.0.0.1'])(
    'lets %s through',
    (url) => expect(() => assertLiveAllowed(url, false)).not.toThrow(),
  );

  it.each([
    'https://api.kraken.com',
    'http://paper:8090',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
    'http://10.0.0.1',
  ])('stops %s without permission', (url) => {
    expect(() => assertLiveAllowed(url, false)).toThrow(/HOLDFAST_LIVE=yes/);
  });

  it('takes permission, named paper hosts and https only', () => {
    expect(() => assertLiveAllowed('https://api.kraken.com', true)).not.toThrow();
    expect(() => assertLiveAllowed('http://paper:8090', false, ['paper'])).not.toThrow();
    expect(() => assertLiveAllowed('http://api.kraken.com', true)).toThrow(/https/);
    expect(() => assertLiveAllowed('api.kraken.com', true)).toThrow(/restUrl/);
    expect(() => assertLiveAllowed('ftp://127.0.0.1', true)).toThrow(/protocol/);
  });
});
