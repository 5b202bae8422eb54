import { EXIT_RULES } from '../../../src/domain/exit-policy.ts';
import { add, compare, isPositive, subtract, type Decimal } from '../../../src/domain/money.ts';
import { baseAsset } from '../../../src/domain/symbols.ts';
import { ownDirection } from '../../../src/exchange/client-order-id.ts';
import { POSITION_PERSISTENCE_FAILED } from '../../../src/workflows/persist.ts';
import { findPair } from '../../../src/exchange/paper/pairs.ts';
import type { ArrivedOrder } from '../../support/paper-control.ts';
import type { Evidence } from './evidence.ts';
import { tradesOf, type TradeOnExchange } from './trades-on-exchange.ts';

/** What must never be, each as a list of the cases that were found; all must be empty. */
export type Violations = Readonly<Record<InvariantName, readonly string[]>>;

export type InvariantName =
  | 'intentsAcceptedTwice'
  | 'ordersWithoutRow'
  | 'rowsWithoutOrder'
  | 'openWithoutWorkflow'
  | 'notFlat'
  | 'ledgerDifferences'
  | 'outcomesNotLearned'
  | 'outcomesLearnedTwice'
  | 'reservationsLeft'
  | 'workflowFailures'
  | 'tradesNotEnded';

/** How trades ended by the storm's own account, and what was open without a workflow before everything was told to exit. */
export interface Witnessed {
  /** All that were asked for. */
  readonly tradeIds: readonly string[];
  readonly notEnded: readonly string[];
  readonly openWithoutWorkflow: readonly string[];
}

export function judgeStorm(evidence: Evidence, witnessed: Witnessed): Violations {
  const accepted = evidence.orders.filter((order) => order.accepted);
  return {
    intentsAcceptedTwice: acceptedTwice(accepted),
    ordersWithoutRow: withoutRow(accepted, evidence),
    rowsWithoutOrder: withoutOrder(accepted, evidence),
    openWithoutWorkflow: witnessed.openWithoutWorkflow,
    notFlat: notFlat(evidence, tradesOf(evidence.orders, witnessed.tradeIds)),
    ledgerDifferences: [
      ...differingOrders(accepted, evidence),
      ...differingPositions(tradesOf(evidence.orders, witnessed.tradeIds), evidence),
      ...differingTotals(evidence),
    ],
    outcomesNotLearned: notLearned(evidence),
    outcomesLearnedTwice: repeated(evidence.rows.studied),
    reservationsLeft: evidence.rows.reserved,
    workflowFailures: failures(evidence),
    tradesNotEnded: witnessed.notEnded,
  };
}

function acceptedTwice(accepted: readonly ArrivedOrder[]): string[] {
  return repeated(accepted.map(({ clOrdId }) => clOrdId ?? 'an order without our id'));
}

/** An entry's row must have been there before the entry; an exit may go out while the database is away. */
function withoutRow(accepted: readonly ArrivedOrder[], { rows }: Evidence): string[] {
  const intents = new Map(rows.intents.map((intent) => [intent.clOrdId, intent]));
  return accepted.flatMap(({ clOrdId, txid, receivedAtMs }) => {
    const intent = intents.get(clOrdId ?? '');
    const name = `${txid} (${clOrdId})`;
    if (!intent) return [`${name} has no row`];
    const lateMs = intent.createdAtMs - receivedAtMs;
    if (ownDirection(clOrdId) !== 'entry' || lateMs <= 0) return [];
    return [`${name} got its row ${Math.round(lateMs)} ms after it arrived`];
  });
}

function withoutOrder(accepted: readonly ArrivedOrder[], { rows }: Evidence): string[] {
  const orders = new Map(accepted.map((order) => [order.txid ?? '', order]));
  const claims = [
    ...rows.intents
      .filter(({ status, krakenOrderId }) => krakenOrderId !== null || /^(accepted|filled)$/.test(status))
      .map(({ clOrdId, krakenOrderId, status }) => ({
        of: `intent ${clOrdId}, ${status}`,
        txid: krakenOrderId,
        filled: status === 'filled',
      })),
    ...rows.trades.map(({ krakenOrderId: txid }) => ({ of: 'ManagedTrade', txid, filled: true })),
    ...rows.liveTrades.map(({ exchangeOrderId: txid }) => ({ of: 'LiveTrade', txid, filled: true })),
    ...rows.positions.map(({ id }) => ({
      of: 'ManagedPosition',
      txid: id.replace(/^kraken-/, ''),
      filled: true,
    })),
  ];
  return claims.flatMap(({ of, txid, filled }) => {
    const order = orders.get(txid ?? '');
    if (order && (!filled || isPositive(order.filled))) return [];
    return [`${of} names order ${txid}, which ${order ? 'never filled' : 'the exchange never accepted'}`];
  });
}

