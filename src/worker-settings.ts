import type { ScanSettings } from './activities/predictions.ts';
import type { Config } from './config.ts';
import type { Tier } from './exchange/kraken/call-budget.ts';
import type { Protections } from './domain/protections.ts';
import type { RiskLimits } from './domain/risk.ts';
import type { Logger } from './logging.ts';
import {
  httpProvider,
  momentumProvider,
  noPredictions,
  type PredictionProvider,
} from './market/predictions.ts';
import type { TradeSettings } from './workflows/messages.ts';

/** What a worker makes of the environment. */

export function requireAddresses(config: Config) {
  const { DATABASE_URL, KRAKEN_API_URL, KRAKEN_WS_URL, KRAKEN_API_KEY, KRAKEN_API_SECRET } = config;
  const needed = { DATABASE_URL, KRAKEN_API_URL, KRAKEN_WS_URL, KRAKEN_API_KEY, KRAKEN_API_SECRET };
  const missing = Object.entries(needed).filter(([, value]) => value === undefined);
  if (missing.length > 0) {
    throw new Error(
      `the worker needs ${missing.map(([name]) => name).join(', ')}; holdfast up provides them all`,
    );
  }
  return {
    databaseUrl: DATABASE_URL ?? '',
    apiUrl: KRAKEN_API_URL ?? '',
    wsUrl: KRAKEN_WS_URL ?? '',
    key: KRAKEN_API_KEY ?? '',
    secret: KRAKEN_API_SECRET ?? '',
  };
}

export function predictionProvider(config: Config, intervalMs: number, log: Logger): PredictionProvider {
  const ttlMs = 2 * intervalMs;
  switch (config.PREDICTION_URL) {
    case 'none':
      return noPredictions;
    case 'builtin':
      return momentumProvider(ttlMs);
    default:
      return httpProvider({ url: config.PREDICTION_URL, ttlMs, timeoutMs: 3_000, log });
  }
}

export function riskLimits(config: Config): RiskLimits {
  return {
    maxOpenPositions: config.HOLDFAST_MAX_OPEN_POSITIONS,
    maxPositionsPerSymbol: config.HOLDFAST_MAX_POSITIONS_PER_SYMBOL,
    maxNotional: config.HOLDFAST_MAX_NOTIONAL,
    maxExposure: config.HOLDFAST_MAX_EXPOSURE ?? null,
    maxDailyLoss: config.HOLDFAST_MAX_DAILY_LOSS ?? null,
    maxDrawdown: config.HOLDFAST_MAX_DRAWDOWN ?? null,
  };
}

/** Their minutes are the policy's: on a tape that runs faster than life they are shorter too. */
export function protections(config: Config, timeScale: number): Protections {
  const ms = (minutes: number) => (minutes * 60_000) / timeScale;
  const { HOLDFAST_COOLDOWN_MINUTES: cooldown, HOLDFAST_STOPLOSS_GUARD: guard } = config;
  const { HOLDFAST_LOW_PROFIT: lowProfit, HOLDFAST_MAX_EQUITY_SHARE: maxEquityShare = null } = config;
  return {
    cooldownMs: cooldown > 0 ? ms(cooldown) : null,
    stoplossGuard: guard ? { stops: guard.stops, windowMs: ms(guard.minutes) } : null,
    lowProfit: lowProfit
      ? { trades: lowProfit.trades, windowMs: ms(lowProfit.minutes), leastReturn: lowProfit.leastReturn }
      : null,
    maxEquityShare,
  };
}

export function tradeSettings(config: Config, timeScale: number): TradeSettings {
  return {
    listingLagMs: config.listingLagMs,
    persistBudgetMs: config.HOLDFAST_PERSIST_BUDGET_MS,
    entryRestMs: 300_000 / timeScale,
    partialRestMs: 30_000 / timeScale,
    protectiveStop: config.HOLDFAST_PROTECTIVE_STOP,
  };
}

export function scanSettings(config: Config): ScanSettings {
  return {
    symbols: config.HOLDFAST_SCAN_SYMBOLS,
    maxPerSymbol: config.HOLDFAST_SCAN_MAX_PER_SYMBOL,
    baseNotional: config.HOLDFAST_BASE_NOTIONAL,
  };
}

/** Where a paper exchange may live beside loopback, and the tier whose call limits apply. */
export function exchangeAccess(config: Config): { paperHosts: readonly string[]; tier?: Tier } {
  const { HOLDFAST_PAPER_HOSTS: paperHosts, HOLDFAST_KRAKEN_TIER: tier } = config;
  return { paperHosts, ...(tier === undefined ? {} : { tier }) };
}
