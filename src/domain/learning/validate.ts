import { isDecimal } from '../money.ts';
import { moveFraction } from '../position.ts';
import { horizonMs, type Outcome, type PathPoint, type Study, type StudiedSignal } from './study.ts';

export interface RefusedStudy {
  readonly id: string;
  readonly reasons: readonly string[];
}

/** A larger move of the price within one path, or P&L further off than this, is a fault of the data. */
const ABSURD_FACTOR = 10;
/** P&L may differ from price times quantity by dust: a share of the entry notional. */
const PNL_TOLERANCE = 0.01;

/** Parts the studies to learn from from those that can't be trusted. Of two with one id the first counts. */
export function validateStudies(
  studies: readonly Study[],
  knownVersions: readonly number[] | null,
): { valid: Study[]; refused: RefusedStudy[] } {
  const ids = new Set<string>();
  const valid: Study[] = [];
  const refused: RefusedStudy[] = [];
  for (const study of studies) {
    const reasons = validateStudy(study, knownVersions);
    if (ids.has(study.id)) reasons.push(`${study.id} was studied before`);
    ids.add(study.id);
    if (reasons.length === 0) valid.push(study);
    else refused.push({ id: study.id, reasons });
  }
  return { valid, refused };
}

/** Every reason why a study can't be trusted, naming field, value and what is allowed; empty when it can. */
export function validateStudy(study: Study, knownVersions: readonly number[] | null): string[] {
  const reasons = signalFaults(study);
  if (knownVersions && !knownVersions.includes(study.thresholdsVersion)) {
    reasons.push(`thresholdsVersion ${study.thresholdsVersion} never existed`);
  }
  const { outcome } = study;
  if (outcome) {
    const faults = outcomeFaults(outcome);
    if (faults.length === 0) faults.push(...mismatches(study, outcome));
    reasons.push(...faults);
  }
  for (const rival of study.rivals) {
    reasons.push(...signalFaults(rival).map((fault) => `rival ${rival.id}: ${fault}`));
  }
  return reasons;
}

/** What speaks against a signal and the market around it, whatever came of it. */
export function signalFaults(signal: StudiedSignal): string[] {
  const faults = [
    outside('confidence', signal.confidence, 0, 1),
    positivePrice('entryPrice', signal.entryPrice),
    outside('entryTimeMs', signal.entryTimeMs, 0, Number.MAX_SAFE_INTEGER),
    outside('entryFeeRate', signal.entryFeeRate, 0, 0.1),
    outside('exitFeeRate', signal.exitFeeRate, 0, 0.1),
    outside('volatilityRatio', signal.volatilityRatio, 1e-6, 1e6),
    outside('baseFraction', signal.baseFraction, Number.MIN_VALUE, 1000),
    signal.maxFraction === null ? null : outside('maxFraction', signal.maxFraction, Number.MIN_VALUE, 1000),
    outside('timeScale', signal.timeScale, 1e-3, 1e6),
    outside('maxStepMs', signal.maxStepMs, 1, 7 * 86_400_000),
  ].filter((fault) => fault !== null);
  for (const { confidence, asOfMs, ttlMs } of signal.predictions) {
    if (!(confidence >= 0 && confidence <= 1) || !Number.isFinite(asOfMs) || !Number.isFinite(ttlMs)) {
      faults.push(`prediction {confidence: ${confidence}, asOfMs: ${asOfMs}, ttlMs: ${ttlMs}} is not one`);
    }
  }
  return faults.length > 0 ? faults : pathFaults(signal);
}

function pathFaults(signal: StudiedSignal): string[] {
  const { path, maxStepMs, entryTimeMs, entryPrice } = signal;
  let previous: PathPoint = { timeMs: entryTimeMs, price: entryPrice };
  let points = 0;
  let earlierMs = -Infinity;
  for (const point of path) {
    const { timeMs, price } = point;
    if (!Number.isFinite(timeMs) || timeMs < earlierMs) {
      return [`path: time ${timeMs} is out of order`];
    }
    earlierMs = timeMs;
    const fault = positivePrice('path: price', price);
    if (fault) return [fault];
    if (timeMs < entryTimeMs) continue;
    if (timeMs - previous.timeMs > maxStepMs) {
      return [`path: gap from ${previous.timeMs} to ${timeMs}, at most ${maxStepMs} ms is allowed`];
    }
    const factor = Number(price) / Number(previous.price);
    if (factor > ABSURD_FACTOR || factor < 1 / ABSURD_FACTOR) {
      return [`path: price jumps from ${previous.price} to ${price}`];
    }
    previous = point;
    points += 1;
  }
  return points === 0 ? ['path: no price after the entry'] : [];
}

function outcomeFaults(outcome: Outcome): string[] {
  const faults = [
    positivePrice('quantity', outcome.quantity),
    positivePrice('entryPrice', outcome.entryPrice),
    positivePrice('exitPrice', outcome.exitPrice),
    positivePrice('equityAtEntry', outcome.equityAtEntry),
    amount('entryFee', outcome.entryFee),
    amount('exitFee', outcome.exitFee),
    amount('netPnl', outcome.netPnl),
    outside('volatilityScale', outcome.volatilityScale, 0.5, 2),
    outside('returnFraction', outcome.returnFraction, -ABSURD_FACTOR, ABSURD_FACTOR),
    outside('exitTimeMs', outcome.exitTimeMs, outcome.entryTimeMs, Number.MAX_SAFE_INTEGER),
  ].filter((fault) => fault !== null);
  if (faults.length > 0) return faults;
  const quantity = Number(outcome.quantity);
  const entry = Number(outcome.entryPrice);
  const move = moveFraction(outcome.side, entry, Number(outcome.exitPrice));
  const notional = quantity * entry;
  const expected = move * notional - Number(outcome.entryFee) - Number(outcome.exitFee);
  if (Math.abs(Number(outcome.netPnl) - expected) > PNL_TOLERANCE * notional) {
    faults.push(`netPnl is ${outcome.netPnl}, prices, quantity and fees make ${expected.toFixed(8)}`);
  }
  if (Math.abs(outcome.returnFraction - move) > PNL_TOLERANCE) {
    faults.push(`returnFraction is ${outcome.returnFraction}, the prices make ${move}`);
  }
  return faults;
}

/** Where the study contradicts the outcome it was made of. */
function mismatches(study: Study, outcome: Outcome): string[] {
  const faults: string[] = [];
  if (outcome.positionId !== study.id) faults.push(`id ${study.id} is not position ${outcome.positionId}`);
  if (outcome.thresholdsVersion !== study.thresholdsVersion) {
    faults.push(`thresholdsVersion ${study.thresholdsVersion} is not the outcome's`);
  }
  const heldMs = outcome.exitTimeMs - outcome.entryTimeMs;
  const endsMs = outcome.exitTimeMs + horizonMs(heldMs, outcome.timeScale);
  const lastMs = study.path.at(-1)?.timeMs ?? -Infinity;
  if (lastMs < endsMs - study.maxStepMs) {
    faults.push(`path: ends at ${lastMs}, the horizon at ${endsMs}`);
  }
  return faults;
}

function outside(field: string, value: number, min: number, max: number): string | null {
  return value >= min && value <= max ? null : `${field} is ${value}, allowed is ${min}..${max}`;
}

function amount(field: string, value: string): string | null {
  return isDecimal(value) ? null : `${field} is ${value}, it must be a decimal`;
}

function positivePrice(field: string, value: string): string | null {
  return isDecimal(value) && Number(value) > 0 ? null : `${field} is ${value}, it must be above 0`;
}
