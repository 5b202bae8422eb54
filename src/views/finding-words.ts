import type { FindingRow } from '../../db/entities/oversight.ts';
import type { AuditedFinding } from '../activities/reconcile.ts';

/** What a finding means and what to do about it, for somebody who has just been woken. */
export interface FindingWords {
  readonly seen: string;
  readonly now: string;
}

type Told = Pick<AuditedFinding, 'kind' | 'subject' | 'seen'>;

const SEEN: Readonly<Record<string, (told: Told) => string>> = {
  'orphan-order': ({ subject, seen }) =>
    `order ${subject} is ours (${word(seen, 'clOrdId')}) and ${word(seen, 'side') === 'buy' ? 'bought' : 'sold'} ${word(seen, 'filledQuantity')} of ${word(seen, 'symbol')}, but no position row and no workflow knows of it`,
  'unwatched-position': ({ subject, seen }) =>
    `position ${subject} (${word(seen, 'side')} ${word(seen, 'quantity')} ${word(seen, 'symbol')}) is open in the database, but no workflow watches it`,
  'row-missing': ({ subject, seen }) =>
    `trade ${word(seen, 'tradeId')} is open, but position ${subject} is missing in the database`,
  'row-differs': ({ subject, seen }) =>
    `position ${subject} is not in the database as its workflow knows it: ${word(seen, 'field')} should be ${word(seen, 'expected')} but is ${word(seen, 'actual')}`,
  'row-closed': ({ subject, seen }) =>
    `position ${subject} is closed in the database, but trade ${word(seen, 'tradeId')} is still open`,
  'stop-fired': ({ subject, seen }) =>
    `the protective stop ${word(seen, 'krakenOrderId')} of ${subject} has sold ${word(seen, 'filledQuantity')}, and trade ${word(seen, 'tradeId')} does not know yet`,
  'stop-gone': ({ subject, seen }) =>
    `the protective stop ${word(seen, 'krakenOrderId')} of ${subject} rests no more: somebody cancelled it`,
  'stop-refused': ({ subject, seen }) =>
    `the exchange refuses a protective stop for ${subject}: ${word(seen, 'why')}`,
  'flat-on-exchange': ({ subject, seen }) =>
    `${subject} is open here, but the exchange holds only ${word(seen, 'held')} of ${word(seen, 'expected')}`,
  'quantity-differs': ({ subject, seen }) =>
    `${subject}: the exchange holds ${word(seen, 'held')} where ${word(seen, 'expected')} should be`,
  'orphan-reservation': ({ subject }) => `capital is reserved for trade ${subject}, which doesn't exist`,
  'orphan-exit': ({ subject, seen }) =>
    `exit order ${subject} (${word(seen, 'symbol')}) is ours and rests, but no trade follows it`,
  'foreign-order': ({ subject, seen }) =>
    `order ${subject} (${word(seen, 'side')} ${word(seen, 'symbol')}) was not placed by Holdfast`,
  'foreign-balance': ({ subject, seen }) =>
    `the account holds ${word(seen, 'surplus')} ${subject} more than Holdfast's positions need`,
  'exit-refused': ({ subject, seen }) => `the exchange refuses to close ${subject}: ${word(seen, 'why')}`,
  'refused-study': ({ subject, seen }) => `learning leaves ${subject} out: ${word(seen, 'reasons')}`,
};

