import { THRESHOLD_NAMES } from '../domain/thresholds.ts';
import type { ThresholdVersionRow } from '../../db/entities/learning.ts';
import { colors } from './render.ts';

/** Every version in at most 80 columns: its figures, why it was accepted or refused, and where the slopes pointed. */

const WIDTH = 80;
const INDENT = '      ';
const WIDTHS = [5, 6, 9, 9, 9, 9, 9, 11] as const;
const HEAD = ['ver', 'trades', 'seen', 'after', 'unseen', 'after', 'verdict', 'at'];
const SLOPES_SHOWN = 3;
const NOTE = 'seen, unseen: log growth per signal before and after the step; * in use';

export function thresholdHistory(versions: readonly ThresholdVersionRow[]): string {
  return [colors.bold(columns(HEAD)), ...versions.flatMap(linesOf), NOTE].join('\n');
}

function linesOf(version: ThresholdVersionRow): string[] {
  const { seenBefore, seenAfter, unseenBefore, unseenAfter } = version;
  const figures = columns([
    `${version.version}${version.active ? '*' : ''}`,
    String(version.trades),
    ...[seenBefore, seenAfter, unseenBefore, unseenAfter].map(growth),
    version.accepted ? 'accepted' : 'refused',
    day(version.createdAt),
  ]);
  const slopes = largestSlopes(version.gradient);
  return [figures, ...wrapped(version.why), ...(slopes === '' ? [] : wrapped(`slopes: ${slopes}`))];
}

function columns(cells: readonly string[]): string {
  return cells
    .map((cell, index) => cell.padEnd(WIDTHS[index] ?? 0))
    .join(' ')
    .trimEnd();
}

/** The steepest slopes, log growth per unit range of the threshold. */
function largestSlopes(gradient: Readonly<Record<string, number>>): string {
  return THRESHOLD_NAMES.map((name) => ({ name, slope: gradient[name] ?? 0 }))
    .filter(({ slope }) => slope !== 0)
    .sort((left, right) => Math.abs(right.slope) - Math.abs(left.slope))
    .slice(0, SLOPES_SHOWN)
    .map(({ name, slope }) => `${name} ${slope > 0 ? '+' : ''}${slope.toExponential(1)}`)
    .join(', ');
}

function growth(value: number | null): string {
  return value === null ? '' : value.toExponential(1);
}

/** `01-31 14:05`, local time. */
function day(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = INDENT;
  for (const word of text.split(' ')) {
    if (line.length + word.length > WIDTH && line.trim() !== '') {
      lines.push(line.trimEnd());
      line = INDENT;
    }
    line += `${word.slice(0, WIDTH - INDENT.length)} `;
  }
  return [...lines, line.trimEnd()];
}
