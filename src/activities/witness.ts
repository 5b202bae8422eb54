import { add, compare, isPositive, subtract, ZERO, type Decimal } from '../domain/money.ts';
import { entryOrderSide, quantityLeft, type Side } from '../domain/position.ts';
import { baseAsset } from '../domain/symbols.ts';
import type { Exchange } from '../exchange/port.ts';
import type { LedgerReader, OpenClaim } from '../../db/repositories/reader.ts';
import type { HoldfastClient } from '../client.ts';
import type { Logger } from '../logging.ts';
import { answerWithin, heartbeatWhile } from './patience.ts';

/** Longest an exit waits for a database that may be down. */
const CLAIMS_PATIENCE_MS = 500;
/** Of more positions than this the rows alone are believed. */
const MOST_ASKED = 50;

export interface WitnessDependencies {
  readonly exchange: Pick<Exchange, 'balances' | 'marginPositions'>;
  readonly reader: Pick<LedgerReader, 'claimsBeside'>;
  readonly client: Pick<HoldfastClient, 'stateIfKnown'>;
  readonly log: Logger;
}

export interface WitnessQuestion {
  readonly positionId: string;
  readonly symbol: string;
  readonly side: Side;
  /** What is still to be sold, or bought back. */
  readonly quantity: Decimal;
}

/**
 * How much the exchange still holds of a position. It tells only the sum of all positions in an asset (of all shorts
 * in a symbol), so what the others claim is taken off: their rows say it or, where that leaves too little, they
 * themselves, since a part of theirs may be sold already.
 */
export function createWitnessActivities({ exchange, reader, client, log }: WitnessDependencies) {
  async function heldInAll({ symbol, side }: WitnessQuestion): Promise<Decimal> {
    if (side === 'long') {
      const balances = await exchange.balances('exit');
      return balances.find(({ asset }) => asset === baseAsset(symbol))?.total ?? ZERO;
    }
    const positions = await exchange.marginPositions('exit');
    const shorts = positions.filter((each) => each.symbol === symbol && each.side === entryOrderSide(side));
    return add(ZERO, ...shorts.map(({ quantity, closedQuantity }) => subtract(quantity, closedQuantity)));
  }

  async function claimsOf(question: WitnessQuestion): Promise<readonly OpenClaim[]> {
    const claims = await answerWithin(CLAIMS_PATIENCE_MS, reader.claimsBeside(question));
    if (claims === null) {
      const { positionId } = question;
      log.warn(
        { positionId, event: 'claims-unknown' },
        'what other positions hold is not known: taken for nothing',
      );
    }
    return claims ?? [];
  }

  async function ownWord({ tradeId, quantity }: OpenClaim): Promise<Decimal> {
    const state = await client.stateIfKnown(tradeId);
    return state?.position ? quantityLeft(state.position.entry, state.exits) : quantity;
  }

  return {
    /** Base currency; at most all of it. */
    async witnessHolding(question: WitnessQuestion): Promise<Decimal> {
      const held = await heartbeatWhile(heldInAll(question));
      const claims = await claimsOf(question);
      const leaves = (others: readonly Decimal[]) => subtract(held, add(ZERO, ...others));
      let own = leaves(claims.map(({ quantity }) => quantity));
      if (compare(own, question.quantity) < 0 && claims.length > 0 && claims.length <= MOST_ASKED) {
        own = leaves(await Promise.all(claims.map(ownWord)));
      }
      if (compare(own, question.quantity) >= 0) return question.quantity;
      return isPositive(own) ? own : ZERO;
    },
  };
}
