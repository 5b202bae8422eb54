import { add, compare, isPositive, subtract, type Decimal } from '../money.ts';
import { entryOrderSide, exitOrderSide, type Side } from '../position.ts';
import { positionId } from '../records.ts';
import { baseAsset } from '../symbols.ts';
import { entryOf, ordersOf } from './index-of-views.ts';
import type { Orphan } from './orphans.ts';
import { firedStops } from './stops.ts';
import { isStop, type AuditedOrder, type Disagreement, type ThreeViews } from './views.ts';

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

interface Member {
  readonly tradeId: string;
  readonly positionId: string;
  readonly symbol: string;
  readonly openQuantity: Decimal;
  readonly openedAtMs: number;
  readonly isRunning: boolean;
}

/** Money, in its many names: no position is made of it. */
const CASH = new Set(
  [
    'USD',
    'EUR',
    'GBP',
    'CAD',
    'JPY',
    'AUD',
    'CHF',
    'USDT',
    'USDC',
    'DAI',
    'PYUSD',
    'USDG',
    'EURT',
    'FEE',
  ].flatMap((name) => [name, `${name}.HOLD`, `${name}.M`, `${name}.F`]),
);

export function exposureGroups(views: ThreeViews, orphans: readonly Orphan[]): ExposureGroup[] {
  const members = membersOf(views, orphans);
  const keys = new Map<string, { side: Side; name: string }>();
  const note = (side: Side, name: string) => keys.set(`${side} ${name}`, { side, name });
  for (const { side, member } of members) note(side, groupName(side, member.symbol));
  for (const { asset, total } of views.balances) if (isPositive(total)) note('long', asset);
  for (const { symbol, side } of views.margin) if (side === 'sell') note('short', symbol);
  return [...keys.values()].map(({ side, name }) => groupOf(views, members, side, name));
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

function groupOf(views: ThreeViews, all: readonly SidedMember[], side: Side, name: string): ExposureGroup {
  const members = all
    .filter((each) => each.side === side && groupName(side, each.member.symbol) === name)
    .map(({ member }) => member)
    .sort((left, right) => left.openedAtMs - right.openedAtMs);
  const ofGroup = (symbol: string | null) => symbol === null || groupName(side, symbol) === name;
  const orders = views.orders.filter(({ symbol }) => ofGroup(symbol));
  const running = views.running.filter(({ symbol }) => ofGroup(symbol));
  const held =
    side === 'long'
      ? (views.balances.find(({ asset }) => asset === name)?.total ?? '0')
      : add(
          '0',
          ...views.margin
            .filter((each) => each.symbol === name && each.side === entryOrderSide('short'))
            .map(({ quantity }) => quantity),
        );
  return {
    side,
    name,
    members,
    held,
    required: add('0', ...members.map(({ openQuantity }) => openQuantity)),
    isMoving:
      orders.some((order) => order.isOpen && order.direction !== null && !isStop(order)) ||
      running.some(({ stage }) => stage !== 'open' && stage !== 'exiting'),
    isExiting: running.some(({ stage, isHeldUp }) => stage === 'exiting' && isHeldUp !== true),
    sinceMs: Math.max(0, ...orders.map(({ openedAtMs }) => openedAtMs), ...members.map((m) => m.openedAtMs)),
  };
}

/**
 * Running trades whose own account is wanted, since the rows ask for more than the exchange holds; those that exit
 * may be held up by just that.
 */
export function tradesToAsk(groups: readonly ExposureGroup[]): string[] {
  return groups
    .filter(({ required, held, isMoving }) => !isMoving && compare(required, held) > 0)
    .flatMap(({ members }) => members.filter(({ isRunning }) => isRunning).map(({ tradeId }) => tradeId));
}

export function exposureFindings(
  views: ThreeViews,
  groups: readonly ExposureGroup[],
  orphans: readonly Orphan[],
): Disagreement[] {
  return groups
    .filter(({ isMoving, isExiting }) => !isMoving && !isExiting)
    .flatMap((group) => {
      const shortage = subtract(group.required, group.held);
      if (isPositive(shortage)) return shortageFindings(views, group, shortage, orphans);
      return surplusFindings(views, group, subtract(group.held, group.required));
    });
}

function shortageFindings(
  views: ThreeViews,
  group: ExposureGroup,
  shortage: Decimal,
  orphans: readonly Orphan[],
): Disagreement[] {
  const assigned = assign(group.members, shortage, salesOfOthers(views, group, orphans));
  const totals = { held: group.held, expected: group.required };
  if (assigned === null) {
    const [only] = group.members;
    const isFlat = !isPositive(group.held);
    return [
      {
        kind: isFlat ? 'flat-on-exchange' : 'quantity-differs',
        subject: group.members.length === 1 && only ? only.positionId : group.name,
        remedy: 'human',
        sinceMs: group.sinceMs,
        seen: {
          ...totals,
          missing: shortage,
          positions: group.members.map((member) => member.positionId).join(' '),
          why: 'no order sold exactly what is missing',
        },
        evidence: null,
      },
    ];
  }
  return [...assigned].flatMap(([member, sales]) => {
    // A position without its workflow gets that one back first.
    if (!member.isRunning) return [];
    const sold = add(...sales.map(({ filledQuantity }) => filledQuantity));
    const isAll = compare(sold, member.openQuantity) >= 0;
    return [
      {
        kind: isAll ? ('flat-on-exchange' as const) : ('quantity-differs' as const),
        subject: member.positionId,
        remedy: 'settle' as const,
        sinceMs: group.sinceMs,
        seen: {
          ...totals,
          tradeId: member.tradeId,
          openQuantity: member.openQuantity,
          soldByOthers: sold,
          orders: sales.map(({ exchangeOrderId }) => exchangeOrderId).join(' '),
        },
        evidence: {
          tradeId: member.tradeId,
          exits: sales.map(({ exchangeOrderId }) => ({ exchangeOrderId, leg: 'outside' })),
        },
      },
    ];
  });
}

/** Orders that took exposure away and that no trade of ours has counted. */
function salesOfOthers(
  views: ThreeViews,
  group: ExposureGroup,
  orphans: readonly Orphan[],
): readonly AuditedOrder[] {
  const counted = new Set([
    ...views.running.flatMap(({ countedExits }) => countedExits ?? []),
    ...orphans.flatMap(({ exits }) => exits.map(({ order }) => order.exchangeOrderId)),
  ]);
  return views.orders
    .filter(({ owner, exchangeOrderId }) => owner === null && !counted.has(exchangeOrderId))
    .filter(({ symbol, side, filledQuantity }) => {
      const takesAway = groupName(group.side, symbol) === group.name && side === exitOrderSide(group.side);
      return takesAway && isPositive(filledQuantity);
    })
    .sort((left, right) => left.openedAtMs - right.openedAtMs);
}

/**
 * Which position each sale took from; null where the sales don't explain exactly what is missing. An order is
 * one position's as a whole: that of the same quantity, else the oldest that held as much.
 */
function assign(
  members: readonly Member[],
  shortage: Decimal,
  sales: readonly AuditedOrder[],
): Map<Member, AuditedOrder[]> | null {
  const chosen = sales.filter((sale) => members.some((member) => sale.openedAtMs >= member.openedAtMs));
  const single = chosen.find(({ filledQuantity }) => compare(filledQuantity, shortage) === 0);
  const total = add('0', ...chosen.map(({ filledQuantity }) => filledQuantity));
  const explaining = compare(total, shortage) === 0 ? chosen : single ? [single] : null;
  if (explaining === null) return null;
  const left = new Map(members.map((member) => [member, member.openQuantity]));
  const result = new Map<Member, AuditedOrder[]>();
  for (const sale of explaining) {
    const able = members.filter(
      (member) =>
        sale.symbol === member.symbol &&
        sale.openedAtMs >= member.openedAtMs &&
        compare(left.get(member) ?? '0', sale.filledQuantity) >= 0,
    );
    const member = able.find((each) => compare(left.get(each) ?? '0', sale.filledQuantity) === 0) ?? able[0];
    if (!member) return null;
    left.set(member, subtract(left.get(member) ?? '0', sale.filledQuantity));
    result.set(member, [...(result.get(member) ?? []), sale]);
  }
  return result;
}

function surplusFindings(views: ThreeViews, group: ExposureGroup, surplus: Decimal): Disagreement[] {
  if (!isPositive(surplus) || (group.side === 'long' && CASH.has(group.name))) return [];
  const dust = views.dust.get(baseAsset(group.name));
  if (dust !== undefined && compare(surplus, dust) < 0) return [];
  return [
    {
      kind: 'foreign-balance',
      subject: group.side === 'long' ? group.name : `short ${group.name}`,
      remedy: 'report',
      sinceMs: group.sinceMs,
      seen: { held: group.held, expected: group.required, surplus },
      evidence: null,
    },
  ];
}

function groupName(side: Side, symbol: string): string {
  return side === 'long' ? baseAsset(symbol) : symbol;
}
