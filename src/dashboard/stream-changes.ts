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
] as const;

/** The age of a mark moves all the time; it is worth a message only in steps. */
const AGE_STEP_MS = 5_000;

export type PositionChange = Partial<DashboardPosition> & Pick<DashboardPosition, 'positionId'>;

export interface PositionChanges {
  /** Whole for new positions, else the moving fields. */
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
    } else if (hasMoved(earlier, position)) {
      positions.push(movingPart(position));
    }
  }
  const removed = before ? [...before.keys()].filter((id) => !after.has(id)) : [];
  return { positions, removed, opened };
}

function hasMoved(earlier: DashboardPosition, later: DashboardPosition): boolean {
  return MOVING.some((field) => earlier[field] !== later[field]) || ageStep(earlier) !== ageStep(later);
}

function movingPart(position: DashboardPosition): PositionChange {
  const { positionId, markAgeMs } = position;
  return { positionId, markAgeMs, ...Object.fromEntries(MOVING.map((field) => [field, position[field]])) };
}

function ageStep({ markAgeMs }: DashboardPosition): number | null {
  return markAgeMs === null ? null : Math.floor(markAgeMs / AGE_STEP_MS);
}
