import {
  add,
  compare,
  divide,
  isPositive,
  multiply,
  roundDown,
  roundHalfUp,
  subtract,
  text,
  big,
  type Decimal,
} from '../../domain/money.ts';
import type { OrderSide } from '../../domain/position.ts';
import { order } from './decimal-order.ts';
import type { Pair } from './pairs.ts';
import { nameSeed, noise } from './random.ts';

/** One price of the book; quantity in base units. */
export interface Level {
  readonly price: Decimal;
  readonly quantity: Decimal;
}

/** Levels are made while they are walked: most orders end at the first. */
export interface Book {
  /** Best first: highest price. */
  readonly bids: Iterable<Level>;
  /** Best first: lowest price. */
  readonly asks: Iterable<Level>;
}

export interface TopOfBook {
  readonly bid: Decimal;
  readonly ask: Decimal;
}

/** Notional of the best level, in units of the pair's least cost: about 2,500 to 12,500 USD for USD pairs. */
const LEAST_LEVEL = 5_000;
const LEVEL_RANGE = 20_000;
/** Widest gap between two levels, as a fraction of the price. */
const WIDEST_GAP = 0.0001;

/** Levels a side has at most. */
const DEEPEST = 1_000;

/**
 * The book that surrounds the best prices, a pure function of them, the seed and the pair.
 * Orders do not use it up: what was taken is there again for the next order.
 */
export function buildBook(pair: Pair, top: TopOfBook, seed: number): Book {
  return { bids: new Levels(pair, top.bid, -1, seed), asks: new Levels(pair, top.ask, 1, seed) };
}

class Levels implements Iterable<Level> {
  readonly #pair: Pair;
  readonly #best: Decimal;
  readonly #direction: 1 | -1;
  readonly #seed: number;

  constructor(pair: Pair, best: Decimal, direction: 1 | -1, seed: number) {
    this.#pair = pair;
    this.#best = best;
    this.#direction = direction;
    this.#seed = seed;
  }

  [Symbol.iterator](): Iterator<Level, void> {
    return levels(this.#pair, this.#best, this.#direction, this.#seed);
  }
}

/** The first `depth` levels of a side. */
export function firstLevels(side: Iterable<Level>, depth: number): readonly Level[] {
  const found: Level[] = [];
  for (const level of side) {
    if (found.length >= depth) break;
    found.push(level);
  }
  return found;
}

function* levels(pair: Pair, best: Decimal, direction: 1 | -1, seed: number): Generator<Level, void> {
  const pairSeed = nameSeed(pair.id);
  const widestGap = Math.max(1, Math.floor((Number(best) * WIDEST_GAP) / Number(pair.tickSize)));
  let ticksAway = 0;
  for (let index = 0; index < DEEPEST; index += 1) {
    const price = add(best, ticksAway === 0 ? '0' : multiply(pair.tickSize, String(direction * ticksAway)));
    if (!isPositive(price)) return;
    const share = noise(seed, pairSeed, direction, index);
    const leastCosts = Math.floor((LEAST_LEVEL + LEVEL_RANGE * share) * (1 + index / 10));
    const quantity = roundDown(
      divide(multiply(pair.costMinimum, String(leastCosts)), price),
      pair.lotDecimals,
    );
    yield { price, quantity };
    ticksAway += 1 + Math.floor(noise(seed, pairSeed, direction, index, 7) * widestGap);
  }
}

export interface Take {
  readonly fills: readonly Level[];
  /** What the levels within the limit could not give, base units. */
  readonly missing: Decimal;
}

/**
 * Takes up to `quantity` from the levels of the other side, best first, no worse than `limit`.
 * Pure; the levels stay as they are.
 */
export function take(side: OrderSide, quantity: Decimal, limit: Decimal | null, book: Book): Take {
  const fills: Level[] = [];
  let missing = quantity;
  for (const level of side === 'buy' ? book.asks : book.bids) {
    if (!isPositive(missing)) break;
    if (limit !== null && worse(side, level.price, limit)) break;
    const part = compare(missing, level.quantity) <= 0 ? missing : level.quantity;
    fills.push({ price: level.price, quantity: part });
    missing = subtract(missing, part);
  }
  return { fills, missing };
}

/** Base units that `cost` (quote units) buys or sells, walking the book; rounded down to the lot. */
export function quantityForCost(side: OrderSide, cost: Decimal, book: Book, pair: Pair): Decimal {
  let left = cost;
  let quantity = '0';
  for (const level of side === 'buy' ? book.asks : book.bids) {
    const whole = multiply(level.price, level.quantity);
    if (compare(left, whole) <= 0)
      return roundDown(add(quantity, divide(left, level.price)), pair.lotDecimals);
    left = subtract(left, whole);
    quantity = add(quantity, level.quantity);
  }
  return roundDown(quantity, pair.lotDecimals);
}

/** Cost of a fill, at the pair's cost decimals. */
export function costOf(pair: Pair, price: Decimal, quantity: Decimal): Decimal {
  return roundHalfUp(multiply(price, quantity), pair.costDecimals);
}

/** Whether `price` is worse for the side than `limit`. */
export function worse(side: OrderSide, price: Decimal, limit: Decimal): boolean {
  return side === 'buy' ? order(price, limit) > 0 : order(price, limit) < 0;
}

/** Halfway between best bid and ask, on a tick, rounded down. */
export function midPrice(pair: Pair, top: TopOfBook): Decimal {
  return roundDown(text(big(top.bid).plus(big(top.ask)).div(big('2'))), pair.priceDecimals);
}
