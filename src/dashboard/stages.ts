import type { RunningTrade } from '../client.ts';
import type { Logger } from '../logging.ts';

const REFRESH_EVERY_MS = 2_000;

/** Stages of running trades as Temporal lists them, asked for at most every two seconds. */
export class Stages {
  readonly #list: () => Promise<readonly RunningTrade[]>;
  readonly #log: Logger;
  #stages = new Map<string, string>();
  #askedAtMs = 0;
  #asking: Promise<void> | null = null;

  constructor(list: () => Promise<readonly RunningTrade[]>, log: Logger) {
    this.#list = list;
    this.#log = log;
  }

  /** Undefined where Temporal has no such running trade, or could not be asked yet. */
  of(tradeId: string): string | undefined {
    return this.#stages.get(tradeId);
  }

  /** Resolves when the stages are fresh, or at once with the old ones where Temporal does not answer. */
  async refresh(): Promise<void> {
    if (this.#asking) return this.#asking;
    if (Date.now() - this.#askedAtMs < REFRESH_EVERY_MS) return;
    this.#asking = this.#ask().finally(() => {
      this.#askedAtMs = Date.now();
      this.#asking = null;
    });
    return this.#asking;
  }

  async #ask(): Promise<void> {
    try {
      const trades = await this.#list();
      this.#stages = new Map(trades.map(({ tradeId, stage }) => [tradeId, stage]));
    } catch (err) {
      this.#log.debug({ event: 'stages-unknown', err }, 'the stages of the trades could not be asked for');
    }
  }
}
