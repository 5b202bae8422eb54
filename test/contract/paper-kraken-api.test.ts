import KrakenClient from 'kraken-api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nextNonce, startPaper, type Paper } from './paper-support.ts';

/** Unmodified kraken-api, which sends forms without a content type, trades on the paper exchange. */

let paper: Paper;
let client: KrakenClient;

beforeAll(async () => {
  paper = await startPaper({ balances: { ZUSD: '50000' } });
  await paper.client.price('BTC/USD', '30000.0', '30000.1');
  const { url, key, secret } = paper.exchange;
  client = new KrakenClient(key, secret, { url });
});

afterAll(() => paper.exchange.close());

const call = (method: string, params: Record<string, string> = {}) =>
  client.privateMethod(method, { ...params, nonce: nextNonce() });

it('kraken-api buys, and reads what it has', async () => {
  const order = { pair: 'XBTUSD', type: 'buy', ordertype: 'market', volume: '0.01' };
  const placed = (await call('AddOrder', order)) as { result: { txid: [string] } };
  const [txid] = placed.result.txid;
  expect(await call('QueryOrders', { txid })).toMatchObject({
    result: { [txid]: { status: 'closed', vol_exec: '0.01000000' } },
  });
  expect(await call('Balance')).toMatchObject({ result: { XXBT: '0.0100000000' } });
});

it('kraken-api is told why not', async () => {
  const order = { pair: 'XBTUSD', type: 'buy', ordertype: 'market', volume: '1000' };
  await expect(call('AddOrder', order)).rejects.toThrow('Order:Insufficient funds');
});