function notFlat({ account }: Evidence, trades: readonly TradeOnExchange[]): string[] {
  return [
    ...trades.filter(isOpen).map(({ entry, open }) => `${entry.txid} still has ${open} ${entry.pair}`),
    ...account.openOrders.map(({ txid }) => `order ${txid} is open`),
    ...account.positions.map(({ id }) => `margin position ${id} is open`),
  ];
}

/** More was exited than entered, or a remainder is left that is no dust. */
export function isOpen({ entry, open }: TradeOnExchange): boolean {
  return compare(open, '0') < 0 || compare(open, findPair(entry.pair ?? '')?.orderMinimum ?? '0') >= 0;
}

/** Quantity, cost and fee of every order that filled, to the last decimal. */
function differingOrders(accepted: readonly ArrivedOrder[], { rows }: Evidence): string[] {
  const booked = new Map(rows.trades.map((trade) => [trade.krakenOrderId, trade]));
  return accepted
    .filter(({ filled }) => isPositive(filled))
    .flatMap(({ txid, filled, cost, fee, side }) => {
      const trade = booked.get(txid ?? '');
      if (!trade) return [`order ${txid} filled and has no ManagedTrade`];
      return [
        ...differing(`quantity of ${txid}`, trade.quantity, filled),
        ...differing(`value of ${txid}`, trade.value, cost),
        ...differing(`fee of ${txid}`, trade.fee, fee),
        ...(trade.side === side ? [] : [`side of ${txid}: booked ${trade.side}, was ${side}`]),
      ];
    });
}

function differingPositions(trades: readonly TradeOnExchange[], { rows }: Evidence): string[] {
  const positions = new Map(rows.positions.map((position) => [position.id, position]));
  return trades.flatMap(({ entry, pnl }) => {
    const position = positions.get(`kraken-${entry.txid}`);
    if (!position) return [`entry ${entry.txid} filled and has no ManagedPosition`];
    if (pnl === null) return [];
    return differing(`P&L of ${position.id}`, position.realizedPnL ?? 'none', pnl);
  });
}

function differing(what: string, booked: string, real: Decimal): string[] {
  const isSame = booked !== 'none' && compare(booked, real) === 0;
  return isSame ? [] : [`${what}: booked ${booked}, was ${real}`];
}

/** The account, by what the rows say that was bought, sold, earned and paid. */
function differingTotals({ startingCash, rows, account }: Evidence): string[] {
  const isSpot = new Map(rows.positions.map(({ id, side }) => [id, side === 'long']));
  const held = new Map<string, Decimal>();
  for (const { positionId, symbol, side, quantity } of rows.trades) {
    if (isSpot.get(positionId) !== true) continue;
    const asset = baseAsset(symbol);
    const before = held.get(asset) ?? '0';
    held.set(asset, side === 'buy' ? add(before, quantity) : subtract(before, quantity));
  }
  const cash = add(startingCash, ...rows.positions.map(({ realizedPnL }) => realizedPnL ?? '0'));
  const assets = new Set([...held.keys(), ...Object.keys(account.balances)]);
  assets.delete('USD');
  return [
    ...differing('cash', cash, account.balances.USD ?? '0'),
    ...[...assets].flatMap((asset) =>
      differing(`balance of ${asset}`, held.get(asset) ?? '0', account.balances[asset] ?? '0'),
    ),
  ];
}

function notLearned({ rows }: Evidence): string[] {
  const outcomes = new Map(rows.outcomes.map((outcome) => [outcome.positionId, outcome]));
  return rows.positions
    .filter(({ status }) => status === 'closed')
    .flatMap(({ id }) => {
      const outcome = outcomes.get(id);
      if (!outcome) return [`${id} closed without an outcome`];
      const teaches = (EXIT_RULES as readonly string[]).includes(outcome.exitRule);
      return teaches && !outcome.isLearned ? [`${id} closed by ${outcome.exitRule} and taught nothing`] : [];
    });
}

/**
 * Loud by design: a position that could not be persisted was flattened, and a comparison that could not ask. The
 * next comparison comes within a minute.
 */
const LOUD = new Set([`trade ${POSITION_PERSISTENCE_FAILED}`, 'reconcile activity audit']);

function failures({ workflows }: Evidence): string[] {
  return workflows
    .filter(({ status }) => ['FAILED', 'TERMINATED', 'TIMED_OUT'].includes(status))
    .filter(({ type, failure }) => !LOUD.has(`${type} ${failure}`))
    .map(({ workflowId, type, status, failure }) => `${type} ${workflowId}: ${status}, ${failure}`);
}

function repeated(values: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].filter(([, count]) => count > 1).map(([value, count]) => `${value}: ${count} times`);
}
