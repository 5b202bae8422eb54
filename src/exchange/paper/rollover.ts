import { add, multiply, roundHalfUp } from '../../domain/money.ts';
import { MARGIN_FEE, ROLLOVER_MS } from './fees.ts';
import { openCost } from './margin.ts';
import { pairById } from './pairs.ts';
import { post, type SettlementContext } from './bookkeeping.ts';

/** Charges every margin position that has been open for another four hours. */
export function chargeRollovers(context: Pick<SettlementContext, 'store' | 'idSpace' | 'nowMs'>): void {
  const { store, nowMs } = context;
  for (const accountId of store.accounts.keys()) {
    for (const position of store.openPositions(accountId)) {
      if (position.rolloverMs > nowMs) continue;
      const pair = pairById(position.pair);
      const fee = roundHalfUp(multiply(openCost(position), MARGIN_FEE), pair.costDecimals);
      post(context, accountId, position.id, 'rollover', pair.quote.id, '0', fee);
      position.fee = add(position.fee, fee);
      position.rolloverMs += ROLLOVER_MS;
      store.put('position', position);
    }
  }
}
