import { isDeepStrictEqual } from 'node:util';
import type { Prediction } from '../domain/exit-policy.ts';
import type { Decimal } from '../domain/money.ts';
import type { MarketFeed, Quote } from '../exchange/port.ts';
import type { Logger } from '../logging.ts';
import type { LastEvaluation } from '../workflows/messages.ts';
import { EdgeHeap } from './edge-heap.ts';
import { GuardedPosition, type ArmedTrade } from './guarded-position.ts';
import { GuardedSymbol } from './guarded-symbol.ts';

export interface HubOptions {
  readonly feed: MarketFeed;
  /** Cached per symbol and interval by its owner. */
  readonly predict: (symbol: string) => Promise<Prediction | null>;
  readonly predictionIntervalMs: number;
  /** Takes a decided position over; the hub has dropped it. Must not throw. */
  readonly decided: (trade: ArmedTrade, last: LastEvaluation) => void;
  readonly now: () => number;
  readonly log: Logger;
}

const HOUSEKEEPING_MS = 50;
/** Without a fresh mark for this long people are told. */
export const STALE_MARK_MS = 30_000;

/**
 * One worker's eye on the market: marks and predictions per symbol, and the positions it guards.
 * A mark asks the policy only about positions whose band it leaves.
 */
export class MarketHub {
  readonly #options: HubOptions;
  readonly #positions = new Map<string, GuardedPosition>();
  readonly #bySymbol = new Map<string, GuardedSymbol>();
  readonly #byTime = new EdgeHeap<GuardedPosition>();
  readonly #quotes = new Map<string, Quote>();
  readonly #predictions = new Map<string, Prediction | null>();
  readonly #asking = new Map<string, Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  /** Number of the interval whose predictions were asked for. */
  #interval: number;
  #evaluations = 0;

  constructor(options: HubOptions) {
    this.#options = options;
    options.feed.onQuote((quote) => this.#onQuote(quote));
    this.#interval = this.#intervalNow();
    this.#timer = setInterval(() => this.#checkTimes(), HOUSEKEEPING_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  get evaluations(): number {
    return this.#evaluations;
  }

  /** Idempotent by position; a repeated arm keeps the better of the known best prices. */
  async arm(trade: ArmedTrade): Promise<LastEvaluation | null> {
    const known = this.#positions.get(trade.positionId);
    if (known && isSameArming(known.trade, trade)) return known.last;
    if (known) this.disarm(trade.positionId);
    const guarded = new GuardedPosition(trade);
    this.#positions.set(trade.positionId, guarded);
    this.#place(guarded);
    this.#options.feed.subscribe([trade.symbol]);
    if (!this.#predictions.has(trade.symbol)) await this.#refreshPrediction(trade.symbol);
    this.#evaluateNow(guarded);
    return guarded.last;
  }

  disarm(positionId: string): void {
    const guarded = this.#positions.get(positionId);
    if (!guarded) return;
    this.#positions.delete(positionId);
    const { symbol } = guarded.trade;
    const peers = this.#bySymbol.get(symbol);
    peers?.remove(guarded);
    this.#byTime.remove(guarded.end);
    this.#options.feed.unsubscribe([symbol]);
    if (peers?.size !== 0) return;
    this.#bySymbol.delete(symbol);
    this.#predictions.delete(symbol);
    this.#quotes.delete(symbol);
  }

  isGuarding(positionId: string): boolean {
    return this.#positions.has(positionId);
  }

  find(positionId: string): GuardedPosition | null {
    return this.#positions.get(positionId) ?? null;
  }

  guarded(): readonly GuardedPosition[] {
    return [...this.#positions.values()];
  }

  mark(guarded: GuardedPosition): { readonly price: Decimal; readonly ageMs: number } | null {
    const quote = this.#quotes.get(guarded.trade.symbol);
    if (!quote) return null;
    return { price: guarded.isLong ? quote.bid : quote.ask, ageMs: this.#options.now() - quote.receivedAtMs };
  }

  #onQuote(quote: Quote): void {
    const peers = this.#bySymbol.get(quote.symbol);
    if (!peers) return;
    this.#quotes.set(quote.symbol, quote);
    for (const guarded of peers.crossed(Number(quote.bid), Number(quote.ask))) this.#evaluateNow(guarded);
  }

  /** Where a mark or the time that its band ends finds it. */
  #place(guarded: GuardedPosition): void {
    const { symbol } = guarded.trade;
    const peers = this.#bySymbol.get(symbol) ?? new GuardedSymbol();
    this.#bySymbol.set(symbol, peers);
    peers.place(guarded);
    this.#byTime.place(guarded.end, guarded.asksFromMs);
  }

  #evaluateNow(guarded: GuardedPosition): void {
    const { trade } = guarded;
    if (this.#positions.get(trade.positionId) !== guarded) return;
    const last = this.#evaluate(guarded);
    if (last?.evaluation.action !== 'exit') {
      this.#place(guarded);
      return;
    }
    // Dropped before anything else, so that no later mark can decide it a second time.
    this.disarm(trade.positionId);
    this.#options.decided(trade, last);
    const { tradeId, positionId } = trade;
    this.#options.log.info(
      { tradeId, positionId, event: 'exit-decided', rule: last.evaluation.rule, mark: last.mark },
      `exit decided: ${last.evaluation.rule} at ${last.mark}`,
    );
  }

  /** Null without a usable mark: one broken quote must not cost any other position its evaluation. */
  #evaluate(guarded: GuardedPosition): LastEvaluation | null {
    const { tradeId, positionId, symbol } = guarded.trade;
    const mark = this.mark(guarded);
    if (!mark) return null;
    this.#evaluations += 1;
    const prediction = this.#predictions.get(symbol) ?? null;
    try {
      return guarded.evaluate(mark.price, prediction, this.#options.now(), mark.ageMs);
    } catch (err) {
      this.#options.log.error(
        { tradeId, positionId, event: 'bad-mark', mark: mark.price, err },
        'a mark could not be evaluated',
      );
      return null;
    }
  }

