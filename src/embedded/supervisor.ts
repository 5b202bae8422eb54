import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';

/** A part of the stack that is up and ready. */
export interface Running {
  readonly pid: number;
  /** Settles with the reason, for people, when the process has ended, wanted or not. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
  /** kill -9; settles when it is gone. */
  kill(): Promise<void>;
}

export interface SupervisorOptions {
  readonly name: string;
  readonly log: Logger;
  /** Starts the part and settles when it is ready. */
  readonly start: () => Promise<Running>;
  readonly onStarted?: (pid: number) => Promise<void>;
  readonly onStopped?: () => Promise<void>;
  readonly backoff?: { readonly firstMs: number; readonly maxMs: number; readonly steadyAfterMs: number };
}

/** A part that is started again whenever it ends without being told to. */
export interface Supervised {
  readonly name: string;
  /** Null while it is down. */
  pid(): number | null;
  restarts(): number;
  /** Starts it after `stop`; the first start is `supervise`'s. */
  start(): Promise<void>;
  /** Stops it and leaves it down. */
  stop(): Promise<void>;
  /** kill -9, as a crash would: it is then started again. */
  kill(): Promise<void>;
}

const DEFAULT_BACKOFF = { firstMs: 250, maxMs: 10_000, steadyAfterMs: 30_000 };

/**
 * Starts a part and keeps it up, with waits that double while it keeps failing.
 * @throws what the first start throws: a part that never worked is not tried again.
 */
export async function supervise(options: SupervisorOptions): Promise<Supervised> {
  const { name, log } = options;
  const backoff = options.backoff ?? DEFAULT_BACKOFF;
  let running: Running | null = null;
  let wanted = false;
  let restarts = 0;
  let interrupt = new AbortController();
  let watching: Promise<void> = Promise.resolve();

  const launch = async (): Promise<Running> => {
    const started = await options.start();
    try {
      await options.onStarted?.(started.pid);
    } catch (error) {
      await started.kill();
      throw error;
    }
    running = started;
    return started;
  };

  /** Settles once the part is up again, or with null when it is no longer wanted. */
  const relaunch = async (failures: number): Promise<Running | null> => {
    for (let tries = failures; ; tries += 1) {
      const waitMs = Math.min(backoff.firstMs * 2 ** tries, backoff.maxMs);
      await delay(waitMs, undefined, { signal: interrupt.signal }).catch(() => undefined);
      if (!wanted) return null;
      try {
        const again = await launch();
        restarts += 1;
        log.info({ part: name, pid: again.pid }, `${name} is up again`);
        return again;
      } catch (error) {
        log.error({ part: name, err: error }, `${name} could not be started again`);
      }
    }
  };

  const watch = async (first: Running): Promise<void> => {
    let failures = 0;
    for (let current: Running | null = first; current !== null;) {
      const upSinceMs = performance.now();
      const why = await (wanted ? current.ended : current.stop().then(() => 'stopped'));
      running = null;
      if (!wanted) return;
      log.error({ part: name, pid: current.pid }, `${name} ${why}; starting it again`);
      failures = performance.now() - upSinceMs >= backoff.steadyAfterMs ? 0 : failures + 1;
      current = await relaunch(Math.max(0, failures - 1));
    }
  };

  const start = async (): Promise<void> => {
    if (wanted) return;
    await watching;
    wanted = true;
    interrupt = new AbortController();
    try {
      watching = watch(await launch());
    } catch (error) {
      wanted = false;
      throw error;
    }
  };

  const stop = async (): Promise<void> => {
    wanted = false;
    interrupt.abort();
    await running?.stop();
    await watching;
    await options.onStopped?.();
  };

  await start();
  return {
    name,
    pid: () => running?.pid ?? null,
    restarts: () => restarts,
    start,
    stop,
    kill: async () => running?.kill(),
  };
}
