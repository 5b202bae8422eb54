import { isDeepStrictEqual } from 'node:util';
import type { DashboardPosition } from './positions.ts';

/** What the market and the trade move in an open position; all else is sent once. */
const MOVING = [
  'stage',
  'quantity',
  'markPrice',
  'unrealizedPnl',
  'returnPct',
  'bestPrice',
  'exitsBelow',
  'exitsAbove',
  'fees',
  'minHoldEndsAtMs',
  'ruleNow',
  'prediction',
] as const;

/** The age of a mark moves all the time; it is worth a message only in steps. */
const AGE_STEP_MS = 5_000;

export type PositionChange = Partial<DashboardPosition> & Pick<DashboardPosition, 'positionId'>;

export interface PositionChanges {
  /** Whole for new positions, else what moved. */
  readonly positions: readonly PositionChange[];
  readonly removed: readonly string[];
  /** New since `before`; none where there was no `before`. */
  readonly opened: readonly DashboardPosition[];
}

export function changesBetween(
  before: ReadonlyMap<string, DashboardPosition> | null,
  after: ReadonlyMap<string, DashboardPosition>,
): PositionChanges {
  const opened: DashboardPosition[] = [];
  const positions: PositionChange[] = [];
  for (const [id, position] of after) {
    const earlier = before?.get(id);
    if (!earlier) {
      positions.push(position);
      if (before) opened.push(position);
    } else {
      const moved = movedPart(earlier, position);
      if (moved) positions.push(moved);
    }
  }
  const removed = before ? [...before.keys()].filter((id) => !after.has(id)) : [];
  return { positions, removed, opened };
}

function movedPart(earlier: DashboardPosition, later: DashboardPosition): PositionChange | null {
  const moved = MOVING.filter((field) => !isDeepStrictEqual(earlier[field], later[field]));
  if (moved.length === 0 && ageStep(earlier) === ageStep(later)) return null;
  const { positionId, markAgeMs } = later;
  return { positionId, markAgeMs, ...Object.fromEntries(moved.map((field) => [field, later[field]])) };
}

function ageStep({ markAgeMs }: DashboardPosition): number | null {
  return markAgeMs === null ? null : Math.floor(markAgeMs / AGE_STEP_MS);
}
