import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Side } from '../../src/domain/position.ts';
import type { ProtectiveStop } from '../../src/workflows/messages.ts';
import type { Lane } from '../chaos/support/lane.ts';
import { until } from '../chaos/support/until.ts';
import { acceptedLegs, filledBy, type LegOnExchange } from './order-legs.ts';

const WITHIN_MS = 60_000;

export interface ProtectedTrade {
  readonly tradeId: string;
  readonly symbol: string;
  /** At which it was entered, about. */
  readonly price: number;
  readonly stop: ProtectiveStop;
  /** Quotes its pair at so many times that price. */
  readonly move: (times: number) => Promise<void>;
}

/** A trade on a pair of its own, recorded, under guard, with its stop resting on the exchange. */
export async function openProtected(lane: Lane, side: Side = 'long'): Promise<ProtectedTrade> {
  const { symbol, price, move } = await lane.freshSymbol();
  const tradeId = randomUUID();
  await lane.openTrade(tradeId, symbol, { side });
  const stop = await stopOf(lane, tradeId);
  await until('it is recorded and under guard', WITHIN_MS, async () => {
    const { guard, persistence } = await lane.client.state(tradeId);
    return guard !== null && persistence === 'confirmed';
  });
  return { tradeId, symbol, price: Number(price), stop, move };
}

/** Once the exchange has taken it. */
export async function stopOf(lane: Lane, tradeId: string, leg = 'stop-1'): Promise<ProtectiveStop> {
  const found: ProtectiveStop[] = [];
  await until(`${leg} rests`, WITHIN_MS, async () => {
    const { stop } = await lane.client.state(tradeId);
    if (stop?.exchangeOrderId != null && stop.leg === leg) found.push(stop);
    return found.length > 0;
  });
  const [stop] = found;
  if (!stop) throw new Error('it rests, so it was found');
  return stop;
}

export async function legsOf(lane: Lane, tradeId: string): Promise<LegOnExchange[]> {
  return acceptedLegs(await lane.paper.orders(), tradeId);
}

/** As `entry`, `stop-1 unfilled`, `exit-1`; and together they sold what was bought, with nothing left open. */
export async function expectSoldOnce(lane: Lane, tradeId: string, by: readonly string[]): Promise<void> {
  const legs = await legsOf(lane, tradeId);
  expect(legs.map(({ leg, filled }) => `${leg}${filled === '0' ? ' unfilled' : ''}`)).toEqual(by);
  expect(Number(filledBy(legs, 'exit')) + Number(filledBy(legs, 'stop'))).toBe(
    Number(filledBy(legs, 'entry')),
  );
  const { openOrders, positions } = await lane.paper.account();
  expect(openOrders).toEqual([]);
  expect(positions).toEqual([]);
}
