import type { Study } from './study.ts';

/**
 * The studies, oldest first, without those that are replayed as a rival of another: a trade that got the capital of
 * another position counts there, where it depends on thresholds whether that position gives way.
 */
export function countedOnce(ordered: readonly Study[]): Study[] {
  const rivals = new Set<string>();
  return ordered.filter((study) => {
    if (rivals.has(study.outcome?.tradeId ?? study.id)) return false;
    for (const { id } of study.rivals) rivals.add(id);
    return true;
  });
}
