import type { Third } from './thirds.ts';

/** Log growth per signal, before and after the step, on the trades it learned from and on those it did not see. */
export interface StepObjective {
  readonly seenBefore: number;
  readonly seenAfter: number;
  readonly unseenBefore: number;
  readonly unseenAfter: number;
}

/**
 * A step is adopted only if it does no worse on the unseen third, on the newest one, and on the trades it learned
 * from: what momentum alone would do is no reason.
 */
export function verdict(
  violations: readonly string[],
  third: Third,
  { seenBefore, seenAfter, unseenBefore, unseenAfter }: StepObjective,
  onNewest: () => { readonly before: number; readonly after: number },
): { accepted: boolean; why: string } {
  if (violations.length > 0) return { accepted: false, why: violations.join('; ') };
  if (seenAfter < seenBefore) {
    return { accepted: false, why: `worse on the trades it learned from: ${change(seenBefore, seenAfter)}` };
  }
  const unseen = `unseen trades${third === 'newest' ? '' : ` (${third} third)`}: ${change(unseenBefore, unseenAfter)}`;
  if (unseenAfter < unseenBefore) return { accepted: false, why: `worse on ${unseen}` };
  const { before, after } = onNewest();
  if (after < before) return { accepted: false, why: `worse on the newest trades: ${change(before, after)}` };
  return { accepted: true, why: `no worse on ${unseen}` };
}

function change(before: number, after: number): string {
  const basisPoints = (growth: number) => (growth * 10_000).toFixed(2);
  return `${basisPoints(before)} to ${basisPoints(after)} basis points a signal`;
}
