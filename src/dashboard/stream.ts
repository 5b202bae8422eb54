import type { ServerResponse } from 'node:http';
import type { Logger } from '../logging.ts';
import type { Health } from './health.ts';
import type { DashboardPosition, Positions } from './positions.ts';
import { changesBetween, type PositionChanges } from './stream-changes.ts';

const BATCH_EVERY_MS = 1_000;
const HEALTH_EVERY_BATCHES = 3;
/** A reader that is this far behind gets a whole snapshot once it has caught up. */
const MOST_WAITING_BYTES = 2_000_000;

export interface StreamDependencies {
  readonly positions: Positions;
  readonly health: () => Promise<Health>;
  readonly now: () => number;
  readonly log: Logger;
}

interface Reader {
  readonly response: ServerResponse;
  needsSnapshot: boolean;
}

/**
 * Server-sent events for any number of readers from one look at the database a second, and none while nobody
 * reads. Events: `positions` (changes since the last batch, everything when `full`), `opened`, `closed`
 * (one position each), `health`, `unavailable` (why there is no batch).
 */
export class PositionStream {
  readonly #dependencies: StreamDependencies;
  readonly #readers = new Set<Reader>();
  #known: ReadonlyMap<string, DashboardPosition> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #batches = 0;
  #busy = false;

  constructor(dependencies: StreamDependencies) {
    this.#dependencies = dependencies;
  }

  /** Serves one reader until it goes; headers must have been sent. */
  add(response: ServerResponse): void {
    const reader: Reader = { response, needsSnapshot: true };
    this.#readers.add(reader);
    response.on('close', () => {
      this.#readers.delete(reader);
      if (this.#readers.size === 0) this.#pause();
    });
    response.write('retry: 2000\n\n');
    this.#batches = 0;
    this.#timer ??= setInterval(() => void this.#tick(), BATCH_EVERY_MS);
    void this.#tick();
  }

  close(): void {
    this.#pause();
    for (const { response } of this.#readers) response.end();
    this.#readers.clear();
  }

  #pause(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    // Whoever comes next did not see what happened meanwhile.
    this.#known = null;
  }

  async #tick(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      if (this.#batches++ % HEALTH_EVERY_BATCHES === 0)
        this.#sendAll('health', await this.#dependencies.health());
      await this.#batch();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#dependencies.log.debug({ event: 'stream-batch-failed', err: error }, message);
      this.#sendAll('unavailable', { message: message.split('\n')[0] });
    } finally {
      this.#busy = false;
    }
  }

  async #batch(): Promise<void> {
    const { positions, now } = this.#dependencies;
    const open = await positions.list({ status: 'open' });
    const current = new Map(open.map((position) => [position.positionId, position]));
    const changes = changesBetween(this.#known, current);
    const closed = await Promise.all(changes.removed.map((id) => positions.one(id)));
    this.#known = current;
    this.#sendBatch({ asOfMs: now(), ...changes }, open);
    for (const position of changes.opened) this.#sendAll('opened', position);
    for (const position of closed) if (position) this.#sendAll('closed', position);
  }

  #sendBatch(changes: PositionChanges & { asOfMs: number }, open: readonly DashboardPosition[]): void {
    const { asOfMs, positions, removed } = changes;
    const delta = message('positions', { asOfMs, full: false, positions, removed });
    let snapshot: string | null = null;
    for (const reader of this.#readers) {
      if (reader.response.writableLength > MOST_WAITING_BYTES) {
        reader.needsSnapshot = true;
      } else if (reader.needsSnapshot) {
        snapshot ??= message('positions', { asOfMs, full: true, positions: open, removed: [] });
        reader.response.write(snapshot);
        reader.needsSnapshot = false;
      } else {
        reader.response.write(delta);
      }
    }
  }

  #sendAll(event: string, data: unknown): void {
    const text = message(event, data);
    for (const { response } of this.#readers) response.write(text);
  }
}

function message(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
