import { ActivityFailure, condition, sleep } from '@temporalio/workflow';
import { roundDown, type Decimal } from '../domain/money.ts';
import { exitOrderSide } from '../domain/position.ts';
import { stopTrigger } from '../domain/protective-stop.ts';
import { SEND_WINDOW_MS } from '../domain/safety-times.ts';
import { isDust } from '../domain/sizing.ts';
import { asking, changing, guarding, recording } from './activity-options.ts';
import { placeOrder, proveOutcome, type LegOrder, type Placed } from './place-order.ts';
import { countStop, demandAfterStop, isKnown, type KnownStop } from './stop-state.ts';
import { openQuantity, type RearmRequest } from './trade-state.ts';
import type { EntryPlan, ProtectiveStop, StopLeg, TradeState } from './messages.ts';

/** How long arming waits for the stop; when it takes longer, a guard that may not sell watches meanwhile. */
const PLACING_PATIENCE_MS = 1_000;
/** After a refusal; after the last of them a human is told, and it is tried again whenever the guard is looked at. */
const RETRY_AFTER_MS = [1_000, 10_000] as const;

/**
 * Keeps a stop-loss order at the emergency level on the exchange, for what is open, so that the emergency stop fires
 * with everything of ours dead. On spot it holds the balance, so whoever sells has to withdraw it first and learn
 * what it filled: the guard, which is told of it, or the trade. So none is placed while a guard may sell without
 * knowing of it, and no guard may sell while it isn't known whether there is one.
 */
export class StopKeeper {
  readonly #state: TradeState;
  readonly #plan: EntryPlan;
  readonly #rearm: RearmRequest;
  #isSettling = false;
  /** Arming has gone ahead without it. */
  #isLate = false;
  #isFresh = false;
  #isLooking = false;
  #refusals = 0;

  constructor(state: TradeState, plan: EntryPlan, rearm: RearmRequest) {
    this.#state = state;
    this.#plan = plan;
    this.#rearm = rearm;
  }

  /** There has to be a stop, and it is not known to be there. */
  isMissing(): boolean {
    return this.#isWanted() && !isKnown(this.#state.stop);
  }

