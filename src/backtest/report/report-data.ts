import { THRESHOLD_NAMES } from '../../domain/thresholds.ts';
import type { Backtest } from '../result.ts';
import type { Series } from '../series.ts';

/** Prices that a chart is drawn with. */
const MOST_PRICES = 1_500;
/** Trades marked on a price chart: more would hide it. */
const MOST_MARKED = 2_000;

/** What the charts of the page are drawn from. Times in seconds, as uPlot has them; floats are for the eye only. */
export function reportData(series: readonly Series[], result: Backtest) {
  const { equity, fromMs, toMs } = result;
  let peak = 0;
  const changes = result.thresholds.filter(({ accepted }) => accepted);
  return {
    equity: {
      times: equity.map(({ timeMs }) => timeMs / 1000),
      equity: equity.map((point) => Number(point.equity)),
      drawdown: equity.map((point) => {
        peak = Math.max(peak, Number(point.equity));
        return Number((Number(point.equity) / peak - 1).toFixed(6));
      }),
      exposure: equity.map((point) => Number((Number(point.exposure) / Number(point.equity)).toFixed(6))),
    },
    prices: series.map((one) => ({ ...priceColumns(one, fromMs, toMs), trades: marked(one.symbol, result) })),
    thresholdTimes: [...changes.map(({ timeMs }) => timeMs / 1000), toMs / 1000],
    thresholds: THRESHOLD_NAMES.map((name) => {
      const values = changes.map(({ thresholds }) => thresholds[name]);
      return [...values, values.at(-1) ?? null];
    }),
  };
}

function priceColumns(series: Series, fromMs: number, toMs: number) {
  const closes = series.kind === 'candles' ? series.prices.close : series.prices;
  const rows: number[] = [];
  const within = (row: number) => {
    const timeMs = series.timesMs[row] ?? 0;
    return timeMs >= fromMs && timeMs <= toMs;
  };
  for (let row = 0; row < series.length; row += 1) if (within(row)) rows.push(row);
  const every = Math.max(1, Math.ceil(rows.length / MOST_PRICES));
  const kept = rows.filter((_row, index) => index % every === 0 || index === rows.length - 1);
  return {
    times: kept.map((row) => (series.timesMs[row] ?? 0) / 1000),
    closes: kept.map((row) => closes[row] ?? null),
  };
}

function marked(symbol: string, { trades, open }: Backtest) {
  const closed = trades
    .filter((trade) => trade.symbol === symbol)
    .map((trade) => ({
      isLong: trade.side === 'long',
      entryTime: trade.entryTimeMs / 1000,
      entryPrice: Number(trade.entryPrice),
      exitTime: trade.exitTimeMs / 1000,
      exitPrice: Number(trade.exitPrice),
      won: Number(trade.netPnl) > 0,
    }));
  const still = open
    .filter((trade) => trade.symbol === symbol)
    .map((trade) => ({
      isLong: trade.side === 'long',
      entryTime: trade.entryTimeMs / 1000,
      entryPrice: Number(trade.entryPrice),
      exitTime: null,
      exitPrice: null,
      won: false,
    }));
  return [...closed.slice(-MOST_MARKED), ...still];
}