  /** The minimum hold or a prediction ran out, or an interval ended: the price alone would not tell. */
  #checkTimes(): void {
    const nowMs = this.#options.now();
    for (const guarded of this.#byTime.due((untilMs) => untilMs <= nowMs)) this.#evaluateNow(guarded);
    const interval = this.#intervalNow();
    if (interval === this.#interval) return;
    this.#interval = interval;
    void this.#refreshPredictions();
  }

  /** On the grid of the candles, as the scan is: a prediction is made once an interval, when its candles have ended. */
  #intervalNow(): number {
    return Math.floor(this.#options.now() / this.#options.predictionIntervalMs);
  }

  async #refreshPredictions(): Promise<void> {
    await Promise.all([...this.#bySymbol.keys()].map((symbol) => this.#refreshPrediction(symbol)));
  }

  /** Whoever asks while an answer is on its way shares it, so that every position is evaluated once by it. */
  #refreshPrediction(symbol: string): Promise<void> {
    const asking =
      this.#asking.get(symbol) ?? this.#askPrediction(symbol).finally(() => this.#asking.delete(symbol));
    this.#asking.set(symbol, asking);
    return asking;
  }

  async #askPrediction(symbol: string): Promise<void> {
    const prediction = await this.#options.predict(symbol);
    // Nobody is left who would refresh it.
    if (!this.#bySymbol.has(symbol)) return;
    // Nothing new; that time has passed is found by its own check.
    if (isDeepStrictEqual(prediction, this.#predictions.get(symbol))) return;
    this.#predictions.set(symbol, prediction);
    for (const guarded of this.#bySymbol.get(symbol) ?? []) this.#evaluateNow(guarded);
  }
}

/** The same order may be sent for it; anything else has to be armed anew. */
function isSameArming(known: ArmedTrade, asked: ArmedTrade): boolean {
  return (
    known.quantity === asked.quantity &&
    known.exit?.leg === asked.exit?.leg &&
    (known.exit?.stopOrderId ?? null) === (asked.exit?.stopOrderId ?? null)
  );
}
