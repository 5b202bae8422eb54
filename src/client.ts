import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowIdReusePolicy,
  WorkflowNotFoundError,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import { rootCause } from '@temporalio/common';
import type { TradeOutcome } from './activities/ledger.ts';
import type { AuditReport } from './activities/reconcile.ts';
import type { PublishedThresholds } from './activities/studies.ts';
import {
  HOLDFAST_POSITION_ID,
  HOLDFAST_SIDE,
  HOLDFAST_STAGE,
  HOLDFAST_SYMBOL,
} from './workflows/search-attributes.ts';
import type { alerts, AlertsState } from './workflows/alerts.ts';
import type { trade } from './workflows/trade.ts';
import { tradeIdOf, tradeWorkflowId } from './workflows/trade-id.ts';
import { tradeStart } from './workflows/trade-start.ts';
import type { reconcile } from './workflows/reconcile.ts';
import { settlementWorkflowId, type Settled } from './workflows/settlement.ts';
import type { LearningProgress } from './workflows/learning.ts';
import { DESTINATIONS, type Alert, type Destination } from './domain/alerts.ts';
import type { Side } from './domain/position.ts';
import type {
  ExitAnswer,
  ExitDecision,
  GuardLost,
  GiveWay,
  SoldOutside,
  SoldOutsideAnswer,
  Stage,
  TradeProgress,
  TradeRequest,
  TradeResult,
  TradeState,
} from './workflows/messages.ts';

export const TASK_QUEUE = 'holdfast';
export const LEARNING_WORKFLOW_ID = 'learning';
/** Of the readings after closes; those of the schedule have ids of their own. */
export const EQUITY_WORKFLOW_ID = 'equity-after-close';

export function alertsWorkflowId(destination: Destination): string {
  return `alerts-${destination}`;
}

/** No longer than the activities that ask wait: what they have given up must not be asked late. */
const UPDATE_PATIENCE_MS = 5_000;
const FIRST_UPDATE_PAUSE_MS = 50;
const LONGEST_UPDATE_PAUSE_MS = 1_000;
/** "Unable to perform workflow execution update due to unexpected workflow task failure." */
const GRPC_FAILED_PRECONDITION = 9;
const STATE_DEADLINE_MS = 5_000;
const ALERT_DEADLINE_MS = 5_000;
/** A page is decoded in one go, in the process of a guard, whose exits must not wait. */
const LISTED_AT_ONCE = 50;
const RUNNING_TRADES = `WorkflowType = 'trade' AND ExecutionStatus = 'Running'`;

export interface RunningTrade {
  readonly tradeId: string;
  readonly stage: Stage;
  /** Null before the first fill. */
  readonly positionId: string | null;
  readonly symbol: string | null;
  readonly side: Side | null;
}

export interface AlertDelivery {
  readonly destination: Destination;
  readonly state: AlertsState;
  /** Of the message that is being sent; null while none is. */
  readonly attempt: number | null;
  readonly trouble: string | null;
}

/** One of the three could not be asked. */
export class ReconcileFailed extends Error {
  override readonly name = 'ReconcileFailed';
  constructor(why: string) {
    const [first = ''] = why.split('\n');
    super(
      `exchange, database and workflows could not be compared (${first}): nothing was changed, positions stay under guard, and it is tried again every minute; see: holdfast doctor`,
    );
  }
}

