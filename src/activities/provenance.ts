import type { ThresholdVersionRow } from '../../db/entities/learning.ts';

/** How a version of the thresholds came about. Objectives are log growth per signal. */
export interface Provenance {
  readonly version: number;
  readonly parentVersion: number | null;
  readonly accepted: boolean;
  readonly why: string;
  readonly trades: number;
  /** Log growth per unit range, by threshold. */
  readonly gradient: Readonly<Record<string, number>>;
  readonly seenBefore: number | null;
  readonly seenAfter: number | null;
  readonly unseenBefore: number | null;
  readonly unseenAfter: number | null;
  readonly seed: string;
  readonly createdAtMs: number;
}

export function provenance(row: ThresholdVersionRow): Provenance {
  const { version, parentVersion, accepted, why, trades, gradient, seed } = row;
  const { seenBefore, seenAfter, unseenBefore, unseenAfter } = row;
  return {
    ...{ version, parentVersion, accepted, why, trades, gradient, seed },
    ...{ seenBefore, seenAfter, unseenBefore, unseenAfter },
    createdAtMs: row.createdAt,
  };
}
