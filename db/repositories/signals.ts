import type { Pool } from 'pg';
import type { Prediction } from '../../src/domain/exit-policy.ts';
import type { Decimal } from '../../src/domain/money.ts';
import { skippedSignalTable, type SkippedSignalRow } from '../entities/learning.ts';
import { insertInto, Parameters, selectRows } from '../sql.ts';
import { inStatement } from '../transaction.ts';

export interface SkippedSignalInput {
  readonly id: string;
  readonly symbol: string;
  readonly prediction: Prediction;
  readonly reason: string;
  readonly detail?: string;
  readonly thresholdsVersion: number;
  /** Quote at the signal. */
  readonly price?: Decimal;
}

/** Signals that opened nothing, kept for learning. */
export interface SignalStore {
  /** The first reason of a signal stays. */
  skip(signal: SkippedSignalInput): Promise<void>;
  skipped(sinceMs: number): Promise<SkippedSignalRow[]>;
}

export function createSignalStore(pool: Pool): SignalStore {
  return {
    async skip({ id, symbol, prediction, reason, detail, thresholdsVersion, price }) {
      const row: SkippedSignalRow = {
        id,
        symbol,
        action: prediction.action,
        confidence: prediction.confidence,
        asOf: prediction.asOfMs,
        reason,
        detail: detail ?? null,
        thresholdsVersion,
        price: price ?? null,
      };
      const parameters = new Parameters();
      const insert = insertInto(skippedSignalTable, row, parameters);
      await inStatement(pool, `${insert} ON CONFLICT ("id") DO NOTHING`, parameters.values);
    },
    skipped: (sinceMs) =>
      selectRows(pool, skippedSignalTable, 'WHERE "asOf" >= $1 ORDER BY "asOf", "id"', [new Date(sinceMs)]),
  };
}
