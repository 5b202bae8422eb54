import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { add, subtract } from '../../src/domain/money.ts';
import { holdfast } from '../support/up.ts';
import { ReconcileStack } from '../support/reconcile-stack.ts';

type Line = Readonly<Record<string, string>>;

/** What a spreadsheet gets is what the database and the exchange say, to the last decimal. */
describe('exports and statistics', { timeout: 180_000 }, () => {
  let stack: ReconcileStack;
  let cashAfterBoth: string;

  beforeAll(async () => {
    stack = await ReconcileStack.start();
    await stack.open('--id', 'winner');
    await stack.paper.price('BTC/USD', '10400.0', '10400.1');
    await stack.cli('exit', 'winner', '--wait', 'closed');
    await stack.open('--id', 'loser', '--side', 'short');
    await stack.cli('exit', 'loser', '--wait', 'closed');
    cashAfterBoth = await stack.balance('USD');
    await stack.open('--id', 'still-open');
  }, 180_000);
  afterAll(() => stack.stop(), 60_000);

  const csv = async (...args: string[]): Promise<Line[]> =>
    parse(await stack.words('export', ...args), { columns: true });

  it('exports closed trades whose P&L is the change of the account', async () => {
    const trades = await csv('trades', '--format', 'csv');
    expect(trades.map(({ tradeId, side, exitReason }) => ({ tradeId, side, exitReason }))).toEqual([
      { tradeId: 'winner', side: 'long', exitReason: 'forced' },
      { tradeId: 'loser', side: 'short', exitReason: 'forced' },
    ]);
    expect(Object.keys(trades[0]!).join(',')).toBe(
      'id,tradeId,strategy,symbol,side,quantity,entryTime,entryPrice,exitTime,exitPrice,exitReason,fees,realizedPnL,thresholdsVersion,entryTradeId,exitTradeId',
    );
    const exported = add(...trades.map(({ realizedPnL }) => realizedPnL!));
    expect(exported).toBe(subtract(cashAfterBoth, '10000'));
    for (const { entryTime, exitTime } of trades)
      expect(Date.parse(exitTime!)).toBeGreaterThan(Date.parse(entryTime!));
  });

  it('exports every order with its fee, open ones too', async () => {
    const fills = await csv('fills');
    expect(fills.map(({ purpose }) => purpose)).toEqual(['open', 'close', 'open', 'close', 'open']);
    const orders = await stack.paper.accepted();
    expect(fills.map(({ exchangeOrderId }) => exchangeOrderId)).toEqual(orders.map(({ txid }) => txid));
  });

  it('exports outcomes as JSON, and nothing of before --since', async () => {
    const outcomes = await stack.cli<{ tradeId: string }[]>('export', 'outcomes');
    expect(outcomes.map(({ tradeId }) => tradeId)).toEqual(['winner', 'loser']);
    const future = new Date(Date.now() + 86_400_000).toISOString();
    expect(await stack.cli('export', 'trades', '--since', future)).toEqual([]);
  });

  it('counts wins, fees and equity', async () => {
    const stats = await stack.cli<Record<string, unknown>>('stats', '--since', '24h');
    expect(stats).toMatchObject({ closedTrades: 2, wins: 1, winRate: 0.5, openPositions: 1 });
    expect(Number(stats.equity)).toBeGreaterThan(9_900);
    expect(Number(stats.profitFactor)).toBeGreaterThan(1);
    const words = await stack.words('stats');
    for (const word of ['win rate', '50', 'profit factor', 'premature exits', 'equity'])
      expect(words).toContain(word);
  });

  it('adds up to what statistics and the ledger of the exchange say, to the last decimal', async () => {
    const [trades, fills, outcomes] = [await csv('trades'), await csv('fills'), await csv('outcomes')];
    const stats = await stack.cli<{ netPnl: string; fees: string; closedTrades: number }>('stats');
    const total = (lines: readonly Line[], column: string) => add(...lines.map((line) => line[column]!));
    expect(trades).toHaveLength(stats.closedTrades);
    expect(total(trades, 'realizedPnL')).toBe(stats.netPnl);
    expect(total(outcomes, 'netPnl')).toBe(stats.netPnl);
    expect(total(trades, 'fees')).toBe(stats.fees);

    const booked = await stack.ledger();
    const ofOrders = (orderIds: readonly string[]) =>
      booked.filter(({ asset, orderId }) => asset === 'ZUSD' && orderIds.includes(orderId));
    const feesOf = (orderIds: readonly string[]) => add(...ofOrders(orderIds).map(({ fee }) => fee));
    for (const { exchangeOrderId, fee, purpose, side } of fills)
      expect(feesOf([exchangeOrderId!]), `${purpose} ${side}`).toBe(add(fee!));
    const exported = new Set(fills.map(({ exchangeOrderId }) => exchangeOrderId!));
    expect(booked.filter(({ orderId }) => orderId !== '' && !exported.has(orderId))).toEqual([]);

    const closed = new Set(trades.map(({ id }) => id));
    const closing = fills.filter(({ positionId }) => closed.has(positionId));
    expect(closing).toHaveLength(4);
    const ofClosed = ofOrders(closing.map(({ exchangeOrderId }) => exchangeOrderId!));
    expect(add(...ofClosed.map(({ amount, fee }) => subtract(amount, fee)))).toBe(stats.netPnl);
    expect(total(closing, 'fee')).toBe(stats.fees);
    // The coins that were bought and sold again are gone, those of the open position are there.
    const coins = booked.filter(({ asset }) => asset === 'XXBT');
    const open = fills.filter(({ positionId }) => !closed.has(positionId));
    expect(add(...coins.map(({ amount }) => amount))).toBe(total(open, 'quantity'));
  });

  it.each([
    [['export', 'positions'], /trades, fills, outcomes/],
    [['export', 'trades', '--format', 'xml'], /csv, json/],
    [['stats', '--since', 'yesterday'], /24h, 90m, 7d, 2w or a date/],
  ])('refuses %j in one line', async (args, message) => {
    const { code, stderr } = await holdfast(...args, '--data-dir', stack.root);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