  /** Before the guard is armed. */
  async place(): Promise<void> {
    const state = this.#state;
    if (!state.stop) {
      if (wantedStop(state, this.#plan) === null || !(await this.#suspendGuard())) return;
      if (!this.#isWanted()) return;
      state.stop = this.#nextStop();
      if (!state.stop) return;
      void this.#settle(
        placeOrder(stopOrder(state, this.#plan, state.stop), this.#plan.settings.listingLagMs),
      );
    } else if (!this.#isSettling) {
      // Sent by a run of this trade that ended before it had an answer.
      void this.#settle(lookUpStop(state.stop, this.#plan));
    }
    await condition(() => !this.#isSettling || state.demand !== null, PLACING_PATIENCE_MS);
    this.#isLate = this.#isSettling;
    this.#isFresh = !this.#isSettling;
  }

  /** After the guard is armed, and without keeping anybody waiting: has it filled, is it gone, is its size right? */
  look(): void {
    const isFresh = this.#isFresh && !this.#rearm.hasStopMoved;
    this.#isFresh = false;
    this.#rearm.hasStopMoved = false;
    if (isFresh || this.#isLooking || !isKnown(this.#state.stop)) return;
    this.#isLooking = true;
    void this.#compare().finally(() => (this.#isLooking = false));
  }

  #isWanted(): boolean {
    const { demand, legInDoubtSinceMs } = this.#state;
    return this.#plan.settings.protectiveStop === true && demand === null && legInDoubtSinceMs === null;
  }

  /** Null for what is too little for an order. */
  #nextStop(): ProtectiveStop | null {
    const wanted = wantedStop(this.#state, this.#plan);
    if (!wanted) return null;
    const submittedAtMs = Date.now();
    return {
      leg: `stop-${this.#state.nextStopLeg ?? 1}`,
      exchangeOrderId: null,
      ...wanted,
      submittedAtMs,
      deadlineMs: submittedAtMs + SEND_WINDOW_MS,
    };
  }

  async #settle(placing: Promise<Placed>): Promise<void> {
    const state = this.#state;
    const { stop } = state;
    if (!stop) return;
    this.#isSettling = true;
    const placed = await placing;
    this.#isSettling = false;
    settleStop(state, stop.leg, placed);
    if (placed.kind === 'refused') this.#refused(`${placed.code}: ${placed.message}`);
    else this.#refusals = 0;
    if (this.#isLate) this.#rearm.ask();
    this.#isLate = false;
  }

  #refused(why: string): void {
    const pauseMs = RETRY_AFTER_MS[this.#refusals];
    this.#refusals += 1;
    if (pauseMs === undefined) {
      this.#refusals = 0;
      void tellHuman(this.#state, why);
      return;
    }
    void condition(() => this.#state.demand !== null, pauseMs).then(() => this.#rearm.ask());
  }

  /**
   * Ends the guard's right to sell without having it sell. False when it has sold, or doesn't answer: then no stop
   * may be placed now.
   */
  async #suspendGuard(): Promise<boolean> {
    const state = this.#state;
    const { guard, position } = state;
    if (!guard || !position) return true;
    const { leaseId, taskQueue } = guard;
    try {
      const { fired } = await guarding(taskQueue, 'a stop is to be placed').suspendGuard({
        positionId: position.positionId,
      });
      state.fired ??= fired;
      return fired === null && state.guard?.leaseId === leaseId;
    } catch (failure) {
      if (!(failure instanceof ActivityFailure)) throw failure;
      this.#rearm.ask();
      return false;
    }
  }

  async #compare(): Promise<void> {
    const state = this.#state;
    const { stop } = state;
    if (!isKnown(stop)) return;
    const order = await asking.readOrder({ exchangeOrderId: stop.exchangeOrderId, purpose: 'exit' });
    if (state.stop?.exchangeOrderId !== stop.exchangeOrderId) return;
    if (order.fills.length > 0) {
      demandAfterStop(state, stop.triggerPrice);
    } else if (order.isFinished) {
      // Somebody cancelled it: a guard that died before it could sell, or a person.
      await withdrawStop(state, this.#plan);
      this.#rearm.ask();
    } else if (state.demand === null) {
      await this.#amend(stop);
    }
  }

  /** A guard that fires meanwhile cancels it, whatever its size. */
  async #amend(stop: KnownStop): Promise<void> {
    const state = this.#state;
    const wanted = wantedStop(state, this.#plan);
    if (!wanted || (wanted.quantity === stop.quantity && wanted.triggerPrice === stop.triggerPrice)) return;
    const isAmended = await changing(`${stop.leg}: ${wanted.quantity} at ${wanted.triggerPrice}`).amendStop({
      exchangeOrderId: stop.exchangeOrderId,
      ...wanted,
    });
    if (!isAmended || state.stop?.exchangeOrderId !== stop.exchangeOrderId) return;
    const amended = { ...stop, ...wanted };
    state.stop = amended;
    // The entry may have filled on meanwhile.
    await this.#amend(amended);
  }
}

/**
 * Gets the stop out of the way of an exit and counts what it has filled. Ends only on proof: that it never was, or
 * that it can't fill any more.
 */
export async function withdrawStop(state: TradeState, plan: EntryPlan): Promise<void> {
  await proveStop(state, plan);
  for (let pauseMs = 100; isKnown(state.stop); pauseMs = Math.min(pauseMs * 2, 5_000)) {
    const { leg, exchangeOrderId } = state.stop;
    const order = await changing(`${leg} goes before an exit`).withdrawStop({ leg, exchangeOrderId });
    if (order.isFinished) countStop(state, order);
    else await sleep(pauseMs);
  }
}

/** Whoever placed it usually knows in a moment; a stop whose answer was lost is looked up. */
async function proveStop(state: TradeState, plan: EntryPlan): Promise<void> {
  const { stop } = state;
  if (!stop || isKnown(stop)) return;
  if (await condition(() => state.stop !== stop, PLACING_PATIENCE_MS)) return;
  const settled = condition(() => state.stop !== stop).then(() => null);
  const found = await Promise.race([lookUpStop(stop, plan), settled]);
  if (found) settleStop(state, stop.leg, found);
}

async function lookUpStop(stop: ProtectiveStop, { settings }: EntryPlan): Promise<Placed> {
  const { leg, submittedAtMs, deadlineMs } = stop;
  const order = await proveOutcome(leg, submittedAtMs, deadlineMs, settings.listingLagMs);
  return order ? { kind: 'accepted', order, submittedAtMs } : { kind: 'absent' };
}

/** Two may have asked: the first answer stands, and the second says the same. */
function settleStop(state: TradeState, leg: StopLeg, placed: Placed): void {
  const { stop } = state;
  if (stop?.leg !== leg || isKnown(stop)) return;
  state.stop = placed.kind === 'accepted' ? { ...stop, exchangeOrderId: placed.order.exchangeOrderId } : null;
}

function wantedStop(
  state: TradeState,
  plan: EntryPlan,
): { readonly quantity: Decimal; readonly triggerPrice: Decimal } | null {
  const { position, request } = state;
  if (!position) return null;
  const quantity = roundDown(openQuantity(state, position), plan.minimums.quantityDecimals);
  if (isDust(plan.minimums, quantity)) return null;
  const entry = { side: request.side, entryPrice: position.entry.averagePrice, tickSize: plan.tickSize };
  return { quantity, triggerPrice: stopTrigger(entry, plan.policy) };
}

function stopOrder(state: TradeState, plan: EntryPlan, stop: ProtectiveStop): LegOrder {
  const { symbol, side } = state.request;
  return {
    leg: stop.leg,
    purpose: 'exit',
    symbol,
    side: exitOrderSide(side),
    type: 'stop-loss',
    quantity: stop.quantity,
    limitPrice: null,
    triggerPrice: stop.triggerPrice,
    leverage: plan.leverage,
    reduceOnly: plan.leverage !== null,
  };
}

/** Not waited for: the guard watches all the same. */
async function tellHuman({ request, position }: TradeState, why: string): Promise<void> {
  await recording.raiseFinding({
    kind: 'stop-refused',
    subject: position?.positionId ?? request.tradeId,
    detail: { tradeId: request.tradeId, why },
  });
}
