import type { FindingRow } from '../../db/entities/oversight.ts';
import type { TradeHistory } from '../../db/repositories/reader.ts';
import { outcomeWords, seenWords } from '../views/finding-words.ts';
import { colors, time } from './render.ts';

const COLOUR: Readonly<Record<FindingRow['status'], (text: string) => string>> = {
  human: colors.red,
  settled: (text) => text,
  acting: colors.yellow,
  seen: colors.yellow,
};

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
  return findings.map((finding) => {
    const { kind, subject, seen, status, firstSeenAt } = finding;
    const told = { kind, subject, seen: seen as Readonly<Record<string, string | boolean>> };
    return `  finding of ${time(firstSeenAt)}: ${seenWords(told)}; ${COLOUR[status](outcomeWords(finding))}`;
  });
}