const TO_DO: Readonly<Record<string, (told: Told) => string>> = {
  'orphan-order': ({ subject, seen }) =>
    `check order ${subject} and the balance at the exchange${why(seen)}; close by hand what nobody should hold`,
  'unwatched-position': ({ subject, seen }) =>
    `check the exchange for the order of ${subject}${why(seen)}; close by hand what is still held`,
  'row-missing': rowsToDo,
  'row-differs': rowsToDo,
  'row-closed': ({ seen }) =>
    `nothing is urgent, its workflow still protects it; to sell it: holdfast exit ${word(seen, 'tradeId')} (a row that is closed stays as it is)`,
  'stop-fired': ({ seen }) =>
    `check what is left of it at the exchange${why(seen)}; exit what is still held: holdfast exit ${word(seen, 'tradeId')}`,
  'stop-gone': ({ subject, seen }) =>
    `its guard watches it all the same${why(seen)}; whether another stop rests: holdfast show ${subject}`,
  'flat-on-exchange': ({ subject, seen }) =>
    `find out who sold it (exchange, trade history)${why(seen)}; what is said to be open stays under guard: holdfast show ${positions(subject, seen)}`,
  'quantity-differs': ({ subject, seen }) =>
    `find out who moved the difference (exchange, trade history)${why(seen)}; put it back, or sell what is there: holdfast exit ${positions(subject, seen)}`,
  'orphan-reservation': ({ seen }) =>
    `it only keeps capital from new entries${why(seen)}; does the database take writes? holdfast check`,
  'orphan-exit': ({ subject }) => `cancel order ${subject} at the exchange if the position is closed`,
  'stop-refused': ({ subject }) =>
    `its guard watches it all the same; check balance and open orders at the exchange, so that ${subject} is protected while nothing of ours runs`,
  'exit-refused': ({ subject }) =>
    `check balance and trading state at the exchange; Holdfast keeps trying: holdfast show ${subject}`,
};

/** Of a finding in a report of one run. */
export function findingWords(finding: AuditedFinding): FindingWords {
  return { seen: seenWords(finding), now: actionWords(finding) };
}

export function seenWords(told: Told): string {
  return SEEN[told.kind]?.(told) ?? `${told.kind}: ${told.subject}`;
}

export function toDoWords(told: Told): string {
  return `needs you: ${TO_DO[told.kind]?.(told) ?? `look at ${told.subject}`}`;
}

/** Of a finding's row: what became of it, or what a person has to do. */
export function outcomeWords({ kind, subject, seen, status, action }: FindingRow): string {
  const told = { kind, subject, seen } as Told;
  switch (status) {
    case 'human':
      return toDoWords(action === null ? told : { ...told, seen: { ...told.seen, why: action } });
    case 'settled':
      return `settled: ${action ?? ''}`;
    case 'acting':
      return 'being settled';
    case 'seen':
      return kind.startsWith('foreign-') ? NOT_OURS : 'seen, not acted on yet';
  }
}

const NOT_OURS = 'not ours: reported, never touched';

function actionWords(finding: AuditedFinding): string {
  switch (finding.action) {
    case 'settled':
      return `settled: ${finding.done ?? ''}${proofWords(finding.proof)}`;
    case 'settling':
      return 'being settled; look again in a minute: holdfast reconcile';
    case 'failed':
      return `not settled (${finding.done ?? 'unknown'}); it is tried again every minute`;
    case 'report':
      return NOT_OURS;
    case 'human':
      return finding.done === null
        ? toDoWords(finding)
        : toDoWords({ ...finding, seen: { ...finding.seen, why: finding.done } });
    case 'waiting':
      return 'too young to be judged: probably under way';
    case 'seen':
      return 'seen once; acted on when it is seen again';
  }
}

/** `; trade-x, position kraken-O…`: where to look. */
function proofWords(proof: AuditedFinding['proof']): string {
  const places = ['workflowId', 'positionId', 'verified', 'orders'].flatMap((name) => {
    const value = proof?.[name];
    if (typeof value === 'string') return [value];
    return Array.isArray(value) ? value.map(String) : [];
  });
  return places.length === 0 ? '' : ` (${places.join(', ')})`;
}

function word(seen: Told['seen'], name: string): string {
  const value = seen[name];
  return value === undefined ? '?' : String(value);
}

/** What keeps rows from being repaired is most often the database. */
function rowsToDo({ subject, seen }: Told): string {
  return `the position is guarded all the same, but its rows are wrong${why(seen)}; does the database take writes? holdfast check; then: holdfast show ${subject}`;
}

/** Ids, separated by spaces: a shortage may be of several positions of an asset. */
function positions(subject: string, seen: Told['seen']): string {
  return seen.positions === undefined ? subject : String(seen.positions);
}

function why(seen: Told['seen']): string {
  return seen.why === undefined ? '' : `: ${String(seen.why)}`;
}
