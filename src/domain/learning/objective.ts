import type { Thresholds } from '../thresholds.ts';
import { replay, type PreparedStudy } from './replay.ts';

export interface Objective {
  /** Expected log growth per signal, net of fees; 0 without studies. */
  readonly growth: number;
  /** Mean of the absolute log growth: the scale on which a gradient is large or small. */
  readonly scale: number;
  /** Marks walked. */
  readonly marks: number;
}

/** E[log(1 + f·u)] over the signals, the ones not taken included. */
export function objective(studies: readonly PreparedStudy[], thresholds: Thresholds): Objective {
  let growth = 0;
  let scale = 0;
  let marks = 0;
  for (const study of studies) {
    const replayed = replay(study, thresholds);
    growth += replayed.logGrowth;
    scale += Math.abs(replayed.logGrowth);
    marks += replayed.marks;
  }
  const count = Math.max(1, studies.length);
  return { growth: growth / count, scale: scale / count, marks };
}
