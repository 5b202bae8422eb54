import type { StormReport } from './report.ts';

const MOST_CASES = 20;

/** The verdict for people. */
export function summary(report: StormReport): string {
  const { seed, trades, orders, faultsInAll, steps, ends, findings, durationMs, cases } = report;
  const wrong = Object.entries(cases).filter(([, each]) => each.length > 0);
  return [
    `storm ${seed}: ${trades} trades (${inWords(ends)}), ${orders} orders accepted, in ${seconds(durationMs)}`,
    `${faultsInAll} faults: ${inWords(report.faults)}; ${steps.struck} of ${steps.of} steps of a trade`,
    ...table('without evaluation', report.unwatchedMs),
    ...table('until all watched again', report.recoveryMs),
    `findings that wait for a person: ${inWords(findings)}`,
    wrong.length === 0
      ? `all ${Object.keys(cases).length} invariants hold`
      : `BROKEN: ${inWords(Object.fromEntries(wrong.map(([name, each]) => [name, each.length])))}`,
    ...wrong.flatMap(([name, each]) => [
      `${name}:`,
      ...each.slice(0, MOST_CASES).map((one) => `  ${one}`),
      ...(each.length > MOST_CASES ? [`  and ${each.length - MOST_CASES} more`] : []),
    ]),
  ].join('\n');
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
