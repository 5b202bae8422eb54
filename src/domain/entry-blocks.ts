import {
  pausesInForce,
  type ProtectionHistory,
  type ProtectionName,
  type Protections,
} from './protections.ts';
import {
  checkDailyLoss,
  checkDrawdown,
  checkHalt,
  type LimitName,
  type LossSnapshot,
  type Refusal,
  type RiskLimits,
  type RiskSnapshot,
} from './risk.ts';

/** Something that refuses every entry now, or every one in a symbol, whatever is asked. */
export interface EntryBlock {
  readonly limit: LimitName | ProtectionName | 'halted';
  /** Null: in every symbol. */
  readonly symbol: string | null;
  /** What an entry would be refused with. */
  readonly message: string;
  /** When it ends if nothing else happens; null where time alone does not end it. */
  readonly endsAtMs: number | null;
}

export interface BlockView extends LossSnapshot, Pick<RiskSnapshot, 'nowMs' | 'halt'> {
  /** Of each symbol that anything closed in; those without closes can't be held up. */
  readonly histories: ReadonlyMap<string, ProtectionHistory>;
}

const DAY_MS = 86_400_000;

/** Halt, losses and protections that are in force, in the order in which entries are refused by them. Pure. */
export function entryBlocks(limits: RiskLimits, protections: Protections, view: BlockView): EntryBlock[] {
  const { nowMs, histories } = view;
  const midnight = (Math.floor(nowMs / DAY_MS) + 1) * DAY_MS;
  const everywhere = [
    everywhereBy('halted', checkHalt(view), null),
    everywhereBy('maxDailyLoss', checkDailyLoss(limits, view), midnight),
    everywhereBy('maxDrawdown', checkDrawdown(limits, view), null),
  ].filter((block) => block !== null);
  const paused = new Map<string, EntryBlock>();
  for (const [symbol, history] of histories) {
    for (const { limit, message, endsAtMs } of pausesInForce(protections, history, { symbol, nowMs })) {
      const isOfAll = limit === 'stoplossGuard';
      paused.set(isOfAll ? limit : `${limit} ${symbol}`, {
        limit,
        symbol: isOfAll ? null : symbol,
        message,
        endsAtMs,
      });
    }
  }
  return [...everywhere, ...paused.values()];
}

function everywhereBy(
  limit: EntryBlock['limit'],
  refusal: Refusal | null,
  endsAtMs: number | null,
): EntryBlock | null {
  return refusal && { limit, symbol: null, message: refusal.message, endsAtMs };
}
