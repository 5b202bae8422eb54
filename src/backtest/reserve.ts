import { fitEntry } from '../domain/entry-size.ts';
import { compare, type Decimal } from '../domain/money.ts';
import type { Side } from '../domain/position.ts';
import { checkProtections, type ProtectionHistory } from '../domain/protections.ts';
import { positionId } from '../domain/records.ts';
import { CAPITAL_LIMITS, checkEntry, without, type RiskSnapshot } from '../domain/risk.ts';
import { weakestToRotate, type OpenCandidate } from '../domain/rotation.ts';
import { sizeOrder } from '../domain/sizing.ts';
import type { Pair } from '../exchange/paper/pairs.ts';
import type { Account, Holding } from './account.ts';
import type { EquityCurve, Sighting } from './equity-curve.ts';
import { minimumsOf, takerFee } from './fills.ts';
import type { BacktestSettings } from './settings.ts';

export interface ReserveRequest {
  readonly symbol: string;
  readonly pair: Pair;
  readonly side: Side;
  readonly confidence: number;
  /** Quote currency. */
  readonly notional: Decimal;
  /** The ask of a long, the bid of a short. */
  readonly quotePrice: Decimal;
  readonly realizedToday: Decimal;
  readonly nowMs: number;
  readonly settings: Pick<BacktestSettings, 'limits' | 'protections'>;
  readonly account: Account;
  readonly curve: EquityCurve;
  readonly sighting: Sighting;
  /** Null where no protection is switched on. */
  readonly history: ProtectionHistory | null;
}

export type Reserved =
  | { readonly quantity: Decimal }
  /** Capital is fully used: this position has to exit first. */
  | { readonly givesWay: Holding }
  | { readonly refusal: string };

/** Judges and cuts an entry as the live stack's reserving transaction does. */
export function reserve(request: ReserveRequest): Reserved {
  const { symbol, side, confidence, pair, notional, quotePrice, nowMs, settings, account, history } = request;
  const { limits, protections } = settings;
  const minimums = minimumsOf(pair);
  const asked = sizeOrder(minimums, notional, quotePrice);
  if ('refusal' in asked) return { refusal: 'order-minimum' };
  const snapshot = snapshotOf(request);
  const equity = protections.maxEquityShare === null ? null : snapshot.equity;
  const { wanted, fitted } = fitEntry(
    asked,
    { limits, protections, equity, standing: snapshot },
    { price: quotePrice, minimums, costReserve: 2 * takerFee(pair) },
  );
  const refuse = (standing: RiskSnapshot, size: Decimal) => {
    const entry = { tradeId: symbol, symbol, notional: size, signalExpiresAtMs: null };
    const refusal = checkEntry(limits, standing, entry);
    if (refusal || history === null) return refusal;
    return checkProtections(protections, history, { symbol, notional: size, equity, nowMs });
  };
  const refusal = refuse(snapshot, fitted.notional);
  if (!refusal) return { quantity: fitted.quantity };
  if (CAPITAL_LIMITS.includes(refusal.limit)) {
    const candidates = [...account.holdings].map(candidateOf);
    const signal = { symbol, side, confidence };
    const weakest = weakestToRotate(
      candidates,
      signal,
      nowMs,
      (candidate) => refuse(without(snapshot, candidate, symbol), wanted) === null,
    );
    const givesWay = [...account.holdings][candidates.findIndex((candidate) => candidate === weakest)];
    if (givesWay) return { givesWay };
  }
  return { refusal: refusal.limit === 'funds' ? 'insufficient-funds' : refusal.limit };
}

export function candidateOf({ held }: Holding): OpenCandidate {
  const { facts, policy, position } = held.opening;
  return {
    tradeId: facts.tradeId,
    positionId: positionId(facts.entry.exchangeOrderId),
    symbol: facts.symbol,
    side: facts.side,
    notional: facts.entry.summary.cost,
    confidence: facts.confidence,
    openedAtMs: position.openedAtMs,
    policy,
  };
}

/** Equity is reckoned only where a limit asks for it. */
function snapshotOf(request: ReserveRequest) {
  const { symbol, side, realizedToday, nowMs, account, curve, sighting } = request;
  let ofSymbol = 0;
  for (const { held } of account.holdings) if (held.opening.facts.symbol === symbol) ofSymbol += 1;
  return {
    nowMs,
    halt: null,
    openPositions: account.holdings.size,
    openPositionsOfSymbol: ofSymbol,
    exposure: account.exposure,
    freeCash: side === 'long' ? account.cash : null,
    realizedToday,
    get equity(): Decimal {
      return sighting.exactly().equity;
    },
    get dayStartEquity(): Decimal {
      return curve.dayStart(nowMs);
    },
    get peakEquity(): Decimal {
      const { equity } = this;
      return compare(curve.peak, equity) > 0 ? curve.peak : equity;
    },
    ended: null,
  };
}
