import type { PositionView } from '../views/position-view.ts';
import { colors, duration, signed, table } from './render.ts';

/** A mark older than this is told as such; a feed that works gives several a second. */
const OLD_MARK_MS = 10_000;

/** A headline and a line of particulars for each position, within 80 columns. */
export function positionLines(views: readonly PositionView[], nowMs: number): string {
  const [head = '', ...rows] = table(
    ['symbol', 'side', 'quantity', 'entry', 'mark', 'return', 'P&L'],
    views.map((view) => [
      view.symbol,
      view.side,
      view.quantity,
      view.entryPrice,
      view.markPrice,
      `${signed(view.returnPct.toFixed(2))}%`,
      signed(Number(view.realizedPnl ?? view.unrealizedPnl)),
    ]),
  ).split('\n');
  return [head, ...views.flatMap((view, index) => [rows[index] ?? '', particulars(view, nowMs)])].join('\n');
}

function particulars(view: PositionView, nowMs: number): string {
  const mark = oldMark(view);
  const held = duration((view.closedAtMs ?? nowMs) - view.openedAtMs);
  return `  ${colors.dim(view.positionId)}  ${view.stage} ${held}, ${ending(view)}${mark === null ? '' : `\n  ${mark}`}`;
}

function ending(view: PositionView): string {
  if (view.exitRule !== null) return `by ${view.exitRule}`;
  if (view.exitsBelow === null || view.exitsAbove === null) return colors.yellow('exits not yet known');
  return `exits <${view.exitsBelow} >${view.exitsAbove}`;
}

/** Null while the mark is fresh. */
export function oldMark({ status, markAgeMs }: PositionView): string | null {
  if (status === 'closed') return null;
  if (markAgeMs === null) return colors.yellow('no mark seen yet: the price shown is the entry price');
  return markAgeMs > OLD_MARK_MS ? colors.yellow(`the mark is ${duration(markAgeMs)} old`) : null;
}
