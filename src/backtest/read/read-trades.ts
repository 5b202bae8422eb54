import { DataError, lineError } from '../data-error.ts';
import type { TradeSeries } from '../series.ts';
import { CsvRows } from './csv-rows.ts';
import { numberAt, plainDecimal } from './number-field.ts';
import { fieldOfLine } from './read-candles.ts';
import { TIME_ALLOWED, TIME_COLUMNS, timeAt } from './times.ts';

/**
 * Trades as CSV: Kraken's download (`time,price,volume`, no header), or with a header that names time, price and
 * perhaps side (`buy` or `sell`, of the taker). Throws {@link DataError} naming the line.
 */
export function readTradesCsv(symbol: string, file: string, bytes: Uint8Array): TradeSeries {
  const rows = new CsvRows(file, bytes, (count) => {
    if (count < 2) throw new DataError(`${file} line 1: ${count} field; a trade is time,price,volume`);
    return ['time', 'price', 'volume'];
  });
  const time = rows.column(...TIME_COLUMNS);
  const price = rows.column('price');
  const side = rows.columnIfAny('side');
  const needed = Math.max(time, price, side) + 1;
  const times: number[] = [];
  const prices: number[] = [];
  const takers: number[] = [];
  const starts: number[] = [];
  let before = -Infinity;
  while (rows.advance()) {
    const wrong = (what: string) => lineError(file, rows.line, what);
    if (rows.fields < needed) throw wrong(`${rows.fields} fields, at least ${needed} are needed`);
    const timeMs = timeAt(bytes, rows.from(time), rows.to(time));
    if (Number.isNaN(timeMs)) throw wrong(`time "${rows.text(time)}" can't be read; ${TIME_ALLOWED}`);
    if (timeMs < before)
      throw wrong(`time ${timeMs} ms is earlier than that of the row above; trades must be in order`);
    const paid = numberAt(bytes, rows.from(price), rows.to(price));
    if (!(paid > 0)) throw wrong(`price "${rows.text(price)}" is not a price above 0`);
    before = timeMs;
    times.push(timeMs);
    prices.push(paid);
    takers.push(side < 0 ? 0 : takerOf(rows, side));
    starts.push(rows.from(0));
  }
  if (times.length === 0) throw new DataError(`${file} holds no trade`);
  return {
    kind: 'trades',
    symbol,
    file,
    length: times.length,
    timesMs: Float64Array.from(times),
    prices: Float64Array.from(prices),
    takers: Int8Array.from(takers),
    price: (row) => plainDecimal(fieldOfLine(bytes, starts[row] ?? 0, price)),
  };
}

function takerOf(rows: CsvRows, side: number): 1 | -1 {
  const written = rows.text(side).toLowerCase();
  if (written === 'buy' || written === 'b') return 1;
  if (written === 'sell' || written === 's') return -1;
  throw lineError(rows.file, rows.line, `side "${written}" is neither buy nor sell`);
}
