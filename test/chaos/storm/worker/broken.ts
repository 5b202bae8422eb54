import pg from 'pg';
import { Worker, type WorkerOptions } from '@temporalio/worker';
import type { BrokenBuild } from './broken-builds.ts';

/** Breaks the build from outside. A storm that does not catch it proves nothing. */
export function breakBuild(name: string): void {
  BUILDS[name as BrokenBuild]?.();
}

const BUILDS: Readonly<Partial<Record<BrokenBuild, () => void>>> = {
  /** An order whose outcome is not known is sent again without a look at the exchange. */
  'no-look-up': withoutLookUp,
  /** The intent is not written before the order is sent. */
  'no-intent': withoutWriteAheadIntent,
};

const HOUR_MS = 3_600_000;

function withoutLookUp(): void {
  const create = Worker.create.bind(Worker);
  Worker.create = async (options: WorkerOptions) =>
    create({
      ...options,
      activities: {
        ...options.activities,
        lookUpOrder: async () => ({ order: null, askedAtMs: Date.now() + HOUR_MS }),
        witnessExposure: async ({ quantity }: { quantity: string }) => ({ held: true, available: quantity }),
      },
    });
}

function withoutWriteAheadIntent(): void {
  const prototype = pg.Client.prototype as unknown as { query: (...args: unknown[]) => unknown };
  const { query } = prototype;
  prototype.query = function (this: unknown, ...args: unknown[]) {
    const [statement, values] = args;
    const { text, values: own } = statement as { text?: string; values?: unknown[] };
    const isIntent = String(text ?? statement).includes('INSERT INTO "OrderIntent"');
    const isAhead = [...(own ?? []), ...((values as unknown[] | undefined) ?? [])].some(
      (value) => value === 'planned' || value === 'sent',
    );
    if (isIntent && isAhead) return Promise.resolve({ rows: [], rowCount: 0 });
    return query.apply(this, args);
  };
}
