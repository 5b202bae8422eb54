import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { CloseRequest } from '../activities/ledger.ts';
import type { Evidence, FindingKind } from '../domain/audit/views.ts';
import type { Evaluation, ExitRule, Policy, Prediction } from '../domain/exit-policy.ts';
import type { HoldBand } from '../domain/hold-band.ts';
import type { OrderMinimums } from '../domain/sizing.ts';
import type { OrderRecord } from '../domain/records.ts';
import type { Decimal } from '../domain/money.ts';
import type { FillSummary, Side } from '../domain/position.ts';
import type { SubmitOutcome } from '../activities/orders.ts';

/** Signals, queries, updates and the types they carry: defined once, used by handlers and by client.ts. */

export type Stage =
  'reserving' | 'entering' | 'open' | 'exiting' | 'closed' | 'rejected' | 'cancelled' | 'compensated';

/** Where a trade's idea came from. */
export interface TradeSignal {
  readonly source: string;
  /** 0..1 */
  readonly confidence: number;
  readonly asOfMs: number;
  /** An entry signal older than this is rejected, not placed late. */
  readonly ttlMs: number;
}

export interface TradeRequest {
  readonly tradeId: string;
  readonly symbol: string;
  readonly side: Side;
  /** Quote currency. */
  readonly notional: Decimal;
  readonly order: { readonly type: 'market' } | { readonly type: 'limit'; readonly price: Decimal };
  readonly strategy: string;
  readonly signal: TradeSignal;
  /** Of an entry that the scan found: it may take the capital of a weaker position, and is studied when it comes to nothing. */
  readonly scan?: {
    /** Before multiplier, confidence and volatility, quote currency. */
    readonly baseNotional: Decimal;
  };
}

/** Times that a trade pins when it starts, so that a changed environment never changes a running one. */
export interface TradeSettings {
  /** How long after its deadline an order may still be missing from the exchange's lists. */
  readonly listingLagMs: number;
  readonly persistBudgetMs: number;
  /** How long an entry order may rest unfilled. */
  readonly entryRestMs: number;
  /** How long the rest of a partly filled entry may still rest. */
  readonly partialRestMs: number;
  /** Whether a stop-loss order rests on the exchange as the last line. Absent: no. */
  readonly protectiveStop?: boolean;
}

/** What the reserving transaction decided. */
export interface EntryPlan {
  readonly quantity: Decimal;
  readonly quotePrice: Decimal;
  readonly policy: Policy;
  readonly volatilityScale: number;
  readonly roundTripFee: number;
  readonly tickSize: Decimal;
  readonly minimums: OrderMinimums;
  /** Set for shorts: the leverage of the margin position. */
  readonly leverage: number | null;
  readonly equity: Decimal;
  readonly settings: TradeSettings;
  readonly marketConditions: Readonly<Record<string, unknown>>;
}

/** The open position as the workflow knows it: what the entry's fills made. */
export interface OpenPosition {
  readonly positionId: string;
  readonly entryOrderId: string;
  readonly firstFillId: string;
  readonly entry: FillSummary;
  /** Of an adopted entry, which carries the id of a trade that nobody knows any more. */
  readonly entryClientOrderId?: string;
}

/** The lease under which a position is guarded, and the queue on which only its worker listens. */
export interface GuardRef {
  readonly leaseId: string;
  readonly taskQueue: string;
}

/** The answer of the policy that a person sees. */
export interface LastEvaluation {
  readonly evaluation: Evaluation;
  readonly mark: Decimal;
  readonly band: HoldBand | null;
  readonly atMs: number;
  /** How old the mark was then. */
  readonly markAgeMs: number | null;
  /** What was known then; absent in answers of before it was told. */
  readonly prediction?: Prediction | null;
}

/** `compensation`: it could not be persisted. `reconciliation`: it was found sold. */
export type UntaughtRule = 'compensation' | 'reconciliation';

export interface ExitDemand {
  /** A rule of the policy; what no rule decided teaches nothing. */
  readonly rule: ExitRule | UntaughtRule;
  readonly reason: string;
  readonly atMs: number;
}

export type ExitLeg = `exit-${number}`;
export type StopLeg = `stop-${number}`;

/** A finished exit order that filled: ours, or one that somebody else placed by hand. */
export interface ExitRecord extends OrderRecord {
  readonly leg: ExitLeg | StopLeg | 'outside';
}

/** The stop-loss order at the emergency level, from before it is sent until it is proven finished. */
export interface ProtectiveStop {
  readonly leg: StopLeg;
  /** Null while it is not known whether the exchange has taken it. */
  readonly exchangeOrderId: string | null;
  readonly quantity: Decimal;
  readonly triggerPrice: Decimal;
  readonly submittedAtMs: number;
  readonly deadlineMs: number;
}

export type Persistence = 'pending' | 'confirmed' | 'failed';

