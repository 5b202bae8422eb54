import type { Command } from 'commander';
import type { TradeHistory } from '../../../db/repositories/reader.ts';
import type { FindingRow } from '../../../db/entities/oversight.ts';
import type { Prediction } from '../../domain/exit-policy.ts';
import { isPositive, ZERO } from '../../domain/money.ts';
import { percent } from '../../domain/percent.ts';
import { quantityLeft } from '../../domain/position.ts';
import { positionView, type PositionView } from '../../views/position-view.ts';
import type { TradeState } from '../../workflows/messages.ts';
import { tradeWorkflowId } from '../../workflows/trade-id.ts';
import { CliError } from '../errors.ts';
import { findingLines, findingsAbout } from '../finding-lines.ts';
import { oldMark } from '../position-lines.ts';
import { print, runWithSession, subcommand, type CommonOptions } from '../program.ts';
import { clock, colors, signed, time } from '../render.ts';
import type { Session } from '../session.ts';

export function registerShow(program: Command): void {
  subcommand(program, 'show <id>', 'one trade as a timeline: intent, orders, records, evaluation, exit, P&L')
    .addHelpText('after', '\nExample:\n  holdfast show kraken-OABCDE-FGHIJK-LMNOPQ')
    .action((id: string, options: CommonOptions) =>
      runWithSession(options, async (session) => {
        const { history, findings, unavailable } = await rowsOf(session, id);
        const tradeId = history?.tradeId ?? (unavailable ? await runningTradeId(session, id) : id);
        const state = await stateOf(session, tradeId);
        if (!history && !state)
          throw (
            unavailable ??
            new CliError(
              'unknown-trade',
              `${id} is no trade or position; see: holdfast positions --status all`,
            )
          );
        const about = findingsAbout(findings, tradeId, history);
        const link = webUiLink(session, tradeId);
        const view = history?.position
          ? positionView(history.position, { stage: state?.stage, nowMs: Date.now() })
          : null;
        print(options, { tradeId, position: view, history, state, findings: about, temporalUi: link }, () =>
          [
            timeline(tradeId, history, state, link, view),
            ...(unavailable && state ? withoutRows(state, unavailable) : []),
            ...findingLines(about),
          ].join('\n'),
        );
      }),
    );
}

interface Rows {
  readonly history: TradeHistory | null;
  readonly findings: readonly FindingRow[];
  /** Why nothing could be read. */
  readonly unavailable: Error | null;
}

/** A trade can tell of itself while the database is away. */
async function rowsOf(session: Session, id: string): Promise<Rows> {
  try {
    const { reader, findings } = await session.repositories();
    return { history: await reader.trade(id), findings: await findings.list(), unavailable: null };
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'DatabaseUnavailable') throw error;
    return { history: null, findings: [], unavailable: error };
  }
}

/** Of a position that is open, its trade. */
async function runningTradeId(session: Session, id: string): Promise<string> {
  const running = await (await session.client()).runningTrades();
  return running.find(({ positionId }) => positionId === id)?.tradeId ?? id;
}

function withoutRows({ request, position, exits, guard, persistence }: TradeState, why: Error): string[] {
  const { symbol, side } = request;
  const left = position ? quantityLeft(position.entry, exits) : ZERO;
  const holding =
    position && isPositive(left)
      ? `holds ${left} ${symbol} ${side}, entered at ${position.entry.averagePrice} by order ${position.entryOrderId}, ${guard ? 'under guard' : 'not under guard now'}`
      : `holds nothing of ${symbol}`;
  return [
    `  ${holding}; its records are ${persistence}`,
    `  ${colors.red(`by its workflow alone: ${why.message}`)}`,
  ];
}

/** The workflow's own state; null once Temporal has forgotten it or can't be asked. */
async function stateOf(session: Session, tradeId: string): Promise<TradeState | null> {
  try {
    return await (await session.client()).state(tradeId);
  } catch {
    return null;
  }
}

function webUiLink(session: Session, tradeId: string): string | null {
  if (session.temporalUi === null) return null;
  return `${session.temporalUi}/namespaces/${process.env.TEMPORAL_NAMESPACE ?? 'default'}/workflows/${tradeWorkflowId(tradeId)}`;
}

