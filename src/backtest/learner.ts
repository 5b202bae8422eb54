import { pathOfCandles } from '../domain/learning/path.ts';
import { learningStep, NO_VELOCITY, stateAfter, type LearningState } from '../domain/learning/step.ts';
import { studyOfOutcome } from '../domain/learning/study-of-outcome.ts';
import { horizonMs, type Outcome, type Study } from '../domain/learning/study.ts';
import type { Thresholds } from '../domain/thresholds.ts';
import type { Grid } from './grid.ts';
import type { ThresholdChange } from './result.ts';

/** A step is tried each time this many more positions have been studied, as the live stack does. */
const STUDIES_PER_STEP = 5;

interface Waiting {
  readonly outcome: Outcome;
  readonly grid: Grid;
  readonly pinned: Thresholds;
  readonly knownAtMs: number;
}

/**
 * Learning while the history goes on: a closed trade is studied when its horizon is past, never earlier, and what a
 * step earns holds for the trades opened after it.
 */
export class WalkForward {
  readonly changes: ThresholdChange[] = [];
  readonly #seed: string;
  readonly #waiting: Waiting[] = [];
  readonly #studies: Study[] = [];
  readonly #known: number[] = [1];
  #state: LearningState;

  constructor(thresholds: Thresholds, seed: string) {
    this.#seed = seed;
    this.#state = { version: 1, thresholds, velocity: NO_VELOCITY };
  }

  get version(): number {
    return this.#state.version;
  }

  get thresholds(): Thresholds {
    return this.#state.thresholds;
  }

  /** When the next horizon ends; Infinity while none is waited for. */
  get nextMs(): number {
    return this.#waiting[0]?.knownAtMs ?? Infinity;
  }

  closed(outcome: Outcome, pinned: Thresholds, grid: Grid): void {
    const { entryTimeMs, exitTimeMs, timeScale } = outcome;
    const endsMs = exitTimeMs + horizonMs(exitTimeMs - entryTimeMs, timeScale);
    // The candle in which the horizon ends has to be finished.
    const waiting = { outcome, grid, pinned, knownAtMs: endsMs + grid.intervalMs };
    const later = this.#waiting.findIndex(({ knownAtMs }) => knownAtMs > waiting.knownAtMs);
    this.#waiting.splice(later < 0 ? this.#waiting.length : later, 0, waiting);
  }

  /** Studies what is known by now. */
  advance(nowMs: number): void {
    for (let next = this.#waiting[0]; next && next.knownAtMs <= nowMs; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#studies.push(study(next));
      if (this.#studies.length % STUDIES_PER_STEP === 0) this.#step(next.outcome.positionId, nowMs);
    }
  }

  #step(triggeredBy: string, nowMs: number): void {
    const step = learningStep(this.#studies, this.#state, `${this.#seed}:${triggeredBy}`, {
      knownVersions: this.#known,
    });
    this.#state = stateAfter(this.#state, step);
    if (step.accepted) this.#known.push(this.#state.version);
    this.changes.push({
      timeMs: nowMs,
      version: this.#state.version,
      accepted: step.accepted,
      why: step.why,
      thresholds: this.#state.thresholds,
    });
  }
}

function study({ outcome, grid, pinned, knownAtMs }: Waiting): Study {
  const { intervalMs, firstMs, count } = grid;
  const from = Math.floor((outcome.entryTimeMs - firstMs) / intervalMs);
  const to = Math.min(count - 1, Math.floor((knownAtMs - firstMs) / intervalMs) - 1);
  const candles = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => {
    const candle = grid.candle(from + index);
    return { ...candle, timeMs: Math.max(candle.timeMs, outcome.entryTimeMs) };
  });
  const path = pathOfCandles(outcome.side, candles, intervalMs, outcome.entryTimeMs);
  return studyOfOutcome(outcome, pinned, { path, maxStepMs: 2 * intervalMs });
}
