import { createHash } from 'node:crypto';
import type { FindingStore } from '../../db/repositories/findings.ts';
import type { Logger } from '../logging.ts';

export interface RefusalDependencies {
  readonly findings: Pick<FindingStore, 'raise' | 'settle'>;
  readonly now: () => number;
  readonly log: Logger;
}

/** Says that learning leaves something out, and why. Nothing is left for a person to do, so it is settled at once. */
export type Refuse = (subject: string, reasons: readonly string[]) => Promise<void>;

const KIND = 'refused-study';
const LONGEST_SUBJECT = 200;
const MOST_REASONS = 20;

export function createRefusals({ findings, now, log }: RefusalDependencies): Refuse {
  return async (subject, reasons) => {
    const seen = { reasons: reasons.slice(0, MOST_REASONS) };
    const id = `${KIND}:${subject}`;
    await findings.raise({ id, kind: KIND, subject, seen, status: 'seen', nowMs: now() });
    await findings.settle(id, 'left out of learning', seen, now());
    log.warn({ event: 'finding', kind: KIND, subject, ...seen }, `learning refuses ${subject}`);
  };
}

/** Of something that claims to be an outcome: its position, or a name made of what it is. */
export function subjectOf(value: unknown): string {
  const claimed = (value as { positionId?: unknown } | null | undefined)?.positionId;
  if (typeof claimed === 'string' && claimed !== '') return claimed.slice(0, LONGEST_SUBJECT);
  const digest = createHash('sha256').update(JSON.stringify(value)).digest('hex');
  return `signal-${digest.slice(0, 12)}`;
}
