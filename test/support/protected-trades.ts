import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Side } from '../../src/domain/position.ts';
import type { KrakenExchange } from '../../src/exchange/kraken/kraken-exchange.ts';
import type { ProtectiveStop } from '../../src/workflows/messages.ts';
import type { Lane } from '../chaos/support/lane.ts';
import { until } from '../chaos/support/until.ts';
import { acceptedLegs, filledBy, type LegOnExchange } from './order-legs.ts';
import type { PaperAccount } from './paper-control.ts';

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

/** Compares exchange, database and workflows until a finding of the kind came to that. */
export async function reconcileUntil(lane: Lane, kind: string, action: string): Promise<void> {
  await until(`${kind} is ${action}`, 120_000, async () => {
    const { findings } = await lane.client.reconcileNow(`reconcile-${randomUUID()}`);
    return findings.some((finding) => finding.kind === kind && finding.action === action);
  });
}

/**
 * Whatever a test left behind when it failed: faults are disarmed, what nobody watches is taken over, trades exit,
 * and what is nobody's even then is cancelled and sold by hand.
 */
export async function leaveNothing(lane: Lane, byHand: KrakenExchange): Promise<void> {
  await lane.paper.disarm();
  await until('nothing is left of a test', 180_000, async () => {
    if (await isEmpty(lane)) return true;
    await lane.client.reconcileNow(`reconcile-${randomUUID()}`);
    const running = await lane.client.runningTradeIds();
    await Promise.all(running.map((tradeId) => lane.client.requestExit(tradeId, 'left by a test')));
    if (running.length === 0) await clearByHand(lane, byHand);
    return isEmpty(lane);
  });
}

async function isEmpty(lane: Lane): Promise<boolean> {
  const { balances, openOrders, positions } = await lane.paper.account();
  const running = await lane.client.runningTradeIds();
  return [running, openOrders, positions, heldAssets(balances)].every((left) => left.length === 0);
}

async function clearByHand(lane: Lane, byHand: KrakenExchange): Promise<void> {
  for (const { txid } of (await lane.paper.account()).openOrders) await byHand.cancel(txid, 'exit');
  const { balances } = await lane.paper.account();
  for (const [asset, quantity] of heldAssets(balances)) {
    await byHand.submit(
      {
        clientOrderId: `left-${randomUUID().slice(0, 8)}`,
        symbol: `${asset}/USD`,
        side: 'sell',
        type: 'market',
        quantity,
        deadlineMs: Date.now() + 30_000,
      },
      'exit',
    );
  }
}

const heldAssets = (balances: PaperAccount['balances']) =>
  Object.entries(balances).filter(([asset, total]) => asset !== 'USD' && Number(total) > 0);
