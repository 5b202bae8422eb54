import { FAULT_KINDS, type FaultKind } from '../../../src/exchange/paper/faults.ts';
import type { Random } from '../../../src/domain/random.ts';
import type { FailPoint } from './fail-points.ts';
import type { Cut, Fault, Link } from './plan.ts';

/** The faults that a storm is dealt from. Pure. */

/** Makes one fault; `points` deals the steps of a trade. */
export type Maker = (random: Random, workers: number, points: () => FailPoint) => Fault;

/** Every kind of the paper exchange, `error` spelled by whether the call is carried out. */
export type ExchangeFault = Exclude<FaultKind, 'error'> | 'error-executed' | 'error-refused';
export const EXCHANGE_FAULTS: readonly ExchangeFault[] = FAULT_KINDS.flatMap((kind): ExchangeFault[] =>
  kind === 'error' ? ['error-executed', 'error-refused'] : [kind],
);

const CUTS: readonly Cut[] = ['silent', 'no-answers', 'reset'];

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
    how: pick(random, CUTS),
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
export const DECK: readonly Maker[] = [
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

/** Steps that every trade takes, so that a fault there is sure to strike. */
const TAKEN_BY_ALL: readonly FailPoint[] = [
  'reserve:after',
  'sendOrder:before',
  'sendOrder:after',
  'call-AddOrder:before',
  'call-AddOrder:after',
  'armPosition:after',
  'commit-reserve:after',
  'commit-open:before',
  'commit-open:after',
  'persistPosition:after',
];

const brief = (random: Random) => between(random, 500, 3_000);

/** Of a storm of two minutes. */
export const SHORT_DECK: readonly Maker[] = [
  ...Array.from({ length: 2 }, (): Maker => (random) => ({
    kind: 'kill-at-step',
    point: pick(random, TAKEN_BY_ALL),
  })),
  (random, workers) => ({
    kind: 'worker-freeze',
    worker: anyWorker(random, workers),
    forMs: between(random, 11_000, 14_000),
  }),
  (random) => ({ kind: 'temporal-kill', downMs: brief(random) }),
  (random) => ({ kind: 'postgres-kill', downMs: brief(random) }),
  (random) => ({ kind: 'exchange-kill', downMs: brief(random) }),
  (random, workers) => ({
    kind: 'cut-exchange',
    link: 'exchange',
    worker: anyWorker(random, workers),
    how: pick(random, CUTS),
    forMs: between(random, 3_000, 8_000),
  }),
  exchangeFault('drop-after'),
  exchangeFault('partial-fill'),
];

export function pick<T>(random: Random, values: readonly T[]): T {
  const value = values[random.integer(values.length)];
  if (value === undefined) throw new Error('there is nothing to pick from');
  return value;
}
