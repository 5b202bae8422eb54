import { stripVTControlCharacters } from 'node:util';
import type { LogLine } from '../embedded/node-child.ts';
import { clock, colors, signed } from './render.ts';

/** A live line per trade event, told from the workers' structured logs. */

type Teller = (line: LogLine) => string;

const text = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';

const TELLERS: Readonly<Record<string, Teller>> = {
  signal: (line) =>
    `signal     ${text(line.side)} ${text(line.symbol)}, confidence ${Number(line.confidence).toFixed(2)}`,
  rejected: (line) => colors.yellow(text(line.msg)),
  'order-accepted': (line) => `order      ${text(line.krakenOrderId)} accepted (${text(line.leg)})`,
  'order-unknown': (line) => colors.yellow(`order      outcome unknown (${text(line.leg)}); looking it up`),
  opened: (line) =>
    colors.cyan(
      `opened     ${text(line.side)} ${text(line.quantity)} ${text(line.symbol)} at ${text(line.entryPrice)}, records verified`,
    ),
  guarded: (line) => `guarded    ${text(line.msg)}`,
  'exit-decided': (line) => `decided    ${text(line.rule)} at ${text(line.mark)}`,
  closed: (line) =>
    `closed     ${text(line.side)} ${text(line.symbol)} at ${text(line.exitPrice)} by ${text(line.exitRule)}, P&L ${signed(Number(line.realizedPnL))} net of fees`,
  studied: (line) => colors.dim(text(line.msg)),
  thresholds: (line) => colors.magenta(`thresholds ${text(line.msg)}`),
  'persistence-failed': (line) => colors.red(text(line.msg)),
  'guard-lost': (line) => colors.yellow(text(line.msg)),
  finding: (line) => colors.red(text(line.msg)),
  'tape-ended': () =>
    colors.bold('The tape has ended. Open positions stay open and under guard; Ctrl-C stops.'),
};

/** Where a width is given, the ids are left out of a line that would be wider. */
export function tradeEventLine(line: LogLine, width = Infinity): string | null {
  const { event } = line;
  const tell = typeof event === 'string' ? TELLERS[event] : undefined;
  if (!tell) return null;
  const timeMs = typeof line.time === 'number' ? line.time : Date.now();
  const position = text(line.positionId ?? line.tradeId);
  const told = `${colors.dim(clock(timeMs))}  ${tell(line)}`;
  if (position === '' || stripVTControlCharacters(told).length + 2 + position.length > width) return told;
  return told + colors.dim(`  ${position}`);
}

export function isReadyLogLine(line: LogLine): boolean {
  return line.event === 'ready';
}
