import { createRandom, type Random } from '../../../src/domain/random.ts';
import type { Side } from '../../../src/domain/position.ts';
import { FAIL_POINTS, type FailPoint } from './fail-points.ts';

/** What a storm does, drawn from its seed before it begins. Pure. */

export type Link = 'temporal' | 'postgres' | 'exchange';

/**
 * How a way is lost. `silent`: nothing gets through and nobody is told; what was on its way arrives at the healing.
 * `no-answers`: only what comes back is held up. `reset`: connections end as soon as they are made.
 */
export type Cut = 'silent' | 'no-answers' | 'reset';

export interface PlannedTrade {
  readonly tradeId: string;
  readonly symbol: string;
  readonly side: Side;
  /** Quote currency. */
  readonly notional: string;
  /** Of a limit entry: its distance to the quote as a fraction; negative would fill at once. */
  readonly limitOffset: number | null;
  /** When somebody demands its exit, ms after it was opened; null leaves it to the policy. */
  readonly exitAfterMs: number | null;
}

/** Workers are numbered from 0. */
export type Fault =
  | { readonly kind: 'worker-kill'; readonly worker: number; readonly downMs: number }
  | { readonly kind: 'worker-freeze'; readonly worker: number; readonly forMs: number }
  | { readonly kind: 'kill-at-step'; readonly point: FailPoint }
  | { readonly kind: 'freeze-at-step'; readonly point: FailPoint; readonly forMs: number }
  | { readonly kind: 'temporal-kill'; readonly downMs: number }
  | { readonly kind: 'postgres-stop'; readonly downMs: number }
  | { readonly kind: 'postgres-kill'; readonly downMs: number }
  | { readonly kind: 'exchange-kill'; readonly downMs: number }
  | {
      readonly kind: `cut-${Link}`;
      readonly link: Link;
      readonly worker: number;
      readonly how: Cut;
      readonly forMs: number;
    }
  | {
      readonly kind: `slow-${Link}`;
      readonly link: Link;
      readonly worker: number;
      readonly delayMs: number;
      readonly forMs: number;
    }
  | {
      readonly kind: 'clock-offset';
      readonly worker: number;
      readonly offsetMs: number;
      readonly forMs: number;
    }
  | { readonly kind: ExchangeFault; readonly armed: Readonly<Record<string, unknown>> };

export type PlannedFault = Fault & {
  readonly id: string;
  /** It strikes once so many trades were opened. */
  readonly afterTrades: number;
};

export interface Plan {
  readonly trades: readonly PlannedTrade[];
  readonly faults: readonly PlannedFault[];
}

export interface PlanOptions {
  readonly seed: number;
  readonly trades: number;
  readonly faults: number;
  readonly workers: number;
}

/** Every kind of the paper exchange, spelled `error` by whether the call is carried out. */
export const EXCHANGE_FAULTS = [
  'drop-before',
  'drop-after',
  'reset-after',
  'http-502-after',
  'http-520-after',
  'html-200-after',
  'warning-after',
  'error-executed',
  'error-refused',
  'delay',
  'listing-lag',
  'partial-fill',
  'duplicate-frame',
  'ws-close',
  'ws-stall',
] as const;
export type ExchangeFault = (typeof EXCHANGE_FAULTS)[number];

type Maker = (random: Random, workers: number, points: () => FailPoint) => Fault;

/** Of margin pairs, so that both sides are open. */
export const SYMBOLS = ['BTC/USD', 'ETH/USD', 'SOL/USD', 'XRP/USD', 'ADA/USD', 'LTC/USD'] as const;

export function planStorm({ seed, trades, faults, workers }: PlanOptions): Plan {
  const random = createRandom(`storm-${seed}`);
  return {
    trades: Array.from({ length: trades }, (_, index) => planTrade(random, seed, index)),
    faults: planFaults(createRandom(`faults-${seed}`), { trades, faults, workers }),
  };
}

function planTrade(random: Random, seed: number, index: number): PlannedTrade {
  return {
    tradeId: `s${seed}-${index + 1}`,
    symbol: pick(random, SYMBOLS),
    side: random.uniform() < 0.4 ? 'short' : 'long',
    notional: String(100 + random.integer(400)),
    limitOffset: random.uniform() < 0.25 ? 0.001 * (random.uniform() - 0.5) : null,
    exitAfterMs: random.uniform() < 0.3 ? 500 + random.integer(15_000) : null,
  };
}

/** Dealt from a shuffled deck of all kinds, so that a storm of any size has as many kinds as it can. */
function planFaults(
  random: Random,
  { trades, faults, workers }: Omit<PlanOptions, 'seed'>,
): readonly PlannedFault[] {
  const nextMaker = dealer(random, DECK);
  const nextPoint = dealer(random, FAIL_POINTS);
  // The last tenth of the trades meets only what came before, and the calm after it.
  const span = Math.max(1, Math.floor(trades * 0.9));
  const moments = Array.from({ length: faults }, (_, index) =>
    // One in five strikes together with the one before it.
    random.uniform() < 0.2 && index > 0 ? index - 1 : index,
  );
  return moments.map((moment, index) => ({
    ...nextMaker()(random, workers, nextPoint),
    id: `fault-${index + 1}`,
    afterTrades: 1 + Math.floor((moment * span) / faults),
  }));
}

const between = (random: Random, low: number, high: number) => low + random.integer(high - low);
const anyWorker = (random: Random, workers: number) => random.integer(workers);

