import { compare, type Decimal } from '../../domain/money.ts';

/**
 * Same answer as `compare`, at a fraction of its cost: reading a decimal as a float64 never swaps the order of two
 * numbers, it can only make near ones equal, and then the decimals decide. For loops over many resting orders.
 */
export function order(left: Decimal, right: Decimal): -1 | 0 | 1 {
  const [leftFloat, rightFloat] = [Number(left), Number(right)];
  if (leftFloat < rightFloat) return -1;
  return leftFloat > rightFloat ? 1 : compare(left, right);
}
