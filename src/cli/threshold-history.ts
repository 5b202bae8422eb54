import { unitOf } from '../domain/learning/unit-range.ts';
import { THRESHOLD_NAMES, type Thresholds } from '../domain/thresholds.ts';
import type { ThresholdVersionRow } from '../../db/entities/learning.ts';
import { colors } from './render.ts';

/** Every version in at most 80 columns: its figures, why it was accepted or refused, what moved and what pulled. */

const WIDTH = 80;
const INDENT = '      ';
const WIDTHS = [5, 6, 8, 8, 8, 8, 9, 11] as const;
const HEAD = ['ver', 'trades', 'seen', 'after', 'unseen', 'after', 'verdict', 'at'];
const SHOWN = 3;
/** A space at which no line ends. */
const TOGETHER = '\u00a0';
/** A slope within so many of its standard errors is noise, and not shown. */
const NOISE_FACTOR = 2;
const NOTE = [
  '* in use',
  'seen, unseen: growth per signal in basis points, before and after',
  'the step, on the trades it learned from and the third that judged it;',
  'slopes: the same per whole range of the threshold, the steepest first',
];

export function thresholdHistory(versions: readonly ThresholdVersionRow[]): string {
  const known = new Map(versions.map((row) => [row.version, row]));
  const parentOf = ({ parentVersion }: ThresholdVersionRow) => known.get(parentVersion ?? 0);
  return [
    colors.bold(columns(HEAD)),
    ...versions.flatMap((row) => linesOf(row, parentOf(row))),
    ...NOTE,
  ].join('\n');
}

function linesOf(version: ThresholdVersionRow, parent: ThresholdVersionRow | undefined): string[] {
  const { seenBefore, seenAfter, unseenBefore, unseenAfter } = version;
  const figures = columns([
    `${version.version}${version.active ? '*' : ''}`,
    String(version.trades),
    ...[seenBefore, seenAfter, unseenBefore, unseenAfter].map(growth),
    version.accepted ? 'accepted' : 'refused',
    day(version.createdAt),
  ]);
  const moves = parent ? largestMoves(parent.thresholds, version.thresholds) : '';
  const slopes = largestSlopes(version);
  return [
    figures,
    ...wrapped(version.why),
    ...(moves === '' ? [] : wrapped(`${version.accepted ? 'moved' : 'tried'}: ${moves}`)),
    ...(slopes === '' ? [] : wrapped(`slopes: ${slopes}`)),
  ];
}

/** The thresholds that moved furthest within their bounds. */
function largestMoves(from: Thresholds, to: Thresholds): string {
  const [start, end] = [unitOf(from), unitOf(to)];
  const moved = THRESHOLD_NAMES.filter((name) => figure(from[name]) !== figure(to[name])).sort(
    (left, right) => Math.abs(end[right] - start[right]) - Math.abs(end[left] - start[left]),
  );
  const told = moved
    .slice(0, SHOWN)
    .map((name) => `${name}${TOGETHER}${figure(from[name])}→${figure(to[name])}`);
  const more = moved.length - told.length;
  return `${told.join(', ')}${more > 0 ? ` (${more} more)` : ''}`;
}

function figure(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function columns(cells: readonly string[]): string {
  return cells
    .map((cell, index) => cell.padEnd(WIDTHS[index] ?? 0))
    .join(' ')
    .trimEnd();
}

function largestSlopes({ gradient, gradientNoise }: ThresholdVersionRow): string {
  return THRESHOLD_NAMES.map((name) => ({
    name,
    slope: gradient[name] ?? 0,
    noise: gradientNoise?.[name] ?? 0,
  }))
    .filter(({ slope, noise }) => Math.abs(slope) > NOISE_FACTOR * noise)
    .sort((left, right) => Math.abs(right.slope) - Math.abs(left.slope))
    .slice(0, SHOWN)
    .map(({ name, slope }) => `${name}${TOGETHER}${slope > 0 ? '+' : ''}${growth(slope)}`)
    .join(', ');
}

/** In basis points. */
function growth(value: number | null): string {
  return value === null ? '' : (value * 1e4).toFixed(2);
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
  return [...lines, line.trimEnd()].map((each) => each.replaceAll(TOGETHER, ' '));
}
