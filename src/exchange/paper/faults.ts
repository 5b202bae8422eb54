import { findPair } from './pairs.ts';

export const FAULT_KINDS = [
  'drop-before',
  'drop-after',
  'reset-after',
  'http-502-after',
  'http-520-after',
  'html-200-after',
  'warning-after',
  'error',
  'delay',
  'listing-lag',
  'partial-fill',
  'duplicate-frame',
  'ws-close',
  'ws-stall',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  readonly kind: FaultKind;
  /** Name of the endpoint, WebSocket method or channel it hits; `*` is any. */
  readonly call: string;
  /** Id of the only pair it hits; null hits calls for any pair. */
  readonly pair: string | null;
  /** How often it still strikes. */
  times: number;
  readonly delayMs: number;
  /** Of a partial fill: share of the volume that fills. */
  readonly fraction: number;
  /** Of an error: Kraken's string. */
  readonly error: string;
  /** Of an error: the call is carried out all the same. */
  readonly executed: boolean;
}

export interface FaultRequest {
  readonly call?: unknown;
  readonly pair?: unknown;
  readonly kind?: unknown;
  readonly times?: unknown;
  readonly delayMs?: unknown;
  readonly fraction?: unknown;
  readonly error?: unknown;
  readonly executed?: unknown;
}

const DEFAULT_DELAY_MS: Readonly<Partial<Record<FaultKind, number>>> = {
  delay: 5_000,
  'listing-lag': 5_000,
  'ws-stall': 30_000,
};

/** What is armed. Each call asks for the kinds that concern it; a fault that strikes counts down. */
export class Faults {
  #armed: Fault[] = [];

  /** Throws `RangeError` naming the field, its value and what is allowed. */
  arm(request: FaultRequest): Fault {
    const kind = FAULT_KINDS.find((known) => known === request.kind);
    if (!kind)
      throw new RangeError(`kind must be one of ${FAULT_KINDS.join(', ')}; got ${show(request.kind)}`);
    const call = request.call ?? '*';
    if (typeof call !== 'string' || call === '')
      throw new RangeError(`call must be a name or *; got ${show(call)}`);
    const error = request.error ?? 'EService:Timeout';
    if (typeof error !== 'string') throw new RangeError(`error must be text; got ${show(error)}`);
    const fault: Fault = {
      kind,
      call,
      pair: pairId(request.pair),
      times: wholeNumber('times', request.times, 1),
      delayMs: wholeNumber('delayMs', request.delayMs, DEFAULT_DELAY_MS[kind] ?? 0),
      fraction: share(request.fraction),
      error,
      executed: request.executed === true,
    };
    this.#armed.push(fault);
    return fault;
  }

  clear(): void {
    this.#armed = [];
  }

  disarm(fault: Fault): void {
    this.#armed = this.#armed.filter((armed) => armed !== fault);
  }

  armed(): readonly Fault[] {
    return this.#armed.map((fault) => ({ ...fault }));
  }

  /** Strikes with the oldest armed fault of these kinds for the call, if there is one. */
  strike(call: string, ...kinds: readonly FaultKind[]): Fault | null {
    return this.strikeFor({ call, pair: undefined }, ...kinds);
  }

  /** The same for a call that names a pair, in any spelling. */
  strikeFor(
    { call, pair }: { readonly call: string; readonly pair: string | undefined },
    ...kinds: readonly FaultKind[]
  ): Fault | null {
    const found = this.#armed.find(
      (fault) =>
        kinds.includes(fault.kind) &&
        (fault.call === '*' || sameCall(fault.call, call)) &&
        (fault.pair === null || fault.pair === findPair(pair ?? '')?.id),
    );
    if (!found) return null;
    found.times -= 1;
    if (found.times <= 0) this.#armed = this.#armed.filter((fault) => fault !== found);
    return found;
  }
}

/** `AddOrder` and `add_order` are one call. */
function sameCall(left: string, right: string): boolean {
  const plain = (name: string) => name.replaceAll('_', '').toLowerCase();
  return plain(left) === plain(right);
}

function pairId(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  const pair = typeof value === 'string' ? findPair(value) : undefined;
  if (!pair) throw new RangeError(`pair must be a listed pair such as BTC/USD; got ${show(value)}`);
  return pair.id;
}

function wholeNumber(field: string, value: unknown, fallback: number): number {
  const number = value ?? fallback;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0) {
    throw new RangeError(`${field} must be a whole number of 0 or more; got ${show(number)}`);
  }
  return number;
}

function share(value: unknown): number {
  const fraction = value ?? 0.5;
  if (typeof fraction !== 'number' || !(fraction >= 0 && fraction <= 1)) {
    throw new RangeError(`fraction must be a number from 0 to 1; got ${show(fraction)}`);
  }
  return fraction;
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
