import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sign } from '../../src/exchange/paper/auth.ts';
import signatures from '../fixtures/kraken-signatures.json' with { type: 'json' };
import { PaperClient, nextNonce, startPaper, type Paper, type Reply } from './paper-support.ts';

const { secret, vectors } = signatures;
const rising = [...vectors].sort((left, right) => (BigInt(left.nonce) < BigInt(right.nonce) ? -1 : 1));

describe('signatures', () => {
  it.each(vectors)('signs as recorded: $name', ({ path, nonce, body, signature }) => {
    expect(sign(secret, path, nonce, Buffer.from(body))).toBe(signature);
  });

  it('takes what real clients sent, byte for byte, and refuses it with a byte changed', async () => {
    // Several vectors share a nonce: a window of 1 lets them pass.
    const { exchange } = await startPaper({ keys: [{ key: 'sample', secret, nonceWindow: 1 }] });
    const post = async (path: string, body: string, signature: string, contentType: string | null) => {
      const response = await fetch(exchange.url + path, {
        method: 'POST',
        body: Buffer.from(body),
        headers: {
          'API-Key': 'sample',
          'API-Sign': signature,
          ...(contentType === null ? {} : { 'content-type': contentType }),
        },
      });
      return ((await response.json()) as Reply).error[0] ?? '';
    };
    for (const { name, path, body, signature, contentType } of rising) {
      const changed = body.replace(/[0-9](?=\D*$)/, (digit) => String((Number(digit) + 1) % 10));
      expect(await post(path, changed, signature, contentType), name).toMatch(
        /^EAPI:Invalid (signature|nonce)$/,
      );
      expect(await post(path, body, signature, contentType), name).not.toMatch(/^EAPI/);
    }
    await exchange.close();
  });
});

describe('keys and nonces', () => {
  let paper: Paper;

  beforeAll(async () => {
    paper = await startPaper({
      keys: [
        {},
        { key: 'reader', secret, permissions: ['query-funds'] },
        { key: 'wide', secret, nonceWindow: 1000 },
      ],
    });
  });
  afterAll(() => paper.exchange.close());

  it('refuses an unknown key, a wrong secret and a missing signature', async () => {
    const { url, key } = paper.exchange;
    expect(await new PaperClient({ url, key: 'nobody', secret }).refusal('Balance')).toBe('EAPI:Invalid key');
    expect(await new PaperClient({ url, key, secret }).refusal('Balance')).toBe('EAPI:Invalid signature');
    const bare = await fetch(`${url}/0/private/Balance`, { method: 'POST', body: `nonce=${nextNonce()}` });
    expect(await bare.json()).toEqual({ error: ['EAPI:Invalid key'] });
  });

  it('refuses a nonce that was used, one below it, none at all, and one above 64 bits', async () => {
    const { client } = paper;
    const [low, used] = [nextNonce(), nextNonce()];
    await client.ok('Balance', { nonce: used });
    for (const nonce of [used, low, '', 'abc', String(2n ** 64n)]) {
      expect(await client.refusal('Balance', { nonce }), nonce).toBe('EAPI:Invalid nonce');
    }
    expect(await client.refusal('Balance')).toBeUndefined();
  });

  it('keeps a record of an order that was refused for its nonce', async () => {
    const { client } = paper;
    const nonce = nextNonce();
    await client.ok('Balance', { nonce });
    const order = { pair: 'XBTUSD', type: 'buy', ordertype: 'market', volume: '1', cl_ord_id: 'late', nonce };
    expect(await client.refusal('AddOrder', order)).toBe('EAPI:Invalid nonce');
    const late = (await client.orders()).filter(({ clOrdId }) => clOrdId === 'late');
    expect(late).toMatchObject([{ accepted: false, error: 'EAPI:Invalid nonce' }]);
  });

  it('lets a key with a window send late nonces', async () => {
    const wide = new PaperClient({ url: paper.exchange.url, key: 'wide', secret });
    await wide.ok('Balance', { nonce: '5000' });
    await wide.ok('Balance', { nonce: '4500' });
    expect(await wide.refusal('Balance', { nonce: '4000' })).toBe('EAPI:Invalid nonce');
    expect((await wide.ok('GetApiKeyInfo', { nonce: '5001' })).nonce_window).toBe('1000');
  });

  it('denies what the key may not do', async () => {
    const reader = new PaperClient({ url: paper.exchange.url, key: 'reader', secret });
    await reader.ok('Balance');
    const refusal = await reader.refusal('AddOrder', {
      pair: 'XBTUSD',
      type: 'buy',
      ordertype: 'market',
      volume: '1',
    });
    expect(refusal).toBe('EGeneral:Permission denied');
    expect((await reader.ok('GetApiKeyInfo')).permissions).toEqual(['query-funds']);
  });

  it('answers public calls by GET only, and names an unknown method', async () => {
    const { url } = paper.exchange;
    expect((await fetch(`${url}/0/public/Time`, { method: 'POST' })).status).toBe(405);
    expect(await paper.client.public('Nonsense')).toEqual({ error: ['EGeneral:Unknown method'] });
    expect((await paper.client.public('Ticker?pair=NOPE')).error).toEqual(['EQuery:Unknown asset pair']);
  });
});

describe('rate limits', () => {
  it('counts private calls, two for history, none for orders, and refuses above the tier', async () => {
    const { exchange, client } = await startPaper({ tier: 'starter' });
    // 15 at most: seven histories make 14, one balance 15.
    for (let call = 0; call < 7; call += 1) expect(await client.refusal('TradesHistory')).toBeUndefined();
    expect(await client.refusal('Balance')).toBeUndefined();
    expect(await client.refusal('TradesHistory')).toBe('EAPI:Rate limit exceeded');
    const order = { pair: 'XBTUSD', type: 'buy', ordertype: 'limit', price: '100', volume: '0.01' };
    expect(await client.refusal('AddOrder', order)).toBeUndefined();
    await exchange.close();
  });

  it('charges hasty cancels to the pair, and other pairs not', async () => {
    const { exchange, client } = await startPaper({ tier: 'starter' });
    const order = { pair: 'XBTUSD', type: 'buy', ordertype: 'limit', price: '100', volume: '0.01' };
    const refusals: (string | undefined)[] = [];
    // Adding and cancelling at once costs 9 of 60.
    for (let round = 0; round < 7; round += 1) {
      refusals.push(await client.refusal('CancelOrder', { txid: await client.order(order) }));
    }
    expect(refusals.filter((refusal) => refusal !== undefined)).toEqual(['EOrder:Rate limit exceeded']);
    expect(await client.refusal('AddOrder', { ...order, pair: 'ETHUSD' })).toBeUndefined();
    await exchange.close();
  });
});
