import { createRandom, type Random } from '../../../src/domain/random.ts';
import type { Side } from '../../../src/domain/position.ts';
import { DECK, pick, SHORT_DECK, type ExchangeFault, type Maker } from './decks.ts';
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
  /** Between two trades, at least. A short storm takes its time, so that there is something to lose at each fault. */
  readonly pauseMs: number;
  readonly trades: readonly PlannedTrade[];
  readonly faults: readonly PlannedFault[];
}

export interface PlanOptions {
  readonly seed: number;
  readonly trades: number;
  /** `short`: one each of those that kill or cut, over soon; the number is then given. */
  readonly faults: number | 'short';
  readonly workers: number;
}

/** Of margin pairs, so that both sides are open. */
export const SYMBOLS = ['BTC/USD', 'ETH/USD', 'SOL/USD', 'XRP/USD', 'ADA/USD', 'LTC/USD'] as const;

export function planStorm({ seed, trades, faults, workers }: PlanOptions): Plan {
  const random = createRandom(`storm-${seed}`);
  return {
    pauseMs: faults === 'short' ? 1_500 : 250,
    trades: Array.from({ length: trades }, (_, index) => planTrade(random, seed, index)),
    faults:
      faults === 'short'
        ? planFaults(createRandom(`short-${seed}`), SHORT_DECK, {
            trades,
            faults: SHORT_DECK.length,
            workers,
          })
        : planFaults(createRandom(`faults-${seed}`), DECK, { trades, faults, workers }),
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
  deck: readonly Maker[],
  { trades, faults, workers }: { trades: number; faults: number; workers: number },
): readonly PlannedFault[] {
  const nextMaker = dealer(random, deck);
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