/** All of a trade's state; carried over continue-as-new and answered by the query `state`. */
export interface TradeState {
  readonly request: TradeRequest;
  stage: Stage;
  plan: EntryPlan | null;
  entryRequestedAtMs: number | null;
  entrySubmittedAtMs: number | null;
  position: OpenPosition | null;
  persistence: Persistence;
  guard: GuardRef | null;
  evaluation: LastEvaluation | null;
  /** When its guard last had a mark, once it has had none for half a minute; null while marks are fresh. */
  noMarkSinceMs: number | null;
  demand: ExitDemand | null;
  /** What a guard sent from memory for the next exit leg. */
  fired: FiredExit | null;
  /** When a guard was lost that may have sent the next exit leg; until that is settled nobody may fire it again. */
  legInDoubtSinceMs: number | null;
  /** An order of this trade that the exchange told of, until it has been asked for. */
  movedOrderId: string | null;
  /** Of what is still to be sold, what the exchange was found not to hold; nothing of that is sent. */
  shortage: Decimal | null;
  exits: ExitRecord[];
  /** Number of the next exit leg. */
  nextExitLeg: number;
  /** Absent in states of before there were any. */
  stop?: ProtectiveStop | null;
  nextStopLeg?: number;
  /** Trades whose close made room while this one waited for capital. */
  roomMadeBy?: readonly string[];
  /** The trade that waits for this one's capital. */
  makesRoomFor?: string;
  /** Why the trade ended without a position, or what a person should know. */
  note: string | null;
  realizedPnl: Decimal | null;
}

export interface TradeInput {
  readonly request: TradeRequest;
  /** Continue-as-new, adoption and restart begin here instead of at `reserving`. */
  readonly resume?: TradeState;
}

export interface TradeResult {
  readonly tradeId: string;
  readonly stage: Stage;
  readonly positionId: string | null;
  readonly exitRule: string | null;
  readonly realizedPnl: Decimal | null;
  readonly note: string | null;
}

export interface ExitReason {
  readonly reason: string;
}

export interface ExitAnswer {
  readonly accepted: boolean;
  readonly stage: Stage;
}

/** A better signal finds no free capital. */
export interface GiveWay {
  /** The entry that waits. */
  readonly tradeId: string;
  readonly symbol: string;
  /** Of its signal, 0..1. */
  readonly confidence: number;
}

export interface TradeProgress {
  readonly stage: Stage;
  readonly positionId: string | null;
  readonly note: string | null;
}

/** An exit order that a guard sent from memory. */
export interface FiredExit {
  readonly leg: ExitLeg;
  readonly submittedAtMs: number;
  readonly deadlineMs: number;
  readonly outcome: SubmitOutcome;
}

/** Sent by a guard whose mark or prediction decided the exit; `fired` is null where it may not sell itself. */
export interface ExitDecision {
  readonly last: LastEvaluation;
  readonly fired: FiredExit | null;
}

/** How a guard's lease ended, told to every running trade. */
export interface GuardLost {
  readonly leaseId: string;
  /** Nothing that the guard sent is accepted after this moment. */
  readonly lastDeadlineMs: number;
  /** False where the guard gave the lease back itself, and has not sold the position of this trade. */
  readonly mayHaveSold: boolean;
}

/** A finding that was seen twice, with what its settlement starts from. */
export interface FindingToSettle {
  readonly id: string;
  readonly kind: FindingKind;
  readonly subject: string;
  readonly evidence: Evidence;
}

/** One disagreement to settle. The workflow id makes each settled once. */
export type SettleInput =
  | { readonly kind: 'unrecorded-close'; readonly tradeId: string; readonly close: CloseRequest }
  | { readonly kind: 'finding'; readonly finding: FindingToSettle };

/** Exits that the trade did not place, proven by their fills. */
export interface SoldOutside {
  readonly exits: readonly ExitRecord[];
}

export interface SoldOutsideAnswer {
  readonly stage: Stage;
  readonly openQuantity: Decimal;
}

export const forceExitSignal = defineSignal<[ExitReason]>('forceExit');
export const exitDecidedSignal = defineSignal<[ExitDecision]>('exitDecided');
/** News that an order filled or ended: whoever follows it asks for it. */
export const orderMovedSignal = defineSignal<[{ exchangeOrderId: string }]>('orderMoved');
/** From the guard: since when there is no fresh mark, or null when there is one again. */
export const marksStaleSignal = defineSignal<[{ sinceMs: number | null }]>('marksStale');
export const guardLostSignal = defineSignal<[GuardLost]>('guardLost');
export const requestExitUpdate = defineUpdate<ExitAnswer, [ExitReason]>('requestExit');
/** Asks for the exit of a position in favour of a better signal; it declines within its minimum hold. */
export const giveWayUpdate = defineUpdate<ExitAnswer, [GiveWay]>('giveWay');
/** To the trade that waits: the position is closed, its capital is free. */
export const roomMadeSignal = defineSignal<[{ tradeId: string }]>('roomMade');
/** Answers once the trade has got that far, or has ended before. */
export const progressUpdate = defineUpdate<TradeProgress, ['reserved' | 'opened']>('progress');
/** Reconciliation tells the trade what others sold of its position; an order counts once however often it is told. */
export const soldOutsideUpdate = defineUpdate<SoldOutsideAnswer, [SoldOutside]>('soldOutside');
/** To `equity`: a close was recorded that no snapshot covers yet. */
export const positionClosedSignal = defineSignal('positionClosed');
export const stateQuery = defineQuery<TradeState>('state');
