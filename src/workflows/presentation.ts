import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { Prediction } from '../domain/exit-policy.ts';
import { percent } from '../domain/percent.ts';
import { returnFraction } from '../domain/position.ts';
import {
  HOLDFAST_EXIT_RULE,
  HOLDFAST_POSITION_ID,
  HOLDFAST_RETURN,
  HOLDFAST_STAGE,
} from './search-attributes.ts';
import type { TradeState } from './messages.ts';

/** What the Temporal Web UI shows of a trade without any of our own pages. */

export function showStage(state: TradeState): void {
  upsertSearchAttributes([
    { key: HOLDFAST_STAGE, value: state.stage },
    ...(state.position ? [{ key: HOLDFAST_POSITION_ID, value: state.position.positionId }] : []),
    ...(state.demand ? [{ key: HOLDFAST_EXIT_RULE, value: state.demand.rule }] : []),
    ...closedReturn(state),
  ]);
  showDetails(state);
}

function closedReturn(state: TradeState) {
  const lastExit = state.exits.at(-1);
  if ((state.stage !== 'closed' && state.stage !== 'compensated') || !state.position || !lastExit) return [];
  const value = returnFraction(
    state.request.side,
    state.position.entry.averagePrice,
    lastExit.summary.averagePrice,
  );
  return [{ key: HOLDFAST_RETURN, value }];
}

export function showDetails(state: TradeState): void {
  setCurrentDetails(details(state).join('\n\n'));
}

/** What matters most comes first: the page shows only so many lines. */
function details(state: TradeState): string[] {
  const { request, plan, position, evaluation, noMarkSinceMs, demand, exits, guard, stop } = state;
  const lines = [`### ${request.side} ${request.symbol}: ${state.stage}`];
  if (position) {
    const { quantity, averagePrice, fee } = position.entry;
    lines.push(`**Entry:** ${quantity} at ${averagePrice}, fee ${fee} · \`${position.positionId}\``);
  }
  if (evaluation) {
    const { evaluation: answer, mark, band, prediction } = evaluation;
    if (band) lines.push(`**Exits** below ${band.low} / above ${band.high}`);
    lines.push(
      `**Last evaluation:** ${answer.action} \`${answer.rule}\` at ${mark} (${percent(answer.returnFraction)})`,
    );
    if (prediction) lines.push(predictionLine(prediction));
  }
  if (stop)
    lines.push(`**Protective stop:** ${stop.quantity} at ${stop.triggerPrice} \`${stop.exchangeOrderId}\``);
  if (typeof noMarkSinceMs === 'number' && !demand) {
    lines.push(`**No fresh mark** since ${new Date(noMarkSinceMs).toISOString()}`);
  }
  if (demand) lines.push(`**Exit:** \`${demand.rule}\`: ${demand.reason}`);
  for (const { summary } of exits) {
    lines.push(`**Exited:** ${summary.quantity} at ${summary.averagePrice}, fee ${summary.fee}`);
  }
  if (state.realizedPnl !== null) lines.push(`**P&L net of fees:** ${state.realizedPnl}`);
  if (state.note) lines.push(`> ${state.note}`);
  if (position) {
    lines.push(
      `**Records:** ${state.persistence} · **guard:** ${guard ? `\`${guard.leaseId}\`` : 'none now'}`,
    );
  }
  if (plan)
    lines.push(
      `**Plan:** ${plan.quantity} at about ${plan.quotePrice}; thresholds version ${plan.policy.version}`,
    );
  const { source, confidence } = request.signal;
  lines.push(`**Asked:** ${request.notional} by ${source}, confidence ${confidence.toFixed(2)}`);
  return lines;
}

function predictionLine({ action, confidence, source, asOfMs, ttlMs }: Prediction): string {
  const untilMs = asOfMs + ttlMs;
  return `**Prediction then:** ${action}, confidence ${confidence.toFixed(2)}, by ${source}, until ${new Date(untilMs).toISOString()}`;
}
