import { expect, it } from 'vitest';
import { clientOrderId } from '../../src/exchange/client-order-id.ts';
import { createKrakenExchange } from '../../src/exchange/kraken/kraken-exchange.ts';
import { startPaperExchange } from '../../src/exchange/paper/server.ts';
import { recordedLog } from '../exchange/scripted-kraken.ts';

const EXITS = 200;

it('200 exits at once, beside look-ups and reconciliation, are never refused for their rate', async () => {
  const paper = await startPaperExchange({
    port: 0,
    journalFile: null,
    market: { source: 'manual' },
    tier: 'pro',
  });
  const exchange = createKrakenExchange({
    restUrl: paper.url,
    key: paper.key,
    secret: paper.secret,
    tier: 'pro',
    log: recordedLog(),
  });
  try {
    let exitsLeft = EXITS;
    let answered = 0;
    const failures: string[] = [];
    /** Load that goes on until the last exit is out. */
    async function meanwhile(ask: () => Promise<unknown>): Promise<void> {
      while (exitsLeft > 0) {
        try {
          await ask();
          answered += 1;
        } catch (error) {
          failures.push(String(error));
        }
      }
    }
    const sinceMs = Date.now();
    const load = [
      meanwhile(() => exchange.lookUp('hfeNEVERNEVERNEVER', sinceMs, 'look-up')),
      meanwhile(() => exchange.balances()),
      meanwhile(() => exchange.openOrders()),
      meanwhile(() => exchange.fills(sinceMs)),
    ];
    const exits = Array.from({ length: EXITS }, async (_, index) => {
      const outcome = await exchange.submit(
        {
          clientOrderId: clientOrderId(`trade-${index}`, 'exit-1'),
          symbol: 'BTC/USD',
          side: 'buy',
          type: 'market',
          quantity: '0.0001',
          deadlineMs: Date.now() + 50_000,
        },
        'exit',
      );
      exitsLeft -= 1;
      if (outcome.kind !== 'accepted') return outcome;
      return (await exchange.order(outcome.exchangeOrderId, 'exit'))?.status;
    });
    const outcomes = await Promise.all(exits);
    expect(outcomes).toEqual(Array(EXITS).fill('filled'));
    exchange.close();
    await Promise.all(load);
    expect(answered).toBeGreaterThan(0);
    expect(failures.filter((failure) => !failure.includes('was closed'))).toEqual([]);
    const response = await fetch(`${paper.url}/control/orders`);
    const arrivals = (await response.json()) as { readonly error: string | null }[];
    expect(arrivals).toHaveLength(EXITS);
    expect(arrivals.filter((arrival) => arrival.error !== null)).toEqual([]);
  } finally {
    exchange.close();
    await paper.close();
  }
});
