import { judgeEntry, VOLATILITY_CANDLES, type EntryRules, type JudgedEntry } from '../domain/entry.ts';
import { logReturnDeviation } from '../domain/sizing.ts';
import type { Prediction } from '../domain/exit-policy.ts';
import type { Thresholds } from '../domain/thresholds.ts';
import type { Exchange } from '../exchange/port.ts';
import type { PredictionService } from '../market/predictions.ts';
import type { TradeRequest } from '../workflows/messages.ts';
import type { LearningStore } from '../../db/repositories/learning.ts';
import type { LedgerReader } from '../../db/repositories/reader.ts';
import type { SignalStore } from '../../db/repositories/signals.ts';
import type { Logger } from '../logging.ts';

/** An entry signal older than this is not acted on. */
const SIGNAL_TTL_MS = 30_000;

export interface ScanSettings extends EntryRules {
  readonly symbols: readonly string[];
}

export interface PredictionActivityDependencies {
  readonly exchange: Pick<Exchange, 'candles' | 'instruments'>;
  readonly predictions: Pick<PredictionService, 'latest' | 'intervalMs'>;
  readonly learning: Pick<LearningStore, 'active'>;
  readonly reader: Pick<LedgerReader, 'openPositionCounts' | 'heldReservations'>;
  readonly signals: Pick<SignalStore, 'skip'>;
  readonly scan: ScanSettings;
  readonly log: Logger;
}

export function createPredictionActivities(dependencies: PredictionActivityDependencies) {
  const { exchange, predictions, learning, reader, signals, scan, log } = dependencies;

  async function judge(symbol: string, prediction: Prediction, thresholds: Thresholds): Promise<JudgedEntry> {
    const openPositions = await tradesUnderWay(symbol);
    const shortable = prediction.action !== 'SELL' || (await canSellShort(symbol));
    const judged = (sigma: number) =>
      judgeEntry(prediction, thresholds, scan, {
        openPositions,
        canSellShort: shortable,
        sigma: () => sigma,
      });
    // Candles cost a call of their own: only a signal that is worth taking asks for them.
    if (!judged(0).take) return judged(0);
    const candles = await exchange.candles(symbol, predictions.intervalMs, VOLATILITY_CANDLES);
    return judged(logReturnDeviation(candles.map((candle) => candle.close)));
  }

  /** Capital is held from before the entry is sent until the close, so an opening under way counts too. */
  async function tradesUnderWay(symbol: string): Promise<number> {
    const held = (await reader.heldReservations()).filter((reservation) => reservation.symbol === symbol);
    const open = (await reader.openPositionCounts()).get(symbol) ?? 0;
    return Math.max(held.length, open);
  }

  async function canSellShort(symbol: string): Promise<boolean> {
    const instruments = await exchange.instruments();
    return (instruments.find((instrument) => instrument.symbol === symbol)?.shortLeverages.length ?? 0) > 0;
  }

  return {
    /** Asks once per symbol and interval; what is worth taking becomes a request, the rest a skipped signal. */
    async findEntries(): Promise<TradeRequest[]> {
      const { version, thresholds } = await learning.active();
      const entries: TradeRequest[] = [];
      for (const symbol of scan.symbols) {
        const prediction = await predictions.latest(symbol);
        if (!prediction) continue;
        const judged = await judge(symbol, prediction, thresholds);
        const intervalStartMs =
          Math.floor(prediction.asOfMs / predictions.intervalMs) * predictions.intervalMs;
        const id = `scan-${symbol.replace('/', '')}-${intervalStartMs}`;
        if (!judged.take) {
          await signals.skip({
            id,
            symbol,
            prediction,
            limit: judged.reason,
            reason: judged.skip,
            thresholdsVersion: version,
          });
          continue;
        }
        const { side } = judged;
        log.info(
          { event: 'signal', tradeId: id, symbol, side, confidence: prediction.confidence },
          `signal ${side} ${symbol}`,
        );
        entries.push({
          tradeId: id,
          symbol,
          side,
          notional: judged.notional,
          order: { type: 'market' },
          strategy: prediction.source,
          signal: {
            source: prediction.source,
            confidence: prediction.confidence,
            asOfMs: prediction.asOfMs,
            ttlMs: SIGNAL_TTL_MS,
          },
          scan: { baseNotional: scan.baseNotional },
        });
      }
      return entries;
    },
  };
}
