import { createRandom } from '../../../src/domain/random.ts';
import { findPair } from '../../../src/exchange/paper/pairs.ts';
import type { PaperControl } from '../../support/paper-control.ts';
import { SYMBOLS } from './plan.ts';

const STEP_EVERY_MS = 600;
/** Of one step: enough for stops and profits within seconds, not enough for a margin call. */
const STEP_DEVIATION = 0.003;
/** Share of the way back to where it began that each step goes. */
const PULL = 0.01;
const SPREAD = 0.0002;

/** Prices that walk at random, set by hand so that they survive every restart of the exchange. */
export class StormMarket {
  readonly #control: PaperControl;
  readonly #random;
  /** Log of the price over its start. */
  readonly #walks = new Map<string, number>(SYMBOLS.map((symbol) => [symbol, 0]));
  #timer: NodeJS.Timeout | null = null;

  constructor(control: PaperControl, seed: number) {
    this.#control = control;
    this.#random = createRandom(`market-${seed}`);
  }

  /** The first quotes stand when it resolves. */
  async start(): Promise<void> {
    for (const symbol of SYMBOLS) await this.#quote(symbol);
    this.#timer = setInterval(() => this.#step(), STEP_EVERY_MS);
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
  }

  /** A price at that distance from the middle, rounded as the pair wants it. */
  price(symbol: string, offset: number): string {
    const pair = findPair(symbol);
    if (!pair) throw new Error(`${symbol} is not listed`);
    const middle = Number(pair.startPrice) * Math.exp(this.#walks.get(symbol) ?? 0);
    return (middle * (1 + offset)).toFixed(pair.priceDecimals);
  }

  #step(): void {
    for (const [symbol, walk] of this.#walks) {
      this.#walks.set(symbol, walk * (1 - PULL) + STEP_DEVIATION * this.#random.normal());
      // An exchange that is down misses a step; the next one tells the price.
      this.#quote(symbol).catch(() => undefined);
    }
  }

  async #quote(symbol: string): Promise<void> {
    await this.#control.price(symbol, this.price(symbol, -SPREAD / 2), this.price(symbol, SPREAD / 2));
  }
}
