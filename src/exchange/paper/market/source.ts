import type { Logger } from 'pino';
import { findPair, type Pair } from '../pairs.ts';
import type { Store } from '../store.ts';
import type { Markets } from './markets.ts';
import {
  SLOT_MS,
  syntheticHistory,
  syntheticTop,
  syntheticTrade,
  type SyntheticOptions,
} from './synthetic.ts';
import {
  marketTrade,
  readTape,
  tapeHistory,
  topAfter,
  wallTime,
  type TapeSegment,
  type TapeTrade,
} from './tape.ts';

export type MarketOptions =
  | {
      readonly source: 'tape';
      readonly file: string;
      /** Times as fast as life. */
      readonly speed: number;
      /** Default `BTC/USD`. */
      readonly symbol?: string;
      /** How much of the tape is already past at the start; default ten minutes. */
      readonly warmupMs?: number;
      /** Minutes of the tape begin on the wall clock's grid of 1/speed minutes; up to one more is past then. */
      readonly aligned?: boolean;
    }
  | { readonly source: 'synthetic'; readonly seed: number; readonly volatility?: number }
  | { readonly source: 'manual' };

export interface MarketState {
  readonly source: MarketOptions['source'];
  readonly symbol?: string;
  readonly speed?: number;
  /** Trades played so far, and in all. */
  readonly position?: number;
  readonly length?: number;
  readonly tapeTimeMs?: number;
  readonly ended?: boolean;
}

export interface MarketSource {
  state(): MarketState;
  stop(): void;
}

export interface SourceContext {
  readonly markets: Markets;
  readonly store: Store;
  readonly seed: number;
  readonly log: Logger | undefined;
}

const DEFAULT_WARMUP_MS = 600_000;
const DEFAULT_VOLATILITY = 0.8;
const JOURNAL_EVERY_MS = 1_000;
const LONGEST_WAIT_MS = 1_000;
const MINUTE_MS = 60_000;
const TAPE_ROW = 'tape';

/** Starts moving the markets. `fresh` forgets how far a tape was played before. */
export function startSource(options: MarketOptions, fresh: boolean, context: SourceContext): MarketSource {
  for (const market of context.markets.all()) market.restart(null);
  switch (options.source) {
    case 'tape':
      return new TapeSource(options, fresh, context);
    case 'synthetic':
      return startSynthetic(
        { seed: options.seed, volatility: options.volatility ?? DEFAULT_VOLATILITY },
        context,
      );
    case 'manual':
      return { state: () => ({ source: 'manual' }), stop: () => undefined };
  }
}

function startSynthetic(options: SyntheticOptions, { markets }: SourceContext): MarketSource {
  const startMs = Date.now();
  for (const market of markets.all()) {
    market.restart(() => syntheticHistory(market.pair, startMs, options));
    if (market.manual) continue;
    market.top = syntheticTop(market.pair, startMs, options);
    market.last = market.top.bid;
  }
  let slot = Math.ceil(startMs / SLOT_MS);
  const step = () => {
    const current = Math.floor(Date.now() / SLOT_MS);
    // After a pause (a stopped process) only the newest slots are worth trading.
    slot = Math.max(slot, current - 20);
    for (; slot <= current; slot += 1) {
      for (const market of markets.all()) {
        if (market.manual) continue;
        const trade = syntheticTrade(market.pair, slot, options);
        markets.move(market, syntheticTop(market.pair, slot * SLOT_MS, options), trade);
      }
    }
  };
  const timer = setInterval(step, SLOT_MS);
  return { state: () => ({ source: 'synthetic' }), stop: () => clearInterval(timer) };
}

/** Plays recorded trades on one pair, and goes on where it was after a restart. */
class TapeSource implements MarketSource {
  readonly #context: SourceContext;
  readonly #tape: readonly TapeTrade[];
  readonly #pair: Pair;
  readonly #speed: number;
  readonly #segments: TapeSegment[];
  #position: number;
  #journaledMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #ended = false;

