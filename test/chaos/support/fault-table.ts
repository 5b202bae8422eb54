/** What can go wrong with one AddOrder, and what must come of it. */
export interface OrderFault {
  readonly name: string;
  /** As armed at the paper exchange, each once, for the pair of the trade. */
  readonly faults: readonly Readonly<Record<string, unknown>>[];
  /** Whether the order that met the fault exists. */
  readonly executed: boolean;
  /** The answer is so late that the call in flight keeps others waiting. */
  readonly hangs?: boolean;
  /** On a slow machine it comes too late for the order's deadline, which then decides. */
  readonly mayLapse?: boolean;
  /** Of an entry that was given up: `rejected` by a definite refusal, else `cancelled`. */
  readonly refused?: boolean;
  /** Strikes the market stream of everybody instead of one order. */
  readonly stream?: boolean;
  /** The exchange must have turned the order away with these words. */
  readonly refusal?: string;
}

/** Longer than the adapter waits for an answer, shorter than the deadline of an order. */
const AFTER_PATIENCE_MS = 6_000;
/** Longer than the deadline of any order. */
const AFTER_DEADLINE_MS = 15_000;

export const QUICK_FAULTS: readonly OrderFault[] = [
  { name: 'reset-after', faults: [{ kind: 'reset-after' }], executed: true },
  { name: 'http-502-after', faults: [{ kind: 'http-502-after' }], executed: true },
  { name: 'http-520-after', faults: [{ kind: 'http-520-after' }], executed: true },
  { name: 'html-200-after', faults: [{ kind: 'html-200-after' }], executed: true },
  { name: 'warning-after', faults: [{ kind: 'warning-after' }], executed: true },
  {
    name: 'error EService:Timeout, executed',
    faults: [{ kind: 'error', error: 'EService:Timeout', executed: true }],
    executed: true,
  },
  {
    name: 'error EService:Timeout, not executed',
    faults: [{ kind: 'error', error: 'EService:Timeout' }],
    executed: false,
    refusal: 'EService:Timeout',
  },
  {
    name: 'an error nobody knows, executed',
    faults: [{ kind: 'error', error: 'EOrder:Duplicate order', executed: true }],
    executed: true,
  },
  {
    name: 'a definite refusal',
    faults: [{ kind: 'error', error: 'EOrder:Insufficient funds' }],
    executed: false,
    refused: true,
    refusal: 'EOrder:Insufficient funds',
  },
  { name: 'partial-fill', faults: [{ kind: 'partial-fill', fraction: 0.5 }], executed: true },
  {
    name: 'reset-after with listing-lag',
    faults: [{ kind: 'reset-after' }, { kind: 'listing-lag', delayMs: 4_000 }],
    executed: true,
  },
];

export const HANGING_FAULTS: readonly OrderFault[] = [
  { name: 'drop-before', faults: [{ kind: 'drop-before' }], executed: false, hangs: true },
  { name: 'drop-after', faults: [{ kind: 'drop-after' }], executed: true, hangs: true },
  {
    name: 'delay past the answer',
    faults: [{ kind: 'delay', delayMs: AFTER_PATIENCE_MS }],
    executed: true,
    mayLapse: true,
    hangs: true,
  },
  {
    name: 'delay past the deadline',
    faults: [{ kind: 'delay', delayMs: AFTER_DEADLINE_MS }],
    executed: false,
    hangs: true,
    refusal: 'EService:Deadline elapsed',
  },
];

/** Orders go by REST, so that these concern only exits that a mark decides. */
export const STREAM_FAULTS: readonly OrderFault[] = [
  { name: 'ws-close', faults: [{ kind: 'ws-close' }], executed: true, stream: true },
  { name: 'ws-stall', faults: [{ kind: 'ws-stall', delayMs: 30_000 }], executed: true, stream: true },
  {
    name: 'duplicate-frame',
    faults: [{ kind: 'duplicate-frame', call: 'ticker' }],
    executed: true,
    stream: true,
  },
];
