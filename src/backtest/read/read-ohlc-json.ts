import { z } from 'zod';
import { DataError } from '../data-error.ts';
import type { CandleField, CandleSeries } from '../series.ts';
import { CandleColumns } from './candle-columns.ts';
import { plainDecimal } from './number-field.ts';
import { epochMs } from './times.ts';

const price = z.union([z.string(), z.number()]).transform(String);
const row = z.tuple([z.number(), price, price, price, price]).rest(z.unknown());
const result = z.record(z.string(), z.union([z.array(row), z.union([z.string(), z.number()])]));
const reply = z.object({ error: z.array(z.string()), result: result.optional() });

/**
 * Kraken's OHLC reply as it was saved. The newest row is a candle that is still running: `last` names the newest
 * finished one, and what comes after it is left out. Throws {@link DataError} naming the row.
 */
export function readOhlcJson(
  symbol: string,
  file: string,
  written: string,
  intervalMs: number | null,
): CandleSeries {
  const { rows, last } = ohlcRows(file, written);
  const candles = new CandleColumns(file);
  const kept = rows.filter(([time]) => last === null || time <= last);
  for (const [index, [time, ...prices]] of kept.entries()) {
    const numbers = prices.slice(0, 4).map((value) => toNumber(String(value)));
    candles.add(index + 1, epochMs(time), numbers, (field) => String(field < 0 ? time : prices[field]));
  }
  return candles.finish(symbol, (index, field) => plainDecimal(priceOf(kept[index], field)), intervalMs);
}

function priceOf(candle: z.output<typeof row> | undefined, field: CandleField): string {
  const [, open = '', high = '', low = '', close = ''] = candle ?? [];
  return { open, high, low, close }[field];
}

function toNumber(written: string): number {
  return /^\d+(\.\d+)?(e-?\d+)?$/i.test(written) ? Number(written) : NaN;
}

function ohlcRows(file: string, written: string): { rows: z.output<typeof row>[]; last: number | null } {
  let json: unknown;
  try {
    json = JSON.parse(written);
  } catch (error) {
    throw new DataError(`${file} is no JSON: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
  const parsed = reply.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new DataError(
      `${file} is no OHLC reply of Kraken: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
    );
  }
  const { error, result: found } = parsed.data;
  if (error.length > 0)
    throw new DataError(`${file} holds an error of Kraken instead of candles: ${error.join(', ')}`);
  const lists = Object.values(found ?? {}).filter((value) => Array.isArray(value));
  const [rows] = lists;
  if (!rows || lists.length > 1)
    throw new DataError(`${file} holds ${lists.length} lists of candles, 1 is allowed`);
  const last = found?.last;
  return { rows, last: last === undefined || Array.isArray(last) ? null : Number(last) };
}