  constructor(options: Extract<MarketOptions, { source: 'tape' }>, fresh: boolean, context: SourceContext) {
    if (!(options.speed > 0)) throw new RangeError(`tape speed must be above 0, got ${options.speed}`);
    const symbol = options.symbol ?? 'BTC/USD';
    const pair = findPair(symbol);
    if (!pair) throw new RangeError(`the tape's symbol ${symbol} is not listed`);
    this.#context = context;
    this.#pair = pair;
    this.#speed = options.speed;
    this.#tape = readTape(options.file);
    const before = fresh ? undefined : context.store.memos.get(TAPE_ROW)?.data;
    const nowMs = Date.now();
    const startMs = this.#tape[0]?.timeMs ?? 0;
    const pastGridMs = (wallMs: number, tapeMs: number) =>
      options.aligned ? modulo(wallMs - tapeMs / this.#speed, MINUTE_MS / this.#speed) : 0;
    if (before) {
      const tapeMs = before.tapeMs as number;
      const wallMs = nowMs - pastGridMs(nowMs, tapeMs);
      this.#segments = [...(before.segments as TapeSegment[]), { tapeMs, wallMs }];
      this.#position = before.position as number;
    } else {
      const warmupMs = options.warmupMs ?? DEFAULT_WARMUP_MS;
      const lateMs = pastGridMs(nowMs, startMs + warmupMs);
      const pastMs = warmupMs + lateMs * this.#speed;
      this.#segments = [{ tapeMs: startMs, wallMs: nowMs - lateMs - warmupMs / this.#speed }];
      this.#position = this.#tape.filter((trade) => trade.timeMs <= startMs + pastMs).length;
    }
    this.#showPast();
    this.#journal(nowMs);
    this.#schedule();
  }

  state(): MarketState {
    return {
      source: 'tape',
      symbol: this.#pair.symbol,
      speed: this.#speed,
      position: this.#position,
      length: this.#tape.length,
      tapeTimeMs: Math.round(this.#tapeMs(Date.now())),
      ended: this.#ended,
    };
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#journal(Date.now());
  }

  #showPast(): void {
    const market = this.#context.markets.of(this.#pair);
    const [count, segments, speed] = [this.#position, [...this.#segments], this.#speed];
    market.restart(() => tapeHistory(this.#tape, count, segments, speed));
    const last = this.#tape[this.#position - 1] ?? this.#tape[0];
    if (!last || market.manual) return;
    market.top = topAfter(this.#pair, last, this.#position - 1, this.#context.seed);
    market.last = last.price;
    market.lastVolume = last.volume;
  }

  #play(): void {
    const nowMs = Date.now();
    const market = this.#context.markets.of(this.#pair);
    for (;;) {
      const trade = this.#tape[this.#position];
      if (!trade || wallTime(trade.timeMs, this.#segments, this.#speed) > nowMs) break;
      const index = this.#position;
      this.#position += 1;
      if (market.manual) continue;
      const top = topAfter(this.#pair, trade, index, this.#context.seed);
      this.#context.markets.move(market, top, marketTrade(trade, index, this.#segments, this.#speed));
    }
    if (nowMs - this.#journaledMs >= JOURNAL_EVERY_MS) this.#journal(nowMs);
    this.#schedule();
  }

  #schedule(): void {
    const next = this.#tape[this.#position];
    if (!next) {
      this.#ended = true;
      this.#journal(Date.now());
      this.#context.log?.info(
        { event: 'tape-ended', symbol: this.#pair.symbol, trades: this.#tape.length },
        'the tape has ended; the last price stays quoted',
      );
      return;
    }
    const waitMs = wallTime(next.timeMs, this.#segments, this.#speed) - Date.now();
    this.#timer = setTimeout(() => this.#play(), Math.min(Math.max(waitMs, 1), LONGEST_WAIT_MS));
  }

  #tapeMs(nowMs: number): number {
    const segment = this.#segments.at(-1);
    return segment ? segment.tapeMs + (nowMs - segment.wallMs) * this.#speed : 0;
  }

  #journal(nowMs: number): void {
    this.#journaledMs = nowMs;
    const data = { segments: this.#segments, position: this.#position, tapeMs: this.#tapeMs(nowMs) };
    this.#context.store.put('memo', { id: TAPE_ROW, data });
    this.#context.store.commit();
  }
}

function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}
