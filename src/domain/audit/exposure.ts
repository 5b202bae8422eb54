import { add, compare, isPositive, subtract, type Decimal } from '../money.ts';
import { exitOrderSide } from '../position.ts';
import { baseAsset } from '../symbols.ts';
import { groupName, type ExposureGroup, type Member } from './exposure-groups.ts';
import type { Orphan } from './orphans.ts';
import type { AuditedOrder, Disagreement, ThreeViews } from './views.ts';

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
