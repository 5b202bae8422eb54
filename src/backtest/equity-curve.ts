import { compare, type Decimal } from '../domain/money.ts';
import type { EquityPoint } from './result.ts';

/** Points that a curve is drawn with. */
const SAMPLES = 1_000;
const DAY_MS = 86_400_000;

/** Equity over time: even samples to draw, and the deepest fall over these, every entry and every exit. */
export class EquityCurve {
  readonly points: EquityPoint[] = [];
  readonly #stepMs: number;
  readonly #observe: ((point: EquityPoint) => void) | undefined;
  #nextMs: number;
  #peak: Decimal;
  #maxDrawdown = 0;
  #day = NaN;
  #dayStart: Decimal;
  #last: Decimal;

  constructor(
    balance: Decimal,
    fromMs: number,
    toMs: number,
    observe: ((point: EquityPoint) => void) | undefined,
  ) {
    this.#peak = balance;
    this.#dayStart = balance;
    this.#last = balance;
    this.#stepMs = Math.max(1, Math.ceil((toMs - fromMs) / SAMPLES));
    this.#nextMs = fromMs;
    this.#observe = observe;
  }

  /** When the next sample is due. */
  get nextMs(): number {
    return this.#nextMs;
  }

  get peak(): Decimal {
    return this.#peak;
  }

  get maxDrawdown(): number {
    return this.#maxDrawdown;
  }

  /** Equity as it was last seen before the day of `nowMs`, midnight UTC. */
  dayStart(nowMs: number): Decimal {
    return Math.floor(nowMs / DAY_MS) === this.#day ? this.#dayStart : this.#last;
  }

  /** A point that only counts for the peak, the deepest fall and the day. */
  add(point: EquityPoint): void {
    this.#observe?.(point);
    this.#dayStart = this.dayStart(point.timeMs);
    this.#day = Math.floor(point.timeMs / DAY_MS);
    this.#last = point.equity;
    if (compare(point.equity, this.#peak) > 0) this.#peak = point.equity;
    else this.#maxDrawdown = Math.max(this.#maxDrawdown, 1 - Number(point.equity) / Number(this.#peak));
  }

  /** The sample of `nextMs`, when everything until then has happened. */
  keep(point: EquityPoint): void {
    this.add(point);
    this.points.push(point);
    this.#nextMs += this.#stepMs;
  }

  /** The last moment always belongs to the curve. */
  end(point: EquityPoint): void {
    if (this.points.at(-1)?.timeMs === point.timeMs) this.points.pop();
    this.keep(point);
  }
}