/** Longer than a lease one time in two. */
const freezeMs = (random: Random) =>
  random.uniform() < 0.5 ? between(random, 500, 6_000) : between(random, 11_000, 20_000);

const MAKERS = {
  workerKill: (random, workers) => ({
    kind: 'worker-kill',
    worker: anyWorker(random, workers),
    downMs: between(random, 0, 5_000),
  }),
  workerFreeze: (random, workers) => ({
    kind: 'worker-freeze',
    worker: anyWorker(random, workers),
    forMs: freezeMs(random),
  }),
  killAt: (_random, _workers, point) => ({ kind: 'kill-at-step', point: point() }),
  freezeAt: (random, _workers, point) => ({
    kind: 'freeze-at-step',
    point: point(),
    forMs: freezeMs(random),
  }),
  temporalKill: (random) => ({ kind: 'temporal-kill', downMs: between(random, 0, 8_000) }),
  postgresStop: (random) => ({ kind: 'postgres-stop', downMs: between(random, 0, 8_000) }),
  // Longer than the budget for persisting, now and then: positions are flattened then.
  postgresKill: (random) => ({ kind: 'postgres-kill', downMs: between(random, 0, 16_000) }),
  exchangeKill: (random) => ({ kind: 'exchange-kill', downMs: between(random, 0, 6_000) }),
} satisfies Record<string, Maker>;

function cutting(link: Link): Maker {
  return (random, workers) => ({
    kind: `cut-${link}`,
    link,
    worker: anyWorker(random, workers),
    how: pick(random, ['silent', 'no-answers', 'reset'] as const),
    forMs: between(random, 1_000, 15_000),
  });
}

function slowing(link: Link): Maker {
  return (random, workers) => ({
    kind: `slow-${link}`,
    link,
    worker: anyWorker(random, workers),
    delayMs: between(random, 50, 1_500),
    forMs: between(random, 3_000, 15_000),
  });
}

const clockOffset: Maker = (random, workers) => ({
  kind: 'clock-offset',
  worker: anyWorker(random, workers),
  offsetMs: (random.uniform() < 0.5 ? -1 : 1) * between(random, 200, 5_000),
  forMs: between(random, 5_000, 20_000),
});

function exchangeFault(kind: ExchangeFault): Maker {
  return (random) => ({ kind, armed: armedFault(kind, random) });
}

/** As the control side of the paper exchange takes it. */
function armedFault(kind: ExchangeFault, random: Random): Readonly<Record<string, unknown>> {
  const call = pick(random, ['AddOrder', 'AddOrder', 'AddOrder', 'QueryOrders', '*']);
  switch (kind) {
    case 'error-executed':
      return { kind: 'error', call: 'AddOrder', error: 'EService:Timeout', executed: true };
    case 'error-refused':
      return { kind: 'error', call: 'AddOrder', error: pick(random, REFUSALS) };
    case 'delay':
      return { kind, call: 'AddOrder', delayMs: pick(random, [1_500, 6_000, 15_000]) };
    case 'listing-lag':
      // Later than the look-ups are told to expect would prove nothing against anybody.
      return { kind, call: 'AddOrder', delayMs: between(random, 100, 900) };
    case 'partial-fill':
      return { kind, call: 'AddOrder', fraction: pick(random, [0.3, 0.5, 0.62]) };
    case 'duplicate-frame':
      return { kind, call: 'ticker', times: 5 };
    case 'ws-close':
      return { kind };
    case 'ws-stall':
      return { kind, delayMs: between(random, 2_000, 15_000) };
    default:
      return { kind, call };
  }
}

const REFUSALS = [
  'EOrder:Insufficient funds',
  'EGeneral:Temporary lockout',
  'EService:Unavailable',
  'EService:Busy',
  'EService:Timeout',
  'EOrder:Rate limit exceeded',
];

const LINKS: readonly Link[] = ['temporal', 'postgres', 'exchange'];

/** Each maker as often as it stands here. */
const DECK: readonly Maker[] = [
  MAKERS.workerKill,
  MAKERS.workerKill,
  MAKERS.workerFreeze,
  MAKERS.workerFreeze,
  ...Array.from({ length: 6 }, () => MAKERS.killAt),
  ...Array.from({ length: 4 }, () => MAKERS.freezeAt),
  MAKERS.temporalKill,
  MAKERS.temporalKill,
  MAKERS.postgresStop,
  MAKERS.postgresStop,
  MAKERS.postgresKill,
  MAKERS.exchangeKill,
  MAKERS.exchangeKill,
  ...LINKS.flatMap((link) => [cutting(link), slowing(link)]),
  clockOffset,
  clockOffset,
  ...EXCHANGE_FAULTS.map(exchangeFault),
];

/** Deals shuffled cards for ever; each round has every card once. */
function dealer<T>(random: Random, cards: readonly T[]): () => T {
  let left: T[] = [];
  return () => {
    if (left.length === 0) left = shuffled(random, cards);
    const [card] = left.splice(0, 1);
    if (card === undefined) throw new Error('there is nothing to deal');
    return card;
  };
}

function shuffled<T>(random: Random, cards: readonly T[]): T[] {
  return cards
    .map((card) => ({ card, key: random.uniform() }))
    .sort((left, right) => left.key - right.key)
    .map(({ card }) => card);
}

function pick<T>(random: Random, values: readonly T[]): T {
  const value = values[random.integer(values.length)];
  if (value === undefined) throw new Error('there is nothing to pick from');
  return value;
}
