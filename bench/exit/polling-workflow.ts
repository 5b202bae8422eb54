import { proxyActivities, sleep } from '@temporalio/workflow';
import { exitOrderSide } from '../../src/domain/position.ts';
import { placeOrder } from '../../src/workflows/place-order.ts';
import type { TradeInput } from '../../src/workflows/messages.ts';
import type { PollingActivities } from './polling.ts';

export * from '../../src/workflows/index.ts';

const POLL_MS = 5_000;

const polling = proxyActivities<PollingActivities>({ startToCloseTimeout: 5_000 });

/** The usual way, of the same parts: look every five seconds, sell by an activity when the policy says so. */
export async function pollingTrade({ request, resume }: TradeInput): Promise<void> {
  if (!resume?.plan || !resume.position) throw new Error('a polling trade begins with an open position');
  const { plan, position } = resume;
  const { symbol, side } = request;
  for (;;) {
    const { action } = await polling.evaluateNow({
      symbol,
      policy: plan.policy,
      position: {
        side,
        entryPrice: position.entry.averagePrice,
        openedAtMs: position.entry.firstFillMs,
        bestPrice: position.entry.averagePrice,
        volatilityScale: plan.volatilityScale,
        roundTripFee: plan.roundTripFee,
        tickSize: plan.tickSize,
      },
    });
    if (action === 'exit') break;
    await sleep(POLL_MS);
  }
  await placeOrder(
    {
      leg: 'exit-1',
      purpose: 'exit',
      symbol,
      side: exitOrderSide(side),
      type: 'market',
      quantity: position.entry.quantity,
      limitPrice: null,
      leverage: null,
      reduceOnly: false,
    },
    plan.settings.listingLagMs,
  );
}
