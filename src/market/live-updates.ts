import type { Ledger } from '../../db/repositories/ledger.ts';
import type { Logger } from '../logging.ts';
import type { MarketHub } from './hub.ts';

const PERIOD_MS = 1_000;

/** Carries marks, P&L and bands to "LivePosition" about once a second, one statement for all positions. */
export function startLiveUpdates(
  hub: MarketHub,
  ledger: Pick<Ledger, 'updateLive'>,
  log: Logger,
): () => void {
  let busy = false;
  let failing = false;
  const update = async () => {
    const rows = hub.guarded().flatMap((guarded) => {
      const mark = hub.mark(guarded);
      if (!mark) return [];
      const band = guarded.last?.band ?? null;
      return [
        {
          positionId: guarded.trade.positionId,
          quantity: guarded.trade.quantity,
          currentPrice: mark.price,
          unrealizedPnL: guarded.unrealizedPnl(mark.price),
          exitsBelow: band?.low ?? null,
          exitsAbove: band?.high ?? null,
          bestPrice: guarded.bestPrice,
          markAgeMs: mark.ageMs,
          stage: 'open',
        },
      ];
    });
    if (rows.length > 0) await ledger.updateLive(rows);
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
