import type { Pool } from 'pg';
import type { Prediction } from '../../src/domain/exit-policy.ts';
import type { SignalFacts } from '../../src/domain/signal-facts.ts';
import {
  predictionTable,
  skippedSignalTable,
  type PredictionRow,
  type SkippedSignalRow,
} from '../entities/learning.ts';
import { columnList, insertInto, Parameters, selectRows } from '../sql.ts';
import { decodeRow } from '../table.ts';
import { inStatement } from '../transaction.ts';

export interface SkippedSignalInput {
  readonly id: string;
  readonly symbol: string;
  readonly prediction: Prediction;
  readonly reason: string;
  readonly detail?: string;
  readonly thresholdsVersion: number;
  /** What stood in the way: `hold`, `confidence`, `scan-limit`, `no-short-sale`, or a limit's or protection's name. */
  readonly limit: string;
  /** Of a signal that was worth taking. */
  readonly facts?: SignalFacts;
}

/** Predictions, and signals that opened nothing: kept for learning. */
export interface SignalStore {
  /** The first reason of a signal stays. */
  skip(signal: SkippedSignalInput): Promise<void>;
  skipped(sinceMs: number): Promise<SkippedSignalRow[]>;
  /** Keeps a prediction as it is used; any number of times. */
  keepPrediction(symbol: string, prediction: Prediction): Promise<void>;
  /** Of the symbol, fresh at some time between these, in order. */
  predictions(symbol: string, fromMs: number, untilMs: number): Promise<Prediction[]>;
  /** The newest of each symbol, of the last day; symbols without one are missing. */
  latestPredictions(symbols: readonly string[], nowMs: number): Promise<Map<string, Prediction>>;
}

export function createSignalStore(pool: Pool): SignalStore {
  return {
    async skip({ id, symbol, prediction, reason, detail, thresholdsVersion, limit, facts }) {
      const row: SkippedSignalRow = {
        id,
        symbol,
        action: prediction.action,
        confidence: prediction.confidence,
        asOf: prediction.asOfMs,
        reason,
        detail: detail ?? null,
        thresholdsVersion,
        price: facts?.price ?? null,
        limit,
        facts: facts ?? null,
      };
      const parameters = new Parameters();
      const insert = insertInto(skippedSignalTable, row, parameters);
      await inStatement(pool, `${insert} ON CONFLICT ("id") DO NOTHING`, parameters.values);
    },
    skipped: (sinceMs) =>
      selectRows(pool, skippedSignalTable, 'WHERE "asOf" >= $1 ORDER BY "asOf", "id"', [new Date(sinceMs)]),
    async keepPrediction(symbol, { asOfMs, action, confidence, ttlMs, source }) {
      const row: PredictionRow = {
        id: `${symbol} ${asOfMs}`,
        symbol,
        asOf: asOfMs,
        action,
        confidence,
        ttlMs: Math.round(ttlMs),
        source,
      };
      const parameters = new Parameters();
      const insert = insertInto(predictionTable, row, parameters);
      await inStatement(pool, `${insert} ON CONFLICT ("id") DO NOTHING`, parameters.values);
    },
    async predictions(symbol, fromMs, untilMs) {
      const rows = await selectRows(
        pool,
        predictionTable,
        // None is fresh for longer than a day; without that bound the index could not help.
        `WHERE "symbol" = $1 AND "asOf" > $2::timestamptz - interval '1 day' AND "asOf" <= $3
           AND "asOf" + "ttlMs" * interval '1 millisecond' > $2 ORDER BY "asOf", "id"`,
        [symbol, new Date(fromMs), new Date(untilMs)],
      );
      return rows.map(predictionOf);
    },
    async latestPredictions(symbols, nowMs) {
      const { rows } = await pool.query<Record<string, unknown>>(
        `SELECT ${columnList(predictionTable, 'newest')} FROM unnest($1::text[]) AS wanted("symbol"),
           LATERAL (SELECT * FROM "Prediction" AS one
             WHERE one."symbol" = wanted."symbol" AND one."asOf" > $2::timestamptz - interval '1 day'
             ORDER BY one."asOf" DESC LIMIT 1) AS newest`,
        [symbols, new Date(nowMs)],
      );
      const newest = rows.map((row) => decodeRow(predictionTable, row));
      return new Map(newest.map((row) => [row.symbol, predictionOf(row)]));
    },
  };
}

function predictionOf({ action, confidence, asOf, ttlMs, source }: PredictionRow): Prediction {
  return { action, confidence, asOfMs: asOf, ttlMs, source };
}
