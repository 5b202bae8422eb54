import type { LearningStore } from '../../db/repositories/learning.ts';
import type {
  LedgerReader,
  PositionFilter,
  PositionView as RecordedPosition,
} from '../../db/repositories/reader.ts';
import type { SignalStore } from '../../db/repositories/signals.ts';
import { minHoldEndsMs, type Evaluation, type Policy, type Prediction } from '../domain/exit-policy.ts';
import type { Thresholds } from '../domain/thresholds.ts';
import { positionView, type PositionView } from '../views/position-view.ts';
import { predictionView, type PredictionView } from '../views/prediction-view.ts';
import { within } from './answers.ts';
import { ruleAt } from './holding.ts';
import type { Stages } from './stages.ts';

/** A position as the dashboard shows it. */
export interface DashboardPosition extends PositionView {
  /** When the minimum hold ends (or ended); null where the pinned thresholds are not known. */
  readonly minHoldEndsAtMs: number | null;
  /** The rule that holds it, or would exit it, at the mark shown; null where what it pinned is not known. */
  readonly ruleNow: Evaluation['rule'] | null;
  /** Of an open position, the newest of its symbol; null where there was none in the last day. */
  readonly prediction: PredictionView | null;
}

export interface Positions {
  list(filter: PositionFilter): Promise<DashboardPosition[]>;
  /** By position id or trade id. */
  one(id: string): Promise<DashboardPosition | null>;
  view(row: RecordedPosition): Promise<DashboardPosition>;
  /** The newest of the symbol. */
  prediction(symbol: string): Promise<Prediction | null>;
}

const STAGES_WITHIN_MS = 1_000;

export interface PositionsDependencies {
  readonly reader: () => Promise<Pick<LedgerReader, 'positions' | 'position'>>;
  readonly learning: () => Promise<Pick<LearningStore, 'versions'>>;
  readonly signals: () => Promise<Pick<SignalStore, 'latestPredictions'>>;
  readonly stages: Stages;
  /** Times life, as the workers run it. */
  readonly timeScale: number;
  readonly now: () => number;
}

export function createPositions(dependencies: PositionsDependencies): Positions {
  const { reader, learning, signals, stages, timeScale, now } = dependencies;
  const pinned = new Map<number, Thresholds>();

  async function views(rows: readonly RecordedPosition[]): Promise<DashboardPosition[]> {
    if (rows.some(({ status, thresholdsVersion }) => status === 'open' && !pinned.has(thresholdsVersion))) {
      // A version never changes once it is published.
      for (const { version, thresholds } of await (await learning()).versions())
        pinned.set(version, thresholds);
    }
    const predictions = await latest(rows.filter(({ status }) => status === 'open'));
    const nowMs = now();
    return rows.map((row) => {
      const thresholds = pinned.get(row.thresholdsVersion);
      const policy = thresholds && { version: row.thresholdsVersion, thresholds, timeScale };
      const prediction = (row.status === 'open' ? predictions.get(row.symbol) : null) ?? null;
      const view = positionView(row, { stage: stages.of(row.tradeId), nowMs });
      return {
        ...view,
        minHoldEndsAtMs: policy ? Math.round(minHoldEndsMs(view, policy)) : null,
        ruleNow: policy ? ruleOf(row, view, policy, prediction, nowMs) : null,
        prediction: policy && prediction ? predictionView(row.side, prediction, policy, nowMs) : null,
      };
    });
  }

  async function latest(open: readonly RecordedPosition[]): Promise<ReadonlyMap<string, Prediction>> {
    const symbols = [...new Set(open.map(({ symbol }) => symbol))];
    return symbols.length === 0 ? new Map() : (await signals()).latestPredictions(symbols, now());
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
    prediction: async (symbol) =>
      (await (await signals()).latestPredictions([symbol], now())).get(symbol) ?? null,
  };
}

/** From what the row keeps of its entry; an adopted position, or one from before this was kept, has no such facts. */
function ruleOf(
  { marketConditions: { volatilityScale, roundTripFee } }: RecordedPosition,
  view: PositionView,
  policy: Policy,
  prediction: Prediction | null,
  nowMs: number,
): Evaluation['rule'] | null {
  if (typeof volatilityScale !== 'number' || typeof roundTripFee !== 'number') return null;
  return ruleAt(view, { policy, volatilityScale, roundTripFee }, prediction, nowMs)?.rule ?? null;
}

/** Stages are worth a short wait, never the page. */
async function freshStages(stages: Stages): Promise<void> {
  await within(STAGES_WITHIN_MS, 'Temporal', stages.refresh()).catch(() => undefined);
}
