import { percent } from './percent.ts';

/** What people are told of, most urgent first. `test` is what an operator asks for. */
export const ALERT_KINDS = [
  'emergency',
  'persistence-failed',
  'halt',
  'finding',
  'feed-stale',
  'closed',
  'opened',
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

export const DESTINATIONS = ['webhook', 'telegram', 'discord'] as const;
export type Destination = (typeof DESTINATIONS)[number];

/** One thing to tell. Its id is the same whoever notices it, so that nobody is told twice. */
export interface Alert {
  readonly id: string;
  readonly kind: AlertKind | 'test';
  readonly atMs: number;
  /** One line for people. */
  readonly text: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

export type AlertFacts = Omit<Alert, 'text'>;

/** How much fits into one message. */
export interface Capacity {
  readonly alerts: number;
  readonly characters: number;
}

/** Programs get one alert at a time; a chat gets as many as its service takes in one message. */
export const CAPACITY: Readonly<Record<Destination, Capacity>> = {
  webhook: { alerts: 1, characters: Infinity },
  telegram: { alerts: 50, characters: 3_800 },
  discord: { alerts: 50, characters: 1_800 },
};

/** Longer texts are cut: no alert is more than this, characters. */
const LONGEST_TEXT = 600;
const URGENCY: readonly Alert['kind'][] = ['test', ...ALERT_KINDS];

export function withText(alert: AlertFacts): Alert {
  const text = describe(alert).replaceAll(/\s+/g, ' ').trim();
  return { ...alert, text: text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT - 1)}…` : text };
}

/**
 * The next message out of what waits: the most urgent first, within a kind the oldest, as many as fit, and at
 * least one.
 */
export function nextMessage(
  waiting: readonly Alert[],
  capacity: Capacity,
): { message: Alert[]; rest: Alert[] } {
  const byUrgency = [...waiting].sort(
    (left, right) => URGENCY.indexOf(left.kind) - URGENCY.indexOf(right.kind) || left.atMs - right.atMs,
  );
  let fitting = 0;
  let characters = 0;
  for (const { text } of byUrgency) {
    characters += text.length + 1;
    if (fitting > 0 && (fitting >= capacity.alerts || characters > capacity.characters)) break;
    fitting += 1;
  }
  return { message: byUrgency.slice(0, fitting), rest: byUrgency.slice(fitting) };
}

/** Keeps the most urgent `limit`, of the same urgency the newest; what is left out is only counted. */
export function keepMostUrgent(waiting: readonly Alert[], limit: number): { kept: Alert[]; leftOut: number } {
  if (waiting.length <= limit) return { kept: [...waiting], leftOut: 0 };
  const kept = [...waiting]
    .sort((left, right) => URGENCY.indexOf(left.kind) - URGENCY.indexOf(right.kind) || right.atMs - left.atMs)
    .slice(0, limit);
  return { kept, leftOut: waiting.length - limit };
}

function describe({ kind, facts }: AlertFacts): string {
  const fact = (name: string) => shown(facts[name]);
  const position = `${fact('side')} ${fact('symbol')}`;
  const whichOne = `(${fact('positionId')})`;
  switch (kind) {
    case 'opened':
      return `Opened ${position}: ${fact('quantity')} at ${fact('entryPrice')} ${whichOne}`;
    case 'closed':
      return `Closed ${position} by ${fact('exitReason')} at ${fact('exitPrice')}: ${signed(fact('netPnl'))} net of fees ${whichOne}`;
    case 'emergency':
      return `EMERGENCY STOP: ${position} exits${emergencyDetail(facts)} ${whichOne}`;
    case 'persistence-failed':
      return persistence(facts, position, whichOne);
    case 'halt':
      return facts.ended === true
        ? `RESUMED by ${fact('endedBy')}: entries are taken again (halted for: ${fact('reason')})`
        : `HALTED by ${fact('actor')}: ${fact('reason')}; no entry is taken until holdfast resume${facts.flatten === true ? '; every position exits' : ''}`;
    case 'finding':
      return finding(facts, fact);
    case 'feed-stale':
      return facts.over === true
        ? `No position waits for a fresh mark any more on worker ${fact('workerId')}`
        : `NO FRESH MARK of ${fact('symbols')} for ${fact('ageSeconds')} s on worker ${fact('workerId')}: ${fact('positions')} positions can't be judged`;
    case 'test':
      return `Test alert of Holdfast, asked for by ${fact('actor')}`;
  }
}

function emergencyDetail({ mark, returnFraction, exitPrice, netPnl }: Alert['facts']): string {
  const at = mark ?? exitPrice;
  return [
    at === undefined ? '' : ` at ${shown(at)}`,
    typeof returnFraction === 'number' ? `, return ${percent(returnFraction)}` : '',
    netPnl === undefined ? '' : `: ${signed(shown(netPnl))} net of fees`,
  ].join('');
}

function persistence(facts: Alert['facts'], position: string, whichOne: string): string {
  if (facts.flattened === true || facts.exitReason !== undefined)
    return `NOT PERSISTED: ${position} was flattened, the database did not take it in time ${whichOne}`;
  return `NOT PERSISTED YET: the database refuses ${position} (${shown(facts.why)}); it is guarded, and flattened if that goes on ${whichOne}`;
}

function finding({ status, action }: Alert['facts'], fact: (name: string) => string): string {
  const what = `${fact('finding')} ${fact('subject')}`;
  if (status === 'settled') return `Finding settled: ${what}: ${shown(action)}`;
  if (status === 'human') return `FINDING NEEDS A PERSON: ${what}; see holdfast reconcile`;
  return `Finding: ${what}, seen ${fact('looks')} times`;
}

function signed(amount: string): string {
  return amount.startsWith('-') ? amount : `+${amount}`;
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return '?';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
