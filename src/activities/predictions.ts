import { signalNotional, volatilityScale, logReturnDeviation } from '../domain/sizing.ts';
import type { Prediction } from '../domain/exit-policy.ts';
import type { Decimal } from '../domain/money.ts';
import type { Thresholds } from '../domain/thresholds.ts';
import type { Exchange } from '../exchange/port.ts';
import type { PredictionService } from '../market/predictions.ts';
import type { TradeRequest } from '../workflows/messages.ts';
import type { LearningStore } from '../../db/repositories/learning.ts';
import type { LedgerReader } from '../../db/repositories/reader.ts';
import type { SignalStore } from '../../db/repositories/signals.ts';
import type { Logger } from '../logging.ts';
import { REFERENCE_VOLATILITY } from './reserve.ts';

/** An entry signal older than this is not acted on. */
const SIGNAL_TTL_MS = 30_000;

export interface ScanSettings {
  readonly symbols: readonly string[];
  readonly maxPerSymbol: number;
  readonly baseNotional: Decimal;
}

export interface PredictionActivityDependencies {
  readonly exchange: Pick<Exchange, 'candles' | 'instruments'>;
  readonly predictions: Pick<PredictionService, 'latest' | 'intervalMs'>;
  readonly learning: Pick<LearningStore, 'active'>;
  readonly reader: Pick<LedgerReader, 'openPositionCounts'>;
  readonly signals: Pick<SignalStore, 'skip'>;
  readonly scan: ScanSettings;
  readonly log: Logger;
}

type Judged = { readonly notional: Decimal } | { readonly skip: string };

export function createPredictionActivities(dependencies: PredictionActivityDependencies) {
  const { exchange, predictions, learning, reader, signals, scan, log } = dependencies;

  async function judge(symbol: string, prediction: Prediction, thresholds: Thresholds): Promise<Judged> {
    if (prediction.action === 'HOLD') return { skip: 'hold' };
    if (prediction.confidence < thresholds.entryConfidence) {
      return {
        skip: `confidence ${prediction.confidence} is below entryConfidence ${thresholds.entryConfidence}`,
      };
    }
    const open = (await reader.openPositionCounts()).get(symbol) ?? 0;
    if (open >= scan.maxPerSymbol)
      return { skip: `${open} positions are open, the scan keeps at most ${scan.maxPerSymbol}` };
    if (prediction.action === 'SELL' && !(await canSellShort(symbol)))
      return { skip: 'no short sales in this symbol' };
    const candles = await exchange.candles(symbol, predictions.intervalMs, 30);
    const sigma = logReturnDeviation(candles.map((candle) => candle.close));
    const scale = volatilityScale(sigma, REFERENCE_VOLATILITY, thresholds.volatilityAdjustmentFactor);
    return {
      notional: signalNotional(
        scan.baseNotional,
        thresholds.positionSizeMultiplier,
        prediction.confidence,
        scale,
      ),
    };
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
        if ('skip' in judged) {
          await signals.skip({ id, symbol, prediction, reason: judged.skip, thresholdsVersion: version });
          continue;
        }
        const side = prediction.action === 'BUY' ? 'long' : 'short';
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
        });
      }
      return entries;
    },
  };
}
