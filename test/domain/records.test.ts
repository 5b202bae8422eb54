import { expect, it } from 'vitest';
import {
  closeRecords,
  openRecords,
  unrealizedPnl,
  type OrderRecord,
  type TradeFacts,
} from '../../src/domain/records.ts';

function order(
  id: string,
  quantity: string,
  cost: string,
  price: string,
  fee: string,
  ms: number,
): OrderRecord {
  return {
    exchangeOrderId: id,
    exchangeTradeId: `T${id}`,
    summary: { quantity, cost, fee, averagePrice: price, firstFillMs: ms, lastFillMs: ms + 5 },
    requestedAtMs: ms - 20,
    submittedAtMs: ms - 10,
    quotePrice: '100',
  };
}

function facts(side: 'long' | 'short' = 'long'): TradeFacts {
  return {
    tradeId: 'tr-1',
    strategy: 'test',
    symbol: 'BTC/USD',
    side,
    confidence: 0.8,
    thresholdsVersion: 3,
    marketConditions: { volatilityScale: 1 },
    entry: order('OA', '2', '201', '100.5', '0.4', 1000),
  };
}

it('an opened position is four records that name each other', () => {
  const { managedPosition, managedTrade, livePosition, liveTrade } = openRecords(facts());
  expect(managedPosition).toMatchObject({
    id: 'kraken-OA',
    tradeId: 'tr-1',
    entryTradeId: 'trade-OA',
    quantity: '2',
    entryPrice: '100.5',
    entryTime: 1000,
    fees: '0.4',
    status: 'open',
    exitPrice: null,
    realizedPnL: null,
  });
  expect(managedTrade).toMatchObject({
    id: 'trade-OA',
    positionId: 'kraken-OA',
    side: 'buy',
    value: '201',
    isEntry: true,
    pnl: null,
  });
  expect(livePosition).toMatchObject({ id: 'live-pos-kraken-OA', positionId: 'kraken-OA', status: 'open' });
  expect(liveTrade).toMatchObject({ id: 'live-OA', purpose: 'open', side: 'buy', slippage: '0.5' });
});

it('several exits make one price by cost, and one P&L on the last of them', () => {
  const exits = [order('OB', '0.5', '55', '110', '0.1', 2000), order('OC', '1.5', '159', '106', '0.3', 3000)];
  const { managedPosition, exitTrades, livePosition, exitLiveTrades } = closeRecords(
    facts(),
    exits,
    'giveback',
  );
  expect(managedPosition).toMatchObject({
    status: 'closed',
    exitPrice: '107',
    exitTime: 3005,
    exitTradeId: 'trade-OC',
    exitReason: 'giveback',
    realizedPnL: '12.2',
    fees: '0.8',
  });
  expect(exitTrades.map(({ id, side, pnl, isEntry }) => [id, side, pnl, isEntry])).toEqual([
    ['trade-OB', 'sell', null, false],
    ['trade-OC', 'sell', '12.2', false],
  ]);
  expect(livePosition).toMatchObject({ status: 'closed', netPnL: '12.2', totalFees: '0.8', closedAt: 3005 });
  // Selling above the quote is better than it: negative.
  expect(exitLiveTrades.map(({ purpose, slippage }) => [purpose, slippage])).toEqual([
    ['close', '-10'],
    ['close', '-6'],
  ]);
});

it('counts dust as lost for a long, as not yet earned for a short', () => {
  const partial = [order('OB', '1', '90', '90', '0.1', 2000)];
  expect(closeRecords(facts('long'), partial, 'loss-limit').managedPosition.realizedPnL).toBe('-111.5');
  // Half of the 201 received stands against the half bought back: 100.5 - 90 - 0.5.
  expect(closeRecords(facts('short'), partial, 'take-profit').managedPosition.realizedPnL).toBe('10');
});

it('needs an exit to close, and values the open quantity at the mark', () => {
  expect(() => closeRecords(facts(), [], 'forced')).toThrow('at least one exit order');
  expect(unrealizedPnl('long', '2', '100', '95.5')).toBe('-9');
  expect(unrealizedPnl('short', '2', '100', '95.5')).toBe('9');
});