/** Typed ways to start, signal, update and ask; the only door to workflows for CLI, dashboard and activities. */
export class HoldfastClient {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Starts a trade. The same id twice is one trade: the second call finds the first. */
  async openTrade(request: TradeRequest): Promise<{ workflowId: string; isNew: boolean }> {
    const start = tradeStart({ request });
    const { workflowId } = start;
    try {
      await this.#client.workflow.start<typeof trade>('trade', {
        ...start,
        taskQueue: TASK_QUEUE,
        workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      });
      return { workflowId, isNew: true };
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return { workflowId, isNew: false };
      throw error;
    }
  }

  /** Waits until the trade has reserved or opened, or has ended before that. */
  async progress(tradeId: string, goal: 'reserved' | 'opened'): Promise<TradeProgress> {
    try {
      return await this.#update<TradeProgress>(tradeId, 'progress', goal);
    } catch (error) {
      // An ended workflow takes no updates; its result says as much.
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      const { stage, positionId, note } = await this.result(tradeId);
      return { stage, positionId, note };
    }
  }

  result(tradeId: string): Promise<TradeResult> {
    return this.#trade(tradeId).result();
  }

  state(tradeId: string): Promise<TradeState> {
    return this.#trade(tradeId).query<TradeState>('state');
  }

  /** Asks for an exit and waits for the trade's answer. Null when no such trade is running. */
  async requestExit(tradeId: string, reason: string): Promise<ExitAnswer | null> {
    return nullIfEnded(this.#update<ExitAnswer>(tradeId, 'requestExit', { reason }));
  }

  /** Asks a trade to make room for a better signal. Null when no such trade is running. */
  async giveWay(tradeId: string, better: GiveWay): Promise<ExitAnswer | null> {
    return nullIfEnded(this.#update<ExitAnswer>(tradeId, 'giveWay', better));
  }

  /** Every trade that has not ended, by Temporal's own list. */
  async runningTrades(): Promise<RunningTrade[]> {
    const trades: RunningTrade[] = [];
    for await (const { workflowId, typedSearchAttributes } of this.#client.workflow.list({
      query: RUNNING_TRADES,
      pageSize: LISTED_AT_ONCE,
    })) {
      trades.push({
        tradeId: tradeIdOf(workflowId),
        stage: (typedSearchAttributes.get(HOLDFAST_STAGE) as Stage | undefined) ?? 'reserving',
        positionId: typedSearchAttributes.get(HOLDFAST_POSITION_ID) ?? null,
        symbol: typedSearchAttributes.get(HOLDFAST_SYMBOL) ?? null,
        side: (typedSearchAttributes.get(HOLDFAST_SIDE) as Side | undefined) ?? null,
      });
    }
    return trades;
  }

  async runningTradeIds(): Promise<string[]> {
    return (await this.runningTrades()).map(({ tradeId }) => tradeId);
  }

  /** Trades that Temporal still remembers, ended ones too, that were started since; the newest first. */
  async rememberedTradeIds(sinceMs: number): Promise<string[]> {
    const query = `WorkflowType = 'trade' AND StartTime > '${new Date(sinceMs).toISOString()}'`;
    const ids: string[] = [];
    for await (const { workflowId } of this.#client.workflow.list({ query, pageSize: LISTED_AT_ONCE })) {
      ids.push(tradeIdOf(workflowId));
    }
    return ids;
  }

  /** By the workflow itself: lists may lag behind. */
  async isRunning(tradeId: string): Promise<boolean> {
    try {
      return (await this.#trade(tradeId).describe()).status.name === 'RUNNING';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }

  /** The last state of a trade, also of one that has ended; null when Temporal doesn't know it or it can't be replayed. */
  async stateIfKnown(tradeId: string): Promise<TradeState | null> {
    try {
      const deadline = Date.now() + STATE_DEADLINE_MS;
      return await this.#client.withDeadline(deadline, () => this.state(tradeId));
    } catch {
      return null;
    }
  }

  /** Tells a trade what others sold of its position. Null when it isn't running. */
  async tellSoldOutside(tradeId: string, sold: SoldOutside): Promise<SoldOutsideAnswer | null> {
    return nullIfEnded(this.#update<SoldOutsideAnswer>(tradeId, 'soldOutside', sold));
  }

  async signalExitDecided(tradeId: string, decision: ExitDecision): Promise<void> {
    await ignoringEnded(this.#trade(tradeId).signal<[ExitDecision]>('exitDecided', decision));
  }

  async signalGuardLost(tradeId: string, lost: GuardLost): Promise<void> {
    await ignoringEnded(this.#trade(tradeId).signal<[GuardLost]>('guardLost', lost));
  }

  async signalMarksStale(tradeId: string, sinceMs: number | null): Promise<void> {
    await ignoringEnded(this.#trade(tradeId).signal<[{ sinceMs: number | null }]>('marksStale', { sinceMs }));
  }

  async signalOrderMoved(tradeId: string, exchangeOrderId: string): Promise<void> {
    await ignoringEnded(
      this.#trade(tradeId).signal<[{ exchangeOrderId: string }]>('orderMoved', { exchangeOrderId }),
    );
  }

  /** Learning runs for ever: the first outcome, or the worker's start, begins it. */
  async ensureLearning(): Promise<void> {
    try {
      await this.#client.workflow.start('learning', {
        taskQueue: TASK_QUEUE,
        workflowId: LEARNING_WORKFLOW_ID,
        args: [{}],
        staticSummary: 'learns 12 thresholds from closed trades',
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }

  /** `by` is the workflow that closed the position: what it sends again is no second outcome. */
  async recordOutcome(outcome: TradeOutcome, by?: string): Promise<void> {
    const signalArgs: [outcome: TradeOutcome, by?: string] = by === undefined ? [outcome] : [outcome, by];
    await this.#client.workflow.signalWithStart('learning', {
      taskQueue: TASK_QUEUE,
      workflowId: LEARNING_WORKFLOW_ID,
      args: [{}],
      signal: 'recordOutcome',
      signalArgs,
    });
  }

  /** Has the account's worth read anew; those who ask while it is being read share the next reading. */
  async positionClosed(): Promise<void> {
    await this.#client.workflow.signalWithStart('equity', {
      taskQueue: TASK_QUEUE,
      workflowId: EQUITY_WORKFLOW_ID,
      args: [],
      signal: 'positionClosed',
      signalArgs: [],
      staticSummary: 'what the account is worth after a close',
    });
  }

  /** Hands alerts to the workflow that delivers them; one that was raised before is not told again. */
  async raiseAlerts(destination: Destination, raised: readonly Alert[]): Promise<void> {
    await this.#client.withDeadline(Date.now() + ALERT_DEADLINE_MS, () =>
      this.#client.workflow.signalWithStart<typeof alerts, [readonly Alert[]]>('alerts', {
        ...alertsStart(destination),
        signal: 'raiseAlerts',
        signalArgs: [raised],
      }),
    );
  }

  /** Starts the delivery to a destination, so that it can be found before its first alert. */
  async ensureAlerts(destination: Destination): Promise<void> {
    try {
      await this.#client.workflow.start<typeof alerts>('alerts', alertsStart(destination));
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }

  /** How the delivery to each destination stands; what is being tried just now comes with its last failure. */
  async alertDeliveries(): Promise<AlertDelivery[]> {
    const deliveries: AlertDelivery[] = [];
    for (const destination of DESTINATIONS) {
      const handle = this.#client.workflow.getHandle<typeof alerts>(alertsWorkflowId(destination));
      try {
        const { status, raw } = await handle.describe();
        if (status.name !== 'RUNNING') continue;
        const { attempt, lastFailure } = raw.pendingActivities?.[0] ?? {};
        const state = await handle.query<AlertsState>('state');
        deliveries.push({
          destination,
          state,
          attempt: attempt ?? null,
          trouble: lastFailure?.message ?? state.lastTrouble,
        });
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    }
    return deliveries;
  }

  /** Tells learning that another version became the active one. */
  async thresholdsChanged(): Promise<void> {
    await ignoringEnded(this.#client.workflow.getHandle(LEARNING_WORKFLOW_ID).signal('thresholdsChanged'));
  }

  /** Null while learning has not read them yet. */
  thresholds(): Promise<PublishedThresholds | null> {
    return this.#client.workflow.getHandle(LEARNING_WORKFLOW_ID).query('thresholds');
  }

  learningProgress(): Promise<LearningProgress> {
    return this.#client.workflow.getHandle(LEARNING_WORKFLOW_ID).query('progress');
  }

  /** One reconciliation now, over everything that the exchange still lists. Throws {@link ReconcileFailed}. */
  async reconcileNow(workflowId: string): Promise<AuditReport> {
    try {
      return await this.#client.workflow.execute<typeof reconcile>('reconcile', {
        taskQueue: TASK_QUEUE,
        workflowId,
        args: [{ isThorough: true }],
      });
    } catch (error) {
      if (error instanceof WorkflowFailedError)
        throw new ReconcileFailed(rootCause(error.cause) ?? 'unknown');
      throw error;
    }
  }

  /**
   * Waits for the settlement of a finding; null when there was none since, epoch ms. Rejects with
   * `WorkflowFailedError` when it failed.
   */
  async settlementSince(findingId: string, sinceMs: number): Promise<Settled | null> {
    const handle = this.#client.workflow.getHandle<() => Promise<Settled>>(settlementWorkflowId(findingId));
    try {
      const { closeTime } = await handle.describe();
      if (closeTime && closeTime.getTime() < sinceMs) return null;
      return await handle.result();
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    }
  }

  /**
   * An update that a worker was at when its task failed, because other news came in between or the worker died, is
   * dropped by Temporal, and so is one that comes while tasks of that trade keep running out: it is asked again, under
   * its own id. Rejects with `WorkflowNotFoundError` when the trade isn't running.
   */
  async #update<Answer>(
    tradeId: string,
    name: 'progress' | 'requestExit' | 'giveWay' | 'soldOutside',
    argument: unknown,
  ): Promise<Answer> {
    const updateId = randomUUID();
    const untilMs = Date.now() + UPDATE_PATIENCE_MS;
    for (let pauseMs = FIRST_UPDATE_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_UPDATE_PAUSE_MS)) {
      try {
        return await this.#trade(tradeId).executeUpdate<Answer, [unknown]>(name, {
          args: [argument],
          updateId,
        });
      } catch (error) {
        if (Date.now() + pauseMs > untilMs || !isDroppedUpdate(error)) throw error;
        await delay(pauseMs);
      }
    }
  }

  #trade(tradeId: string): WorkflowHandle<typeof trade> {
    return this.#client.workflow.getHandle<typeof trade>(tradeWorkflowId(tradeId));
  }
}

function alertsStart(destination: Destination) {
  return {
    taskQueue: TASK_QUEUE,
    workflowId: alertsWorkflowId(destination),
    args: [{ destination }] as [{ destination: Destination }],
    staticSummary: `tells ${destination}`,
  };
}

function isDroppedUpdate(error: unknown): boolean {
  const { cause } = error as { cause?: unknown };
  return isGrpcServiceError(cause) && (cause.code as number) === GRPC_FAILED_PRECONDITION;
}

async function nullIfEnded<Answer>(answer: Promise<Answer>): Promise<Answer | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

async function ignoringEnded(call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
