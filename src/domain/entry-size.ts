import {
  add,
  compare,
  divide,
  fromRatio,
  isPositive,
  multiply,
  subtract,
  text,
  big,
  type Decimal,
} from './money.ts';
import type { Protections } from './protections.ts';
import type { RiskLimits, RiskSnapshot } from './risk.ts';
import { sizeOrder, type OrderMinimums } from './sizing.ts';

/** A scanned entry takes what the limits leave, down to the least order; an operator's is taken whole or refused. */
export interface ShrinkRules {
  /** At which the quantity is reckoned. */
  readonly price: Decimal;
  readonly minimums: OrderMinimums;
  /** Kept back from free cash for fees and slippage, a fraction of what is bought. */
  readonly costReserve: number;
}

export interface EntrySize {
  /** Base currency. */
  readonly quantity: Decimal;
  /** Quote currency. */
  readonly notional: Decimal;
}

export interface FittedSize extends EntrySize {
  /** Why it could not shrink as far as it would have to; its size is then what was wanted. */
  readonly tooLittle: string | null;
}

/** Most that one trade may take whatever else is open, quote currency; null where nothing bounds it. */
export function mostOfOneTrade(
  { maxNotional }: Pick<RiskLimits, 'maxNotional'>,
  { maxEquityShare }: Pick<Protections, 'maxEquityShare'>,
  equity: Decimal | null,
): Decimal | null {
  const share =
    maxEquityShare === null || equity === null ? null : multiply(equity, text(big(String(maxEquityShare))));
  return least(maxNotional, share);
}

/** Most that is left for one more trade, quote currency; null where nothing bounds it. */
export function mostOfWhatIsLeft(
  { maxExposure }: Pick<RiskLimits, 'maxExposure'>,
  { exposure, freeCash }: Pick<RiskSnapshot, 'exposure' | 'freeCash'>,
  { costReserve }: Pick<ShrinkRules, 'costReserve'>,
): Decimal | null {
  const room = maxExposure === null ? null : subtract(maxExposure, exposure);
  const affordable = freeCash === null ? null : divide(freeCash, add('1', fromRatio(costReserve)));
  return least(room, affordable);
}

export interface EntryBounds {
  readonly limits: Pick<RiskLimits, 'maxNotional' | 'maxExposure'>;
  readonly protections: Pick<Protections, 'maxEquityShare'>;
  /** Quote currency; null when not known. */
  readonly equity: Decimal | null;
  readonly standing: Pick<RiskSnapshot, 'exposure' | 'freeCash'>;
}

/** `wanted` is what one trade may take at most, quote currency; `fitted` as much of it as is left. Pure. */
export function fitEntry(
  asked: EntrySize,
  { limits, protections, equity, standing }: EntryBounds,
  rules: ShrinkRules,
): { readonly wanted: Decimal; readonly fitted: FittedSize } {
  const ofOne = fitSize(asked, mostOfOneTrade(limits, protections, equity), rules);
  if (ofOne.tooLittle !== null) return { wanted: asked.notional, fitted: ofOne };
  return {
    wanted: ofOne.notional,
    fitted: fitSize(ofOne, mostOfWhatIsLeft(limits, standing, rules), rules),
  };
}

/** The size that is wanted, or as much of it as is allowed. Pure. */
export function fitSize(wanted: EntrySize, most: Decimal | null, rules: ShrinkRules): FittedSize {
  if (most === null || compare(wanted.notional, most) <= 0) return { ...wanted, tooLittle: null };
  if (!isPositive(most)) return { ...wanted, tooLittle: 'nothing is left' };
  const sized = sizeOrder(rules.minimums, most, rules.price);
  if ('refusal' in sized) return { ...wanted, tooLittle: `what is left is too little: ${sized.refusal}` };
  return { ...sized, tooLittle: null };
}

function least(...amounts: readonly (Decimal | null)[]): Decimal | null {
  const bounds = amounts.filter((amount) => amount !== null);
  return bounds.reduce<Decimal | null>(
    (lowest, amount) => (lowest === null || compare(amount, lowest) < 0 ? amount : lowest),
    null,
  );
}
