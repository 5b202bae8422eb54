import type { TradeHistory } from '../../db/repositories/reader.ts';
import { tradeWorkflowId } from '../workflows/trade-id.ts';
import type { Evaluation } from '../domain/exit-policy.ts';
import type { TradeState } from '../workflows/messages.ts';
import { within } from './answers.ts';
import { ruleAt } from './holding.ts';
import type { DashboardParts } from './parts.ts';
import type { DashboardPosition } from './positions.ts';

const STATE_WITHIN_MS = 3_000;

/** A trade as database and workflow tell it. */
export interface TradeDetail extends Omit<TradeHistory, 'position'> {
  readonly workflowId: string;
  readonly position: DashboardPosition | null;
  /** The workflow's own state; null where it did not answer, for the reason beside it. */
  readonly state: TradeState | null;
  readonly stateUnknown: string | null;
  /** What the rules say at the mark shown. */
  readonly holding: Evaluation | null;
}

/** By trade id or position id; null when neither database nor Temporal know it. */
export async function tradeDetail(parts: DashboardParts, id: string): Promise<TradeDetail | null> {
  const history = await (await parts.repositories()).reader.trade(id);
  const tradeId = history?.tradeId ?? id;
  const { state, stateUnknown } = await askState(parts, tradeId);
  if (history === null && state === null) return null;
  const position = history?.position ? await parts.positions.view(history.position) : null;
  return {
    tradeId,
    workflowId: tradeWorkflowId(tradeId),
    reservation: history?.reservation ?? null,
    intents: history?.intents ?? [],
    position,
    trades: history?.trades ?? [],
    liveTrades: history?.liveTrades ?? [],
    outcome: history?.outcome ?? null,
    state,
    stateUnknown,
    holding: await holding(parts, state, position),
  };
}

/** By what the workflow itself pinned, and what is demanded of it. */
async function holding(
  { positions, now }: DashboardParts,
  state: TradeState | null,
  position: DashboardPosition | null,
): Promise<Evaluation | null> {
  if (!state?.plan || !state.position || position?.status !== 'open') return null;
  const { policy, volatilityScale, roundTripFee } = state.plan;
  const exitDemand = state.demand?.reason;
  const prediction = await positions.prediction(position.symbol);
  return ruleAt(position, { policy, volatilityScale, roundTripFee, exitDemand }, prediction, now());
}

async function askState(
  { client }: DashboardParts,
  tradeId: string,
): Promise<{ state: TradeState | null; stateUnknown: string | null }> {
  try {
    const state = await within(STATE_WITHIN_MS, 'the workflow', (await client()).state(tradeId));
    return { state, stateUnknown: null };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { state: null, stateUnknown: message.split('\n')[0] ?? 'unknown' };
  }
}
