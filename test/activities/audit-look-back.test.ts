import { expect, it } from 'vitest';
import { closedOrders } from '../../src/activities/audit-views.ts';
import { ExchangeUnavailable, ListTooLong } from '../../src/exchange/port.ts';

const DAY_MS = 86_400_000;
const NOW_MS = 100 * DAY_MS;

it('looks back less far on an account with more orders than a list holds', async () => {
  const asked: number[] = [];
  const exchange = {
    closedOrders: (sinceMs: number) => {
      asked.push(NOW_MS - sinceMs);
      return sinceMs < NOW_MS - DAY_MS
        ? Promise.reject(new ListTooLong('more than 2000 entries'))
        : Promise.resolve([]);
    },
  };
  const { sinceMs } = await closedOrders(exchange, NOW_MS, 8 * DAY_MS);
  expect(asked).toEqual([8 * DAY_MS, 2 * DAY_MS, DAY_MS / 2]);
  expect(sinceMs).toBe(NOW_MS - DAY_MS / 2);
});

it.each([new ExchangeUnavailable('no answer'), new ListTooLong('always')])(
  'gives up on %s instead of taking silence for an empty list',
  async (error) => {
    const exchange = { closedOrders: () => Promise.reject(error) };
    await expect(closedOrders(exchange, NOW_MS, DAY_MS)).rejects.toBe(error);
  },
);
