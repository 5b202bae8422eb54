import { EXIT_RULES, type ExitRule } from '../domain/exit-policy.ts';
import { add, compare, divide, isPositive, subtract, ZERO, type Decimal } from '../domain/money.ts';
import type { Backtest, ClosedTrade } from './result.ts';

export interface RuleTally {
  readonly rule: ExitRule;
  readonly trades: number;
  readonly netPnl: Decimal;
  readonly winRate: number;
}

export interface MonthTally {
  /** `2019-07`, UTC, of the exit. */
  readonly month: string;
  readonly trades: number;
  readonly winRate: number;
  readonly netPnl: Decimal;
  readonly fees: Decimal;
}

/** Amounts in quote currency, ratios as fractions. */
export interface Summary {
  readonly trades: number;
  readonly stillOpen: number;
  readonly winRate: number;
  /** Of the closed trades, net of their fees. */
  readonly netPnl: Decimal;
  readonly grossPnl: Decimal;
  readonly fees: Decimal;
  readonly rolloverFees: Decimal;
  readonly expectedValue: Decimal;
  /** Won per lost unit of money; null while nothing was lost. */
  readonly profitFactor: number | null;
  readonly averageHoldMs: number;
  readonly startEquity: Decimal;
  readonly endEquity: Decimal;
  readonly returnFraction: number;
  readonly maxDrawdown: number;
  /** Share of the time with a position open, and the mean exposure as a share of equity, over the samples. */
  readonly timeInMarket: number;
  readonly meanExposure: number;
  readonly byRule: readonly RuleTally[];
  readonly months: readonly MonthTally[];
}

export function summarize(
  { trades, open, equity, maxDrawdown, rolloverFees }: Backtest,
  balance: Decimal,
): Summary {
  const netPnl = sum(trades, (trade) => trade.netPnl);
  const fees = sum(trades, (trade) => add(trade.entryFee, trade.exitFee));
  const wins = trades.filter((trade) => isPositive(trade.netPnl));
  const won = sum(wins, (trade) => trade.netPnl);
  const lost = subtract(won, netPnl);
  const endEquity = equity.at(-1)?.equity ?? balance;
  const share = equity.map((point) => Number(point.exposure) / Math.max(1e-9, Number(point.equity)));
  return {
    trades: trades.length,
    stillOpen: open.length,
    winRate: ratio(wins.length, trades.length),
    netPnl,
    grossPnl: add(netPnl, fees),
    fees,
    rolloverFees,
    expectedValue: trades.length === 0 ? ZERO : divide(netPnl, String(trades.length)),
    profitFactor: isPositive(lost) ? Number(won) / Number(lost) : null,
    averageHoldMs: Math.round(
      ratio(
        trades.reduce((total, { heldMs }) => total + heldMs, 0),
        trades.length,
      ),
    ),
    startEquity: balance,
    endEquity,
    returnFraction: Number(divide(subtract(endEquity, balance), balance)),
    maxDrawdown,
    timeInMarket: ratio(share.filter((value) => value > 0).length, share.length),
    meanExposure: ratio(
      share.reduce((total, value) => total + value, 0),
      share.length,
    ),
    byRule: byRule(trades),
    months: byMonth(trades),
  };
}

function byRule(trades: readonly ClosedTrade[]): RuleTally[] {
  return EXIT_RULES.flatMap((rule) => {
    const ofRule = trades.filter((trade) => trade.exitRule === rule);
    return ofRule.length === 0 ? [] : [{ rule, ...tally(ofRule) }];
  });
}

function byMonth(trades: readonly ClosedTrade[]): MonthTally[] {
  const months = new Map<string, ClosedTrade[]>();
  for (const trade of trades) {
    const month = new Date(trade.exitTimeMs).toISOString().slice(0, 7);
    const known = months.get(month);
    if (known) known.push(trade);
    else months.set(month, [trade]);
  }
  return [...months.entries()]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([month, ofMonth]) => ({
      month,
      ...tally(ofMonth),
      fees: sum(ofMonth, (trade) => add(trade.entryFee, trade.exitFee)),
    }));
}

function tally(trades: readonly ClosedTrade[]) {
  const wins = trades.filter((trade) => compare(trade.netPnl, ZERO) > 0).length;
  return {
    trades: trades.length,
    netPnl: sum(trades, (trade) => trade.netPnl),
    winRate: ratio(wins, trades.length),
  };
}

function sum(trades: readonly ClosedTrade[], of: (trade: ClosedTrade) => Decimal): Decimal {
  return add(...trades.map(of));
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
