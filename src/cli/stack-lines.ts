import type { TradeStats } from '../../db/repositories/reader.ts';
import { roundHalfUp } from '../domain/money.ts';
import { percent } from '../domain/percent.ts';
import { accountView, type AccountView } from '../views/account-view.ts';
import type { PositionView } from '../views/position-view.ts';
import { positionLines } from './position-lines.ts';
import { positionViews } from './position-views.ts';
import { clock, colors, signed } from './render.ts';
import type { Session } from './session.ts';

/** Sums over all closed trades need not be made every second. */
const SUMS_EVERY_MS = 5_000;
/** Summary, refusals, findings, addresses and the rule above them. */
const LINES_BESIDE = 6;
const WIDTH = 80;

export interface StackNews {
  readonly open: readonly PositionView[];
  readonly closed: Pick<TradeStats, 'closedTrades' | 'netPnl'>;
  readonly account: Pick<AccountView, 'equity' | 'drawdown' | 'blocks'>;
  /** Findings that wait for a person. */
  readonly forHuman: number;
}

/** Reads what `up` shows of its stack. */
export function stackReader(session: Session): () => Promise<StackNews> {
  let sums: Omit<StackNews, 'open'> | null = null;
  let summedMs = 0;
  return async () => {
    const nowMs = Date.now();
    if (sums === null || nowMs - summedMs >= SUMS_EVERY_MS) {
      const { reader, equity, risk, findings } = await session.repositories();
      const [closed, account, found] = await Promise.all([
        reader.stats(0),
        accountView({ equity, risk }, 0, nowMs),
        findings.list(),
      ]);
      sums = { closed, account, forHuman: found.filter(({ status }) => status === 'human').length };
      summedMs = nowMs;
    }
    return { ...sums, open: await positionViews(session, { status: 'open' }) };
  };
}

/** Within 80 columns and so many rows. */
export function stackLines(news: StackNews, rows: number, dashboardUrl: string, nowMs: number): string {
  const { open, account, forHuman } = news;
  // Two lines a position and one of headings.
  const fit = Math.max(1, Math.floor((rows - LINES_BESIDE - 1) / 2));
  const newest = [...open].sort((left, right) => right.openedAtMs - left.openedAtMs);
  const more = open.length - fit;
  return [
    colors.dim('─'.repeat(WIDTH)),
    ...(open.length === 0 ? ['no open position'] : [positionLines(newest.slice(0, fit), nowMs)]),
    ...(more > 0 ? [colors.dim(`and ${more} more: holdfast positions`)] : []),
    summary(news),
    ...account.blocks.map(({ message }) => colors.yellow(`entries refused: ${message}`.slice(0, WIDTH))),
    ...(forHuman === 0
      ? []
      : [
          colors.red(
            `${forHuman === 1 ? 'a finding needs' : `${forHuman} findings need`} you: holdfast reconcile`,
          ),
        ]),
    colors.dim(`${clock(nowMs)}  ${dashboardUrl}  Ctrl-C stops`),
  ].join('\n');
}

function summary({ open, closed, account: { equity, drawdown } }: StackNews): string {
  const unrealized = open.reduce((sum, { unrealizedPnl }) => sum + Number(unrealizedPnl), 0);
  const worth = equity === null ? '' : `, equity ${roundHalfUp(equity, 2)}`;
  const fall = drawdown === null || drawdown === 0 ? '' : ` (${percent(-drawdown)} from its peak)`;
  const net = signed(Number(closed.netPnl));
  return `${open.length} open ${signed(unrealized)}, ${closed.closedTrades} closed ${net} net${worth}${fall}`;
}
