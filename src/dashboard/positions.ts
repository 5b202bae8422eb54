import type { ThresholdVersionRow } from '../../db/entities/learning.ts';
import type { LearningStore } from '../../db/repositories/learning.ts';
import type {
  LedgerReader,
  PositionFilter,
  PositionView as RecordedPosition,
} from '../../db/repositories/reader.ts';
import { minHoldEndsMs } from '../domain/exit-policy.ts';
import { positionView, type PositionView } from '../views/position-view.ts';
import { within } from './answers.ts';
import type { Stages } from './stages.ts';

/** A position as the dashboard shows it. */
export interface DashboardPosition extends PositionView {
  /** When the minimum hold ends (or ended); null where the pinned thresholds are not known. */
  readonly minHoldEndsAtMs: number | null;
}

export interface Positions {
  list(filter: PositionFilter): Promise<DashboardPosition[]>;
  /** By position id or trade id. */
  one(id: string): Promise<DashboardPosition | null>;
  view(row: RecordedPosition): Promise<DashboardPosition>;
}

const STAGES_WITHIN_MS = 1_000;

export interface PositionsDependencies {
  readonly reader: () => Promise<Pick<LedgerReader, 'positions' | 'position'>>;
  readonly learning: () => Promise<Pick<LearningStore, 'versions'>>;
  readonly stages: Stages;
  /** Times life, as the workers run it. */
  readonly timeScale: number;
  readonly now: () => number;
}

export function createPositions(dependencies: PositionsDependencies): Positions {
  const { reader, learning, stages, timeScale, now } = dependencies;
  const versions = new Map<number, ThresholdVersionRow>();

  async function views(rows: readonly RecordedPosition[]): Promise<DashboardPosition[]> {
    if (rows.some(({ status, thresholdsVersion }) => status === 'open' && !versions.has(thresholdsVersion))) {
      // A version never changes once it is published.
      for (const row of await (await learning()).versions()) versions.set(row.version, row);
    }
    const nowMs = now();
    return rows.map((row) => {
      const pinned = versions.get(row.thresholdsVersion);
      const policy = pinned && { version: pinned.version, thresholds: pinned.thresholds, timeScale };
      return {
        ...positionView(row, { stage: stages.of(row.tradeId), nowMs }),
        minHoldEndsAtMs: policy ? Math.round(minHoldEndsMs({ openedAtMs: row.entryTime }, policy)) : null,
      };
    });
  }

  const view = async (row: RecordedPosition) => {
    const [only] = await views([row]);
    if (!only) throw new RangeError('one row makes one view');
    return only;
  };

  return {
    async list(filter) {
      if (filter.status !== 'closed') await freshStages(stages);
      return views(await (await reader()).positions(filter));
    },
    async one(id) {
      const row = await (await reader()).position(id);
      return row && view(row);
    },
    view,
  };
}

/** Stages are worth a short wait, never the page. */
async function freshStages(stages: Stages): Promise<void> {
  await within(STAGES_WITHIN_MS, 'Temporal', stages.refresh()).catch(() => undefined);
}
