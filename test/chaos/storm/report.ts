import { tradeWorkflowId } from '../../../src/workflows/trade-id.ts';
import { POSITION_PERSISTENCE_FAILED } from '../../../src/workflows/persist.ts';
import type { Evidence } from './evidence.ts';
import type { Violations } from './invariants.ts';
import { FAIL_POINTS } from './fail-points.ts';
import type { Plan } from './plan.ts';
import type { TemporalKind } from './servers.ts';
import type { StormOptions } from './storm.ts';
import type { Strike } from './strikes.ts';
import { spread, type Exposure, type Gap, type WatchLog } from './watch.ts';

/** The end of a lease, and 5 s. */
const LONG_GAP_MS = 15_000;

type Counts = Readonly<Record<string, number>>;
type Spread = ReturnType<typeof spread>;

/** The last line of a storm. Times in ms. */
export interface StormReport {
  readonly seed: number;
  readonly trades: number;
  readonly temporal: TemporalKind;
  readonly broken: string | null;
  /** Of those that really struck, by kind. */
  readonly faults: Counts;
  readonly faultsInAll: number;
  /** Steps of a trade at which a worker died or stood still, of all that there are. */
  readonly steps: { readonly struck: number; readonly of: number };
  /** Each must be 0. */
  readonly invariants: Counts;
  /** What trades came to. */
  readonly ends: Counts;
  readonly orders: number;
  /** For how long open positions had no evaluation, by what it is put down to. */
  readonly unwatchedMs: Readonly<Record<string, Spread>>;
  /** From a fault until every position that was open then was watched again. */
  readonly recoveryMs: Readonly<Record<string, Spread>>;
  /** By kind, those that wait for a person. */
  readonly findings: Counts;
  readonly durationMs: number;
  /** What is wrong, for people. */
  readonly cases: Violations;
  /** Which positions went longest without an evaluation, longer than a lost worker explains; for people. */
  readonly longGaps: readonly Gap[];
}

export function report(from: {
  readonly options: StormOptions;
  readonly plan: Plan;
  readonly strikes: readonly Strike[];
  readonly ends: ReadonlyMap<string, string>;
  readonly violations: Violations;
  readonly exposures: readonly Exposure[];
  readonly watch: WatchLog;
  readonly evidence: Evidence;
  readonly startedMs: number;
  readonly stormOverMs: number;
}): StormReport {
  const { options, plan, strikes, ends, violations, exposures, watch, evidence } = from;
  const points = new Set(strikes.flatMap(({ point }) => (point === null ? [] : [point])));
  const compensated = new Set(
    evidence.workflows
      .filter(({ failure }) => failure === POSITION_PERSISTENCE_FAILED)
      .map(({ workflowId }) => workflowId),
  );
  const gaps = watch.gaps(exposures, strikes);
  return {
    seed: options.seed,
    trades: plan.trades.length,
    temporal: options.temporal,
    broken: options.broken,
    faults: countBy(strikes, ({ kind }) => kind),
    faultsInAll: strikes.length,
    steps: { struck: points.size, of: FAIL_POINTS.length },
    invariants: Object.fromEntries(Object.entries(violations).map(([name, cases]) => [name, cases.length])),
    ends: countBy([...ends], ([tradeId, end]) =>
      compensated.has(tradeWorkflowId(tradeId)) ? 'compensated' : end,
    ),
    orders: evidence.orders.filter(({ accepted }) => accepted).length,
    unwatchedMs: spreadBy(
      gaps,
      ({ cause }) => cause,
      ({ fromMs, untilMs }) => untilMs - fromMs,
    ),
    recoveryMs: spreadBy(
      strikes,
      ({ kind }) => kind,
      (strike) => watch.recoveryMs(strike, exposures),
    ),
    findings: countBy(
      evidence.rows.findings.filter(({ status }) => status === 'human'),
      ({ kind }) => kind,
    ),
    durationMs: Date.now() - from.startedMs,
    cases: violations,
    longGaps: gaps
      .filter(({ fromMs, untilMs }) => untilMs - fromMs > LONG_GAP_MS)
      .toSorted((left, right) => right.untilMs - right.fromMs - (left.untilMs - left.fromMs)),
  };
}

function countBy<T>(values: readonly T[], name: (value: T) => string): Counts {
  return mapBy(values, name, ({ length }) => length);
}

function spreadBy<T>(values: readonly T[], name: (value: T) => string, time: (value: T) => number) {
  return mapBy(values, name, (each) => spread(each.map(time)));
}

function mapBy<T, R>(values: readonly T[], name: (value: T) => string, make: (each: readonly T[]) => R) {
  const groups = new Map<string, T[]>();
  for (const value of values) groups.set(name(value), [...(groups.get(name(value)) ?? []), value]);
  const sorted = [...groups].sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(sorted.map(([key, each]) => [key, make(each)]));
}
