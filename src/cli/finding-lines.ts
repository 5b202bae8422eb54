import type { FindingRow } from '../../db/entities/oversight.ts';
import type { TradeHistory } from '../../db/repositories/reader.ts';
import { seenWords, toDoWords } from './finding-words.ts';
import { colors, time } from './render.ts';

/** Findings that are about a trade: its id, its position or its entry order. */
export function findingsAbout(
  findings: readonly FindingRow[],
  tradeId: string,
  history: TradeHistory | null,
): FindingRow[] {
  const positionId = history?.position?.id;
  const subjects = [tradeId, positionId, positionId?.replace(/^kraken-/, '')];
  return findings.filter(
    ({ subject, seen }) => subjects.includes(subject) || (seen.tradeId as string | undefined) === tradeId,
  );
}

/** What was seen when, and what became of it; what waits for a person says what to do. */
export function findingLines(findings: readonly FindingRow[]): string[] {
  return findings.map(({ kind, subject, seen, status, action, firstSeenAt }) => {
    const told = { kind, subject, seen: seen as Readonly<Record<string, string | boolean>> };
    const outcome =
      status === 'human'
        ? colors.red(toDoWords(told))
        : status === 'settled'
          ? `settled: ${action ?? ''}`
          : colors.yellow(status === 'acting' ? 'being settled' : 'seen, not acted on yet');
    return `  finding of ${time(firstSeenAt)}: ${seenWords(told)}; ${outcome}`;
  });
}
