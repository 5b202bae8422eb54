import type { Pool } from 'pg';
import { inStatement } from '../transaction.ts';

/** Counts of what the database holds, for monitoring. */
export interface LedgerFigures {
  readonly openPositions: number;
  /** By status; settled ones left out. */
  readonly findings: Readonly<Record<'seen' | 'acting' | 'human', number>>;
  readonly thresholdsVersion: number;
  /** Closed trades whose outcome is no study yet. */
  readonly outcomesToLearn: number;
  /** Alerts that Temporal has not taken over yet. */
  readonly alertsWaiting: number;
}

export interface FigureStore {
  read(): Promise<LedgerFigures>;
}

const FIGURES = `
  SELECT (SELECT count(*)::integer FROM "ManagedPosition" WHERE "status" = 'open') AS open,
    (SELECT count(*)::integer FROM "Finding" WHERE "status" = 'seen') AS seen,
    (SELECT count(*)::integer FROM "Finding" WHERE "status" = 'acting') AS acting,
    (SELECT count(*)::integer FROM "Finding" WHERE "status" = 'human') AS human,
    (SELECT coalesce(max("version"), 1) FROM "ThresholdVersion" WHERE "active") AS version,
    (SELECT count(*)::integer FROM "TradeOutcome" WHERE "learnedAt" IS NULL) AS unlearned,
    (SELECT count(*)::integer FROM "Alert" WHERE "handedOverAt" IS NULL) AS alerts`;

interface FigureRow {
  readonly open: number;
  readonly seen: number;
  readonly acting: number;
  readonly human: number;
  readonly version: number;
  readonly unlearned: number;
  readonly alerts: number;
}

export function createFigureStore(pool: Pool): FigureStore {
  return {
    async read() {
      const { rows } = await inStatement<FigureRow & Record<string, unknown>>(pool, FIGURES, []);
      const [row] = rows;
      if (!row) throw new Error('a selection of counts always has one row');
      const { open, seen, acting, human, version, unlearned, alerts } = row;
      return {
        openPositions: open,
        findings: { seen, acting, human },
        thresholdsVersion: version,
        outcomesToLearn: unlearned,
        alertsWaiting: alerts,
      };
    },
  };
}