function timeline(
  tradeId: string,
  history: TradeHistory | null,
  state: TradeState | null,
  link: string | null,
  view: PositionView | null,
): string {
  const events = [...historyEvents(history), ...stateEvents(state)].sort(
    (left, right) => left.atMs - right.atMs,
  );
  const firstMs = events[0]?.atMs;
  return [
    colors.bold(`trade ${tradeId}: ${state?.stage ?? history?.position?.status ?? 'ended'}`) +
      (firstMs === undefined ? '' : `, since ${time(firstMs)}`),
    ...events.map(({ atMs, line }) => `  ${clock(atMs)}  ${line}`),
    ...ending(history, state),
    ...oldMarkLines(view),
    ...(link === null ? [] : [`  Temporal Web UI: ${link}`]),
  ].join('\n');
}

interface TimelineEvent {
  readonly atMs: number;
  readonly line: string;
}

function historyEvents(history: TradeHistory | null): TimelineEvent[] {
  if (!history) return [];
  const { reservation, intents, liveTrades, position } = history;
  return [
    ...(reservation
      ? [
          {
            atMs: reservation.createdAt,
            line: `reserved ${reservation.notional} for ${reservation.side} ${reservation.symbol}`,
          },
        ]
      : []),
    ...intents.map((intent) => ({
      atMs: intent.createdAt,
      line: `intent ${intent.leg} ${intent.clOrdId}: ${intent.side} ${intent.quantity}, ${intent.status}${intent.why === null ? '' : ` (${intent.why})`}${intent.krakenOrderId === null ? '' : `, order ${intent.krakenOrderId}`}`,
    })),
    ...liveTrades.map((fill) => ({
      atMs: fill.executedAt,
      line: `filled ${fill.quantity} at ${fill.price}, fee ${fill.fee}, slippage ${fill.slippage} (${fill.purpose})`,
    })),
    ...(position
      ? [{ atMs: position.createdAt, line: `four records written and verified: ${position.id}` }]
      : []),
  ];
}

function stateEvents(state: TradeState | null): TimelineEvent[] {
  if (!state) return [];
  const { evaluation, demand } = state;
  return [
    ...(evaluation ? [{ atMs: evaluation.atMs, line: evaluationLine(evaluation) }] : []),
    ...(demand ? [{ atMs: demand.atMs, line: `exit demanded: ${demand.rule}, ${demand.reason}` }] : []),
  ];
}

function evaluationLine({
  evaluation,
  mark,
  band,
  prediction,
}: NonNullable<TradeState['evaluation']>): string {
  const bounds = band ? `; exits below ${band.low}, above ${band.high}` : '';
  return `${evaluation.action} by ${evaluation.rule} at ${mark} (${percent(evaluation.returnFraction)})${bounds}${predictionWords(prediction ?? null)}`;
}

function predictionWords(prediction: Prediction | null): string {
  if (prediction === null) return '';
  const { action, confidence, source } = prediction;
  return `; ${source} said ${action} with confidence ${confidence.toFixed(2)}`;
}

function oldMarkLines(view: PositionView | null): string[] {
  const line = view && oldMark(view);
  return line === null ? [] : [`  ${line}`];
}

function ending(history: TradeHistory | null, state: TradeState | null): string[] {
  const position = history?.position;
  if (position?.status === 'closed') {
    return [
      `  closed by ${position.exitReason ?? 'unknown'} at ${position.exitPrice ?? '?'}: P&L ${signed(position.realizedPnL ?? '0')} net of ${position.fees} fees`,
    ];
  }
  if (state?.note) return [`  ${colors.yellow(state.note)}`];
  if (!position?.live) return [];
  const { currentPrice, unrealizedPnL, exitsBelow, exitsAbove } = position.live;
  return [
    `  now at ${currentPrice}: P&L ${signed(unrealizedPnL)} before fees; exits below ${exitsBelow ?? '?'}, above ${exitsAbove ?? '?'}`,
  ];
}
