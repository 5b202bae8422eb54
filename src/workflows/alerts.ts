import {
  ActivityFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { AlertSent } from '../activities/alerts.ts';
import type { Activities } from '../activities/index.ts';
import { CAPACITY, keepMostUrgent, nextMessage, type Alert, type Destination } from '../domain/alerts.ts';

export interface AlertsInput {
  readonly destination: Destination;
  /** Taken over by continue-as-new. */
  readonly state?: AlertsState;
}

export interface AlertsState {
  /** Not delivered yet, what is being sent included. */
  readonly waiting: readonly Alert[];
  /** Ids that were heard of, so that each is told once; the newest last. */
  readonly known: readonly string[];
  readonly delivered: number;
  readonly refused: number;
  /** So many were left out because too many waited. */
  readonly leftOut: number;
  readonly lastDeliveredAtMs: number | null;
  readonly lastRefused: { readonly id: string; readonly why: string } | null;
  readonly lastTrouble: string | null;
}

export const raiseAlertsSignal = defineSignal<[readonly Alert[]]>('raiseAlerts');
export const alertsStateQuery = defineQuery<AlertsState>('state');

/** A dead destination costs no history while Temporal retries. Longer than the post itself may take. */
const sending = proxyActivities<Pick<Activities, 'sendAlerts'>>({
  startToCloseTimeout: 8_000,
  scheduleToCloseTimeout: '15 minutes',
  retry: { initialInterval: 500, backoffCoefficient: 2, maximumInterval: 120_000 },
});

/** About 1 MB at most goes through continue-as-new; the rows of "Alert" keep what is left out. */
const MOST_WAITING = 1_000;
const MOST_KNOWN = 2_000;
const AFTER_FAILURE_MS = 60_000;

const NOTHING_TOLD: AlertsState = {
  waiting: [],
  known: [],
  delivered: 0,
  refused: 0,
  leftOut: 0,
  lastDeliveredAtMs: null,
  lastRefused: null,
  lastTrouble: null,
};

/**
 * Tells one destination, for ever: each alert once, the most urgent first, no faster than the destination takes
 * them, and as long as it takes. One that is down holds nothing up but its own queue.
 */
export async function alerts({ destination, state: before = NOTHING_TOLD }: AlertsInput): Promise<void> {
  const known = new Set(before.known);
  let { waiting, delivered, refused, leftOut, lastDeliveredAtMs, lastRefused, lastTrouble } = before;
  let beingSent: readonly Alert[] = [];
  const state = (): AlertsState => ({
    waiting: [...beingSent, ...waiting],
    known: [...known],
    delivered,
    refused,
    leftOut,
    lastDeliveredAtMs,
    lastRefused,
    lastTrouble,
  });
  setHandler(raiseAlertsSignal, (raised) => {
    const news = raised.filter(({ id }) => !known.has(id));
    for (const { id } of news) known.add(id);
    for (const id of known) if (known.size > MOST_KNOWN) known.delete(id);
    const { kept, leftOut: more } = keepMostUrgent([...waiting, ...news], MOST_WAITING);
    waiting = kept;
    leftOut += more;
  });
  setHandler(alertsStateQuery, state);

  let together = CAPACITY[destination].alerts;
  for (;;) {
    await condition(() => waiting.length > 0 || workflowInfo().continueAsNewSuggested);
    if (workflowInfo().continueAsNewSuggested) break;
    const { message, rest } = nextMessage(waiting, { ...CAPACITY[destination], alerts: together });
    beingSent = message;
    waiting = rest;
    const sent = await send(destination, message);
    beingSent = [];
    if (sent.kind === 'delivered') {
      delivered += message.length;
      lastDeliveredAtMs = Date.now();
      if (waiting.length === 0) together = CAPACITY[destination].alerts;
    } else {
      lastTrouble = sent.why;
      const [only, ...others] = message;
      if (sent.kind === 'refused' && only && others.length === 0) {
        refused += 1;
        lastRefused = { id: only.id, why: sent.why };
      } else waiting = [...message, ...waiting];
      // Told one by one, what no service would take costs only itself.
      if (sent.kind === 'refused') together = 1;
    }
    setCurrentDetails(details(state()));
    await sleep(sent.paceMs);
  }
  await condition(allHandlersFinished);
  return continueAsNew<typeof alerts>({ destination, state: state() });
}

type Sent = AlertSent | { readonly kind: 'failed'; readonly why: string; readonly paceMs: number };

/** Failed: it was tried for a quarter of an hour. Trying goes on from the start, with what came meanwhile. */
async function send(destination: Destination, message: readonly Alert[]): Promise<Sent> {
  try {
    return await sending.sendAlerts({ destination, alerts: message });
  } catch (failure) {
    if (isCancellation(failure) || !(failure instanceof ActivityFailure)) throw failure;
    return { kind: 'failed', why: failure.cause?.message ?? failure.message, paceMs: AFTER_FAILURE_MS };
  }
}

function details({ waiting, delivered, refused, leftOut, lastTrouble }: AlertsState): string {
  return [
    `**Delivered:** ${delivered} · **waiting:** ${waiting.length} · **refused:** ${refused} · **left out:** ${leftOut}`,
    ...(lastTrouble === null ? [] : [`Last trouble: ${lastTrouble}`]),
  ].join('\n\n');
}
