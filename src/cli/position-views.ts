import type { PositionFilter } from '../../db/repositories/reader.ts';
import { positionView, type PositionView } from '../views/position-view.ts';
import type { Session } from './session.ts';

/** Positions as the database has them, with the stages of their trades where Temporal can be asked. */
export async function positionViews(session: Session, filter: PositionFilter): Promise<PositionView[]> {
  const { reader } = await session.repositories();
  const rows = await reader.positions(filter);
  const stages = filter.status === 'closed' ? new Map<string, string>() : await stagesByTrade(session);
  const nowMs = Date.now();
  return rows.map((row) => positionView(row, { stage: stages.get(row.tradeId), nowMs }));
}

/** Positions are shown from the database even where Temporal can't be asked for their stages. */
async function stagesByTrade(session: Session): Promise<Map<string, string>> {
  try {
    const running = await (await session.client()).runningTrades();
    return new Map(running.map(({ tradeId, stage }) => [tradeId, stage]));
  } catch {
    return new Map();
  }
}
