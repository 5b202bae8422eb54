import type { StormReport } from './report.ts';

const MOST_CASES = 20;
const COLUMNS = 80;

/** The verdict for people. */
export function summary(report: StormReport): string {
  const { seed, trades, orders, faultsInAll, steps, ends, findings, durationMs, cases } = report;
  const wrong = Object.entries(cases).filter(([, each]) => each.length > 0);
  return [
    ...wrapped(
      `storm ${seed}: ${trades} trades (${inWords(ends)}), ${orders} orders accepted, in ${seconds(durationMs)}`,
    ),
    ...wrapped(
      `${faultsInAll} faults, at ${steps.struck} of ${steps.of} steps of a trade: ${inWords(report.faults)}`,
    ),
    ...table('without evaluation', report.unwatchedMs),
    ...report.longGaps
      .slice(0, MOST_CASES)
      .flatMap(({ positionId, fromMs, untilMs, cause }) =>
        wrapped(`  ${positionId} from ${clock(fromMs)} for ${seconds(untilMs - fromMs)}: ${cause}`),
      ),
    ...table('until all watched again', report.recoveryMs),
    ...wrapped(`findings that wait for a person: ${inWords(findings)}`),
    ...wrapped(
      wrong.length === 0
        ? `all ${Object.keys(cases).length} invariants hold`
        : `BROKEN: ${inWords(Object.fromEntries(wrong.map(([name, each]) => [name, each.length])))}`,
    ),
    ...wrong.flatMap(([name, each]) => [
      `${name}:`,
      ...each.slice(0, MOST_CASES).map((one) => `  ${one}`),
      ...(each.length > MOST_CASES ? [`  and ${each.length - MOST_CASES} more`] : []),
    ]),
  ].join('\n');
}

/** Lines that fit a terminal; those after the first are indented. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= COLUMNS)
      lines.splice(-1, 1, `${last} ${word}`);
    else lines.push(last === undefined ? word : `  ${word}`);
  }
  return lines;
}

function inWords(counts: Readonly<Record<string, number>>): string {
  const words = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  return words.length === 0 ? 'none' : words.join(', ');
}

function table(title: string, rows: StormReport['recoveryMs']): string[] {
  return [
    `${title.padEnd(24)} ${'n'.padStart(5)} ${'median'.padStart(9)} ${'p99'.padStart(9)} ${'longest'.padStart(9)}`,
    ...Object.entries(rows).map(
      ([name, { n, p50, p99, max }]) =>
        `  ${name.padEnd(22)} ${String(n).padStart(5)} ${[p50, p99, max].map((ms) => seconds(ms).padStart(9)).join(' ')}`,
    ),
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function clock(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19);
}
