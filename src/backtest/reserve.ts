import { fitEntry } from '../domain/entry-size.ts';
import { compare, type Decimal } from '../domain/money.ts';
import type { Side } from '../domain/position.ts';
import { checkProtections, type ProtectionHistory, type ProtectionRefusal } from '../domain/protections.ts';
import { positionId } from '../domain/records.ts';
import { CAPITAL_LIMITS, checkEntry, without, type Refusal, type RiskSnapshot } from '../domain/risk.ts';
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
  const { symbol, side, confidence, pair, notional, quotePrice, nowMs, settings, account } = request;
  const { limits, protections } = settings;
  const minimums = minimumsOf(pair);
  const asked = sizeOrder(minimums, notional, quotePrice);
  if ('refusal' in asked) return { refusal: 'order-minimum' };
  const snapshot = new Snapshot(request);
  const equity = protections.maxEquityShare === null ? null : snapshot.equity;
  const { wanted, fitted } = fitEntry(
    asked,
    { limits, protections, equity, standing: snapshot },
    { price: quotePrice, minimums, costReserve: 2 * takerFee(pair) },
  );
  const refusal = refuse(request, snapshot, fitted.notional, equity);
  if (!refusal) return { quantity: fitted.quantity };
  if (CAPITAL_LIMITS.includes(refusal.limit)) {
    const candidates = [...account.holdings].map(candidateOf);
    const standing = snapshot.whole();
    const weakest = weakestToRotate(
      candidates,
      { symbol, side, confidence },
      nowMs,
      (candidate) => refuse(request, without(standing, candidate, symbol), wanted, equity) === null,
    );
    const givesWay = [...account.holdings][candidates.findIndex((candidate) => candidate === weakest)];
    if (givesWay) return { givesWay };
  }
  return { refusal: refusal.limit === 'funds' ? 'insufficient-funds' : refusal.limit };
}

function refuse(
  { symbol, nowMs, settings, history }: ReserveRequest,
  standing: RiskSnapshot,
  notional: Decimal,
  equity: Decimal | null,
): Refusal | ProtectionRefusal | null {
  const { limits, protections } = settings;
  const entry = { tradeId: symbol, symbol, notional, signalExpiresAtMs: null };
  const refusal = checkEntry(limits, standing, entry);
  if (refusal || history === null) return refusal;
  return checkProtections(protections, history, { symbol, notional, equity, nowMs });
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
class Snapshot implements RiskSnapshot {
  readonly nowMs: number;
  readonly halt = null;
  readonly ended = null;
  readonly openPositions: number;
  readonly openPositionsOfSymbol: number;
  readonly exposure: Decimal;
  readonly freeCash: Decimal | null;
  readonly realizedToday: Decimal;
  readonly #curve: EquityCurve;
  readonly #sighting: Sighting;

  constructor({ symbol, side, realizedToday, nowMs, account, curve, sighting }: ReserveRequest) {
    let ofSymbol = 0;
    for (const { held } of account.holdings) if (held.opening.facts.symbol === symbol) ofSymbol += 1;
    this.nowMs = nowMs;
    this.openPositions = account.holdings.size;
    this.openPositionsOfSymbol = ofSymbol;
    this.exposure = account.exposure;
    this.freeCash = side === 'long' ? account.cash : null;
    this.realizedToday = realizedToday;
    this.#curve = curve;
    this.#sighting = sighting;
  }

  get equity(): Decimal {
    return this.#sighting.exactly().equity;
  }

  get dayStartEquity(): Decimal {
    return this.#curve.dayStart(this.nowMs);
  }

  get peakEquity(): Decimal {
    const { peak } = this.#curve;
    return compare(peak, this.equity) > 0 ? peak : this.equity;
  }

  /** All of it reckoned, to be changed by {@link without}. */
  whole(): RiskSnapshot {
    const { nowMs, halt, ended, openPositions, openPositionsOfSymbol, exposure, freeCash } = this;
    const { realizedToday, equity, dayStartEquity, peakEquity } = this;
    const known = { nowMs, halt, ended, openPositions, openPositionsOfSymbol, exposure, freeCash };
    return { ...known, realizedToday, equity, dayStartEquity, peakEquity };
  }
}
