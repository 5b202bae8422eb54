import { multiply } from '../domain/money.ts';
import {
  hasProtections,
  STOP_RULES,
  type ClosedTrade as Close,
  type ProtectionHistory,
  type Protections,
} from '../domain/protections.ts';
import type { ClosedTrade } from './result.ts';

/** What the protections look back on, of one account. Keeps only what one that is switched on asks for. */
export class Closes {
  readonly #protections: Protections;
  readonly #isOn: boolean;
  readonly #lastStops = new Map<string, number>();
  readonly #closes = new Map<string, Close[]>();
  /** Newest first. */
  #stopsMs: number[] = [];

  constructor(protections: Protections) {
    this.#protections = protections;
    this.#isOn = hasProtections(protections);
  }

  note({ symbol, exitRule, exitTimeMs, netPnl, quantity, entryPrice }: ClosedTrade): void {
    const { stoplossGuard, lowProfit } = this.#protections;
    if (STOP_RULES.includes(exitRule)) {
      this.#lastStops.set(symbol, exitTimeMs);
      if (stoplossGuard) this.#stopsMs = [exitTimeMs, ...this.#stopsMs].slice(0, stoplossGuard.stops);
    }
    if (!lowProfit) return;
    const sinceMs = exitTimeMs - lowProfit.windowMs;
    const kept = (this.#closes.get(symbol) ?? []).filter(({ closedAtMs }) => closedAtMs > sinceMs);
    kept.push({ closedAtMs: exitTimeMs, netPnl, value: multiply(quantity, entryPrice) });
    this.#closes.set(symbol, kept);
  }

  /** Null where nothing is switched on. */
  historyOf(symbol: string): ProtectionHistory | null {
    if (!this.#isOn) return null;
    return {
      lastStopOfSymbolMs: this.#lastStops.get(symbol) ?? null,
      stopsMs: this.#stopsMs,
      closesOfSymbol: this.#closes.get(symbol) ?? [],
    };
  }
}
