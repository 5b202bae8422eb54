import { add } from '../domain/money.ts';
import { percent } from '../domain/percent.ts';
import type { Backtest } from './result.ts';
import type { Series } from './series.ts';
import type { Summary } from './summary.ts';

const FEW_TRADES = 100;
const SHORT_SPAN_MS = 180 * 86_400_000;
const FEE_SHARE = 0.25;
const SILENT_SHARE = 0.01;
const ONE_SIDED = 0.9;
/** A price that moved less than this share of its range went nowhere, one that moved more went one way. */
const TREND_SHARE = 0.6;

/** What a reader has to know before believing the figures; plain sentences, empty when there is nothing to say. */
export function warningsOf(series: readonly Series[], backtest: Backtest, summary: Summary): string[] {
  return [
    ...ofTrades(backtest, summary),
    ...ofFees(summary),
    ...series.flatMap(ofSeries),
    ...ofSpan(backtest),
  ];
}

function ofTrades({ trades, open, skipped }: Backtest, summary: Summary): string[] {
  const found: string[] = [];
  if (trades.length < FEW_TRADES) {
    found.push(
      `Only ${trades.length} trades were closed: below about ${FEW_TRADES} the figures are mostly chance.`,
    );
  }
  const longs = trades.filter(({ side }) => side === 'long').length;
  const share = Math.max(longs, trades.length - longs) / Math.max(1, trades.length);
  if (trades.length > 1 && share >= ONE_SIDED) {
    const side = longs * 2 > trades.length ? 'long' : 'short';
    found.push(`${percent(share, 0)} of the trades are ${side}: this says little about the other side.`);
  }
  const best = Math.max(0, ...trades.map(({ netPnl }) => Number(netPnl)));
  if (Number(summary.netPnl) > 0 && best > Number(summary.netPnl) / 2) {
    found.push(`One trade made ${best.toFixed(2)} of the net P&L of ${Number(summary.netPnl).toFixed(2)}.`);
  }
  if (open.length > 0) {
    found.push(
      open.length === 1
        ? '1 position was still open at the end; it counts in equity, not among the trades.'
        : `${open.length} positions were still open at the end; they count in equity, not among the trades.`,
    );
  }
  const funds = skipped['insufficient-funds'] ?? 0;
  if (funds > 0) found.push(`${funds} signals found no money: the account was used up or tied up.`);
  return found;
}

function ofFees({ fees, rolloverFees, grossPnl, netPnl, trades }: Summary): string[] {
  if (trades === 0) return [];
  const [paid, gross] = [Number(add(fees, rolloverFees)), Number(grossPnl)];
  if (gross <= 0)
    return [`The trades lost ${(-gross).toFixed(2)} before fees; fees took another ${paid.toFixed(2)}.`];
  if (paid <= FEE_SHARE * gross) return [];
  const made = Number(netPnl) > 0 ? '' : ', more than all of it';
  return [`Fees took ${percent(paid / gross, 0)} of the gross profit of ${gross.toFixed(2)}${made}.`];
}

function ofSeries(series: Series): string[] {
  const found: string[] = [];
  const closes = series.kind === 'candles' ? series.prices.close : series.prices;
  let [low, high] = [Infinity, -Infinity];
  for (const price of closes) {
    low = Math.min(low, price);
    high = Math.max(high, price);
  }
  const move = (closes.at(-1) ?? 0) - (closes[0] ?? 0);
  if (Math.abs(move) > TREND_SHARE * (high - low)) {
    const way = move > 0 ? 'rose' : 'fell';
    found.push(
      `${series.symbol} ${way} by ${percent(Math.abs(move) / (closes[0] ?? 1), 1)} with little in between: one regime, which flatters or punishes one side.`,
    );
  }
  if (series.kind === 'candles') {
    const lastMs = series.timesMs.at(-1) ?? 0;
    const expected = Math.round((lastMs - (series.timesMs[0] ?? 0)) / series.intervalMs) + 1;
    const missing = expected - series.length;
    if (missing > SILENT_SHARE * expected) {
      found.push(
        `${missing} of ${expected} candles of ${series.symbol} are missing; the last close stood meanwhile.`,
      );
    }
  }
  return found;
}

function ofSpan({ fromMs, toMs }: Backtest): string[] {
  if (toMs - fromMs >= SHORT_SPAN_MS) return [];
  const days = (toMs - fromMs) / 86_400_000;
  const span = days >= 2 ? `${days.toFixed(0)} days` : `${(days * 24).toFixed(1)} hours`;
  return [`The data span ${span}: too short to have seen different markets.`];
}
