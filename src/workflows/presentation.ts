import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
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

function details(state: TradeState): string[] {
  const { request, plan, position, evaluation, demand, exits, guard } = state;
  const lines = [`### ${request.side} ${request.symbol}: ${state.stage}`];
  lines.push(
    `Asked for ${request.notional} by ${request.signal.source} (confidence ${request.signal.confidence}).`,
  );
  if (plan)
    lines.push(
      `Plan: ${plan.quantity} at about ${plan.quotePrice}; thresholds version ${plan.policy.version}.`,
    );
  if (position) {
    const { entry } = position;
    lines.push(
      `**Entry:** ${entry.quantity} at ${entry.averagePrice}, fee ${entry.fee} · position \`${position.positionId}\``,
    );
    lines.push(
      `**Records:** ${state.persistence} · **guard:** ${guard ? `\`${guard.leaseId}\`` : 'none, being assigned'}`,
    );
  }
  if (evaluation) {
    const { evaluation: answer, mark, band } = evaluation;
    const bounds = band ? `exits below ${band.low} / above ${band.high}` : 'exits now';
    lines.push(
      `**Last evaluation:** ${answer.action} \`${answer.rule}\` at ${mark} (${percent(answer.returnFraction)}); ${bounds}`,
    );
  }
  if (demand) lines.push(`**Exit:** \`${demand.rule}\`: ${demand.reason}`);
  for (const exit of exits) {
    lines.push(
      `Sold or bought back ${exit.summary.quantity} at ${exit.summary.averagePrice}, fee ${exit.summary.fee}`,
    );
  }
  if (state.realizedPnl !== null) lines.push(`**P&L net of fees:** ${state.realizedPnl}`);
  if (state.note) lines.push(`> ${state.note}`);
  return lines;
}
