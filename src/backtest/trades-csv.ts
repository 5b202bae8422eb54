import type { ClosedTrade } from './result.ts';

const COLUMNS = [
  'positionId',
  'symbol',
  'side',
  'quantity',
  'entryTimeMs',
  'entryPrice',
  'entryCost',
  'entryFee',
  'exitTimeMs',
  'exitPrice',
  'exitCost',
  'exitFee',
  'exitRule',
  'rolloverFees',
  'netPnl',
  'returnFraction',
  'bestReturn',
  'heldMs',
  'confidence',
  'volatilityScale',
  'thresholdsVersion',
] as const satisfies readonly (keyof ClosedTrade)[];

/** The closed trades with a header; no field needs quotes. */
export function tradesCsv(trades: readonly ClosedTrade[]): string {
  const rows = trades.map((trade) => COLUMNS.map((column) => String(trade[column])).join(','));
  return `${[COLUMNS.join(','), ...rows].join('\n')}\n`;
}
