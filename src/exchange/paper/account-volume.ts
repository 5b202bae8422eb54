import { add, subtract, type Decimal } from '../../domain/money.ts';

const WINDOW_MS = 30 * 86_400_000;

/** Each account's traded volume of the last 30 days in USD, which decides its fee tier. */
export class TradedVolume {
  readonly #windows = new Map<string, { entries: { timeMs: number; usd: Decimal }[]; total: Decimal }>();

  record(accountId: string, timeMs: number, usd: Decimal): void {
    const window = this.#windows.get(accountId) ?? { entries: [], total: '0' };
    window.entries.push({ timeMs, usd });
    window.total = add(window.total, usd);
    this.#windows.set(accountId, window);
  }

  total(accountId: string, nowMs: number): Decimal {
    const window = this.#windows.get(accountId);
    if (!window) return '0';
    while (window.entries[0] && window.entries[0].timeMs < nowMs - WINDOW_MS) {
      window.total = subtract(window.total, window.entries.shift()?.usd ?? '0');
    }
    return window.total;
  }
}
