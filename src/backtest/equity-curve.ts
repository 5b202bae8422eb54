import type { Decimal } from '../domain/money.ts';
import type { EquityPoint } from './result.ts';

/** Points that a curve is drawn with. */
const SAMPLES = 1_000;
const DAY_MS = 86_400_000;

/** The account at a moment: `rough` is its equity as float64, to look at; {@link exactly} reckons it when it's asked for. */
export interface Sighting {
  readonly rough: number;
  exactly(): EquityPoint;
}

/**
 * Equity over time: even samples to draw, and the deepest fall over these, every entry and every exit. Which moments
 * are peak and deepest is decided by rough figures; only what they come to is reckoned exactly.
 */
export class EquityCurve {
  readonly points: EquityPoint[] = [];
  readonly #stepMs: number;
  readonly #observe: ((point: EquityPoint) => void) | undefined;
  readonly #keepsDays: boolean;
  readonly #balance: Decimal;
  #nextMs: number;
  #peak: Known;
  #deepest: { readonly fall: number; readonly low: Known; readonly peak: Known } | null = null;
  #day = NaN;
  #dayStart: Decimal;
  #last: Decimal;

  /** `keepsDays`: whether anybody asks what the equity was when the day began. */
  constructor(
    balance: Decimal,
    fromMs: number,
    toMs: number,
    { observe, keepsDays }: { observe: ((point: EquityPoint) => void) | undefined; keepsDays: boolean },
  ) {
    this.#peak = { rough: Number(balance), sighting: null };
    this.#balance = balance;
    this.#dayStart = balance;
    this.#last = balance;
    this.#stepMs = Math.max(1, Math.ceil((toMs - fromMs) / SAMPLES));
    this.#nextMs = fromMs;
    this.#observe = observe;
    this.#keepsDays = keepsDays;
  }

  /** When the next sample is due. */
  get nextMs(): number {
    return this.#nextMs;
  }

  get peak(): Decimal {
    return this.#equityOf(this.#peak);
  }

  get maxDrawdown(): number {
    if (this.#deepest === null) return 0;
    const { low, peak } = this.#deepest;
    return Math.max(0, 1 - Number(this.#equityOf(low)) / Number(this.#equityOf(peak)));
  }

  /** Equity as it was last seen before the day of `nowMs`, midnight UTC. */
  dayStart(nowMs: number): Decimal {
    return Math.floor(nowMs / DAY_MS) === this.#day ? this.#dayStart : this.#last;
  }

  /** A moment that only counts for the peak, the deepest fall and the day. */
  add(timeMs: number, sighting: Sighting): void {
    const { rough } = sighting;
    if (this.#observe) this.#observe(sighting.exactly());
    if (this.#keepsDays) {
      this.#dayStart = this.dayStart(timeMs);
      this.#day = Math.floor(timeMs / DAY_MS);
      this.#last = sighting.exactly().equity;
    }
    const peak = this.#peak;
    if (rough > peak.rough) {
      this.#peak = { rough, sighting };
      return;
    }
    const fall = 1 - rough / peak.rough;
    if (fall > (this.#deepest?.fall ?? 0)) this.#deepest = { fall, low: { rough, sighting }, peak };
  }

  /** The sample of `nextMs`, when everything until then has happened. */
  keep(timeMs: number, sighting: Sighting): void {
    this.add(timeMs, sighting);
    this.points.push(sighting.exactly());
    this.#nextMs += this.#stepMs;
  }

  /** The last moment always belongs to the curve. */
  end(timeMs: number, sighting: Sighting): void {
    if (this.points.at(-1)?.timeMs === timeMs) this.points.pop();
    this.keep(timeMs, sighting);
  }

  #equityOf({ sighting }: Known): Decimal {
    return sighting === null ? this.#balance : sighting.exactly().equity;
  }
}

/** `sighting` null: the balance that it began with. */
interface Known {
  readonly rough: number;
  readonly sighting: Sighting | null;
}
