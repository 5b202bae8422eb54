import type { Ledger, LiveUpdate } from '../../db/repositories/ledger.ts';
import type { Logger } from '../logging.ts';
import type { GuardedPosition } from './guarded-position.ts';
import type { MarketHub } from './hub.ts';

const PERIOD_MS = 1_000;

/** Some at a time, so that an exit never waits until the rows of thousands are computed. */
const ROWS_AT_ONCE = 250;

/** Carries marks, P&L and bands to "LivePosition" about once a second. */
export function startLiveUpdates(
  hub: MarketHub,
  ledger: Pick<Ledger, 'updateLive'>,
  log: Logger,
): () => void {
  let busy = false;
  let failing = false;
  const update = async () => {
    const guarded = hub.guarded();
    for (let from = 0; from < guarded.length; from += ROWS_AT_ONCE) {
      const rows = guarded.slice(from, from + ROWS_AT_ONCE).flatMap((each) => liveRow(hub, each));
      if (rows.length > 0) await ledger.updateLive(rows);
    }
  };
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    update()
      .then(
        () => (failing = false),
        (err: unknown) => {
          if (!failing)
            log.warn({ event: 'live-update-failed', err }, 'live positions are not being updated');
          failing = true;
        },
      )
      .finally(() => (busy = false));
  }, PERIOD_MS);
  return () => clearInterval(timer);
}

/** None of a position that left meanwhile, or that no mark is known for. */
function liveRow(hub: MarketHub, guarded: GuardedPosition): LiveUpdate[] {
  const { positionId, quantity } = guarded.trade;
  const mark = hub.isGuarding(positionId) ? hub.mark(guarded) : null;
  if (!mark) return [];
  const band = guarded.last?.band ?? null;
  return [
    {
      positionId,
      quantity,
      currentPrice: mark.price,
      unrealizedPnL: guarded.unrealizedPnl(mark.price),
      exitsBelow: band?.low ?? null,
      exitsAbove: band?.high ?? null,
      bestPrice: guarded.bestPrice,
      markAgeMs: mark.ageMs,
      stage: 'open',
    },
  ];
}
