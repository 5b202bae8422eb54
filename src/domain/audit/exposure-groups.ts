import { add, isPositive, subtract, type Decimal } from '../money.ts';
import { entryOrderSide, type Side } from '../position.ts';
import { positionId } from '../records.ts';
import { baseAsset } from '../symbols.ts';
import { entryOf, ordersOf } from './index-of-views.ts';
import type { Orphan } from './orphans.ts';
import { firedStops } from './stops.ts';
import { isStop, type AuditedOrder, type RunningTradeView, type ThreeViews } from './views.ts';

/** Positions whose exposure the exchange tells only as one sum: a spot asset, or the shorts of a symbol. */
export interface ExposureGroup {
  readonly side: Side;
  /** `BTC` for longs, `BTC/USD` for shorts. */
  readonly name: string;
  readonly members: readonly Member[];
  readonly required: Decimal;
  readonly held: Decimal;
  /** An order of the group is under way, or a trade is entering: the sums can't be compared now. */
  readonly isMoving: boolean;
  /** Neither while a trade exits, unless by its own account it is held up. */
  readonly isExiting: boolean;
  readonly sinceMs: number;
}

export interface Member {
  readonly tradeId: string;
  readonly positionId: string;
  readonly symbol: string;
  readonly openQuantity: Decimal;
  readonly openedAtMs: number;
  readonly isRunning: boolean;
}

export function exposureGroups(views: ThreeViews, orphans: readonly Orphan[]): ExposureGroup[] {
  const parts = { long: new Map<string, Parts>(), short: new Map<string, Parts>() };
  const partsOf = (side: Side, name: string): Parts => {
    const known = parts[side].get(name) ?? { members: [], orders: [], running: [], held: '0' };
    parts[side].set(name, known);
    return known;
  };
  for (const { side, member } of membersOf(views, orphans)) {
    partsOf(side, groupName(side, member.symbol)).members.push(member);
  }
  for (const { asset, total } of views.balances) {
    if (isPositive(total) || parts.long.has(asset)) partsOf('long', asset).held = total;
  }
  for (const { symbol, side, quantity } of views.margin) {
    if (side !== entryOrderSide('short')) continue;
    const group = partsOf('short', symbol);
    group.held = add(group.held, quantity);
  }
  const concerned = (symbol: string): Parts[] =>
    SIDES.map((side) => parts[side].get(groupName(side, symbol))).filter((each) => each !== undefined);
  for (const order of views.orders) for (const group of concerned(order.symbol)) group.orders.push(order);
  const groups = SIDES.flatMap((side) => [...parts[side]].map(([name, its]) => ({ side, name, its })));
  const all = groups.map(({ its }) => its);
  for (const trade of views.running) {
    // One that has not told its symbol yet may concern any of them.
    for (const its of trade.symbol === null ? all : concerned(trade.symbol)) its.running.push(trade);
  }
  return groups.map(({ side, name, its }) => groupOf(side, name, its));
}

const SIDES = ['long', 'short'] as const;

/** What concerns one group, found in one pass over the views: accounts may hold thousands of positions. */
interface Parts {
  readonly members: Member[];
  readonly orders: AuditedOrder[];
  readonly running: RunningTradeView[];
  held: Decimal;
}

interface SidedMember {
  readonly side: Side;
  readonly member: Member;
}

function membersOf(views: ThreeViews, orphans: readonly Orphan[]): SidedMember[] {
  const running = new Map(views.running.map((trade) => [trade.tradeId, trade]));
  const watched = new Set(views.running.map(({ positionId: id }) => id));
  const rows = views.positions
    .filter(({ status, id }) => status === 'open' || watched.has(id))
    .map(({ id, tradeId, symbol, side, quantity, openedAtMs }) => {
      const sold = ordersOf(views, tradeId).filter(({ direction }) => direction === 'exit');
      const told = running.get(tradeId)?.openQuantity;
      const openQuantity = told === undefined ? less(quantity, sold) : less(told, firedStops(views, tradeId));
      const isRunning = running.has(tradeId);
      return { side, member: { tradeId, positionId: id, symbol, openQuantity, openedAtMs, isRunning } };
    });
  const known = new Set(rows.map(({ member }) => member.positionId));
  const rowless = views.running.flatMap(({ tradeId, positionId: id, side, symbol, openQuantity }) => {
    if (id === null || known.has(id) || side === null || symbol === null) return [];
    const entry = entryOf(views, id);
    const quantity = less(openQuantity ?? entry?.filledQuantity ?? '0', firedStops(views, tradeId));
    const openedAtMs = entry?.openedAtMs ?? views.nowMs;
    return [
      {
        side,
        member: { tradeId, positionId: id, symbol, openQuantity: quantity, openedAtMs, isRunning: true },
      },
    ];
  });
  const adopted = orphans.map(({ order, openQuantity }) => ({
    side: order.side === 'buy' ? ('long' as const) : ('short' as const),
    member: {
      tradeId: order.owner?.tradeId ?? '',
      positionId: positionId(order.exchangeOrderId),
      symbol: order.symbol,
      openQuantity,
      openedAtMs: order.openedAtMs,
      isRunning: false,
    },
  }));
  return [...rows, ...rowless, ...adopted];
}

function less(quantity: Decimal, sold: readonly AuditedOrder[]): Decimal {
  return subtract(quantity, add('0', ...sold.map(({ filledQuantity }) => filledQuantity)));
}

function groupOf(side: Side, name: string, { members, orders, running, held }: Parts): ExposureGroup {
  return {
    side,
    name,
    members: members.sort((left, right) => left.openedAtMs - right.openedAtMs),
    held,
    required: add('0', ...members.map(({ openQuantity }) => openQuantity)),
    isMoving:
      orders.some((order) => order.isOpen && order.direction !== null && !isStop(order)) ||
      running.some(({ stage }) => stage !== 'open' && stage !== 'exiting'),
    isExiting: running.some(({ stage, isHeldUp }) => stage === 'exiting' && isHeldUp !== true),
    sinceMs: latest([...orders, ...members]),
  };
}

function latest(each: readonly { readonly openedAtMs: number }[]): number {
  return each.reduce((atMs, { openedAtMs }) => Math.max(atMs, openedAtMs), 0);
}

export function groupName(side: Side, symbol: string): string {
  return side === 'long' ? baseAsset(symbol) : symbol;
}
