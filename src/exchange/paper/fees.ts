import { compare, multiply, roundHalfUp, type Decimal } from '../../domain/money.ts';
import type { Pair } from './pairs.ts';

/** 30-day volume in USD from which a row counts, then taker and maker fee in percent. */
type FeeRow = readonly [volume: number, taker: number, maker: number];

const SPOT: readonly FeeRow[] = [
  [0, 0.4, 0.25],
  [10_000, 0.35, 0.2],
  [50_000, 0.24, 0.14],
  [100_000, 0.22, 0.12],
  [250_000, 0.2, 0.1],
  [500_000, 0.18, 0.08],
  [1_000_000, 0.16, 0.06],
  [2_500_000, 0.14, 0.04],
  [5_000_000, 0.12, 0.02],
  [10_000_000, 0.1, 0],
];

const STABLE: readonly FeeRow[] = [
  [0, 0.2, 0.2],
  [50_000, 0.16, 0.16],
  [100_000, 0.12, 0.12],
  [250_000, 0.08, 0.08],
  [500_000, 0.04, 0.04],
  [1_000_000, 0.02, 0.02],
  [10_000_000, 0.001, 0.001],
];

/** Opening a margin position costs this share of what is borrowed, and so does every four hours of it. */
export const MARGIN_FEE: Decimal = '0.0002';
export const ROLLOVER_MS = 4 * 3_600_000;

export function feeSchedule(pair: Pair): readonly FeeRow[] {
  return pair.stable ? STABLE : SPOT;
}

function feeRow(pair: Pair, volumeUsd: Decimal): FeeRow {
  let found: FeeRow = [0, 0.4, 0.25];
  const rough = Number(volumeUsd);
  for (const row of feeSchedule(pair)) {
    const [from] = row;
    // Reading a decimal as a float64 never swaps the order of two numbers, it can only make near ones equal.
    if (rough < from || (rough === from && compare(volumeUsd, String(from)) < 0)) break;
    found = row;
  }
  return found;
}

/** Percent of cost, by 30-day volume in USD. */
export function feePercent(pair: Pair, volumeUsd: Decimal, maker: boolean): Decimal {
  const [, takerFee, makerFee] = feeRow(pair, volumeUsd);
  return String(maker ? makerFee : takerFee);
}

/** Fee of a fill in quote units, half-up at the pair's cost decimals. */
export function feeOf(pair: Pair, cost: Decimal, percent: Decimal): Decimal {
  return roundHalfUp(multiply(cost, multiply(percent, '0.01')), pair.costDecimals);
}
