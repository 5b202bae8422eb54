import { DataError, lineError } from '../data-error.ts';
import type { CandleField, CandleSeries } from '../series.ts';
import { CandleColumns } from './candle-columns.ts';
import { CsvRows } from './csv-rows.ts';
import { fieldText, numberAt, plainDecimal } from './number-field.ts';
import { TIME_COLUMNS, timeAt } from './times.ts';

const FIELDS: readonly CandleField[] = ['open', 'high', 'low', 'close'];

/**
 * Candles as CSV: Kraken's download (`time,open,high,low,close,vwap?,volume,count?`, no header), or with a header
 * that names time, open, high, low and close. Throws {@link DataError} naming the line.
 */
export function readCandlesCsv(
  symbol: string,
  file: string,
  bytes: Uint8Array,
  intervalMs: number | null,
): CandleSeries {
  const rows = new CsvRows(file, bytes, (count) => {
    if (count < 5)
      throw new DataError(`${file} line 1: ${count} fields; a candle is time,open,high,low,close,…`);
    return ['time', ...FIELDS];
  });
  const time = rows.column(...TIME_COLUMNS);
  const columns = FIELDS.map((name) => rows.column(name));
  const needed = Math.max(time, ...columns) + 1;
  const candles = new CandleColumns(file);
  const starts = new Uint32Array(rowsAtMost(bytes));
  const prices = [0, 0, 0, 0];
  const written = (field: number) => rows.text(field < 0 ? time : (columns[field] ?? 0));
  while (rows.advance()) {
    if (rows.fields < needed)
      throw lineError(file, rows.line, `${rows.fields} fields, at least ${needed} are needed`);
    for (let field = 0; field < 4; field += 1) {
      const column = columns[field] ?? 0;
      prices[field] = numberAt(bytes, rows.from(column), rows.to(column));
    }
    candles.add(rows.line, timeAt(bytes, rows.from(time), rows.to(time)), prices, written);
    starts[candles.length - 1] = rows.from(0);
  }
  return candles.finish(
    symbol,
    (row, field) => plainDecimal(fieldOfLine(bytes, starts[row] ?? 0, columns[FIELDS.indexOf(field)] ?? 0)),
    intervalMs,
  );
}

/** A candle with its line end takes ten bytes at the least. */
function rowsAtMost(bytes: Uint8Array): number {
  return Math.ceil(bytes.length / 10) + 1;
}

/** The text of a field of the line that begins at `start`. */
export function fieldOfLine(bytes: Uint8Array, start: number, field: number): string {
  let from = start;
  for (let skipped = 0; skipped < field; from += 1) if (bytes[from] === 44) skipped += 1;
  let to = from;
  while (to < bytes.length && bytes[to] !== 44 && bytes[to] !== 10 && bytes[to] !== 13) to += 1;
  return fieldText(bytes, from, to);
}
