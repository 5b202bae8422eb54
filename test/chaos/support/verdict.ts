import { add, compare, type Decimal } from '../../../src/domain/money.ts';
import { baseAsset } from '../../../src/domain/symbols.ts';
import { clientOrderId, ownDirection } from '../../../src/exchange/client-order-id.ts';
import type { TradeResult } from '../../../src/workflows/messages.ts';
import type { ArrivedOrder, PaperAccount } from '../../support/paper-control.ts';
import type { Combination } from './wave.ts';

const MOST_LEGS = 5;
const DEADLINE_ELAPSED = 'EService:Deadline elapsed';

/** What the exchange's journal and account say against a trade that met its fault; nothing when all is well. */
export function judge(
  { fault, leg, tradeId, symbol }: Combination & { readonly tradeId: string; readonly symbol: string },
  result: TradeResult | null,
  arrivals: readonly ArrivedOrder[],
  account: PaperAccount,
): string[] {
  const wrong: string[] = [];
  const expect = (what: string, seen: unknown, expected: unknown) => {
    if (seen !== expected) wrong.push(`${what}: ${String(seen)} instead of ${String(expected)}`);
  };
  const of = (name: 'entry' | `exit-${number}`) =>
    arrivals.filter(({ clOrdId }) => clOrdId === clientOrderId(`trade-${tradeId}`, name));
  const accepted = (orders: readonly ArrivedOrder[]) => orders.filter((order) => order.accepted);
  const filled = (orders: readonly ArrivedOrder[]) =>
    accepted(orders).reduce<Decimal>((sum, order) => add(sum, order.filled), '0');

  const exits = Array.from({ length: MOST_LEGS }, (_, index) => of(`exit-${index + 1}`));
  const isEntry = leg.startsWith('entry');
  const lapsed = fault.mayLapse === true && of('entry').some(({ error }) => error === DEADLINE_ELAPSED);
  const isGivenUp = isEntry && (!fault.executed || lapsed);
  const stage = isGivenUp ? (fault.refused ? 'rejected' : 'cancelled') : 'closed';
  expect('stage', result?.stage, stage);
  expect('accepted entries', accepted(of('entry')).length, isGivenUp ? 0 : 1);
  for (const [index, orders] of exits.entries()) {
    if (accepted(orders).length > 1)
      wrong.push(`exit-${index + 1} accepted ${accepted(orders).length} times`);
  }
  const partlyFilledExit = fault.name === 'partial-fill' && !isEntry;
  expect('accepted exits', accepted(exits.flat()).length, isGivenUp ? 0 : partlyFilledExit ? 2 : 1);
  if (compare(filled(of('entry')), filled(exits.flat())) !== 0) {
    wrong.push(`bought ${filled(of('entry'))}, sold ${filled(exits.flat())}`);
  }
  if (fault.refusal !== undefined) {
    const met = (isEntry ? of('entry') : exits.flat()).some(({ error }) => error === fault.refusal);
    expect(`an order turned away with ${fault.refusal}`, met, true);
  }
  const held = account.balances[baseAsset(symbol)] ?? '0';
  if (compare(held, '0') !== 0) wrong.push(`the account still holds ${held} ${baseAsset(symbol)}`);
  return wrong;
}

/** What is left on an exchange where every trade has ended: orders nobody sent, sent twice, or still open. */
export function leftovers(arrivals: readonly ArrivedOrder[], account: PaperAccount): string[] {
  const counts = new Map<string, number>();
  for (const { clOrdId, accepted } of arrivals) {
    if (accepted) counts.set(clOrdId ?? 'none', (counts.get(clOrdId ?? 'none') ?? 0) + 1);
  }
  const strange = [...counts].filter(([id, count]) => count > 1 || ownDirection(id) === null);
  return [
    ...strange.map(([id, count]) => `${id} was accepted ${count} times`),
    ...account.openOrders.map(({ txid }) => `${txid} is still open`),
    ...Object.entries(account.balances)
      .filter(([asset, total]) => asset !== 'USD' && compare(total, '0') !== 0)
      .map(([asset, total]) => `the account still holds ${total} ${asset}`),
  ];
}
