import { describe, expect, it } from 'vitest';
import { pino } from 'pino';
import { STARTING_THRESHOLDS } from '../../src/domain/thresholds.ts';
import type { CancelOutcome, OrderRequest, OrderSnapshot, OrderStatus } from '../../src/exchange/port.ts';
import { createFiring } from '../../src/market/firing.ts';
import type { ArmedTrade } from '../../src/market/guarded-position.ts';
import { Lease } from '../../src/market/lease.ts';

const STOP = 'OSTOP';

interface StopAtExchange {
  /** Answers to one cancel after the other; the last one repeats. */
  readonly cancels: readonly CancelOutcome[];
  readonly status: OrderStatus;
  readonly filled: string;
  readonly isUnreadable?: boolean;
}

/** Fires once at an exchange where a stop rests; `calls` is what the exchange was asked, in order. */
async function fireAt({ cancels, status, filled, isUnreadable = false }: StopAtExchange) {
  const calls: string[] = [];
  const sent: OrderRequest[] = [];
  const lease = new Lease({ wallMs: Date.now, monotonicMs: () => performance.now() });
  lease.acknowledged(lease.stamp());
  const fire = createFiring({
    exchange: {
      cancel: (id) => {
        const answer =
          cancels[Math.min(calls.filter((call) => call === `cancel ${id}`).length, cancels.length - 1)];
        calls.push(`cancel ${id}`);
        return Promise.resolve(answer ?? { kind: 'unknown', why: 'no answer' });
      },
      order: (id) => {
        calls.push(`read ${id}`);
        if (isUnreadable) return Promise.reject(new Error('down'));
        return Promise.resolve({ status, filledQuantity: filled } as OrderSnapshot);
      },
      submit: (order) => {
        calls.push('sell');
        sent.push(order);
        return Promise.resolve({ kind: 'accepted', exchangeOrderId: 'OEXIT' });
      },
    },
    lease,
    now: Date.now,
    note: () => undefined,
    log: pino({ level: 'silent' }),
  });
  const fired = await fire(armed(STOP));
  return { calls, sold: sent.map(({ quantity }) => quantity), fired };
}

function armed(stopOrderId: string | null): ArmedTrade {
  return {
    tradeId: 't',
    positionId: 'p',
    symbol: 'BTC/USD',
    quantity: '1',
    entryFee: '0',
    policy: { version: 1, thresholds: STARTING_THRESHOLDS, timeScale: 1 },
    position: {
      side: 'long',
      entryPrice: '100',
      openedAtMs: Date.now(),
      bestPrice: '100',
      volatilityScale: 1,
      roundTripFee: 0.005,
      tickSize: '0.1',
    },
    exit: {
      leg: 'exit-1',
      clientOrderId: 'hfxTEST',
      side: 'sell',
      quantity: '1',
      leverage: null,
      stopOrderId,
    },
  };
}

const cancelled: CancelOutcome = { kind: 'cancelled' };
const notOpen: CancelOutcome = { kind: 'not-open' };
const unknown: CancelOutcome = { kind: 'unknown', why: 'time-out' };

describe('firing where a protective stop rests', () => {
  it('cancels it, learns that it filled nothing, and only then sells', async () => {
    const { calls, sold } = await fireAt({ cancels: [cancelled], status: 'cancelled', filled: '0' });
    expect(calls).toEqual([`cancel ${STOP}`, `read ${STOP}`, 'sell']);
    expect(sold).toEqual(['1']);
  });

  it('sells what a partly filled one has left', async () => {
    expect((await fireAt({ cancels: [cancelled], status: 'cancelled', filled: '0.4' })).sold).toEqual([
      '0.6',
    ]);
  });

  it('asks once more when the answer to the cancel is lost', async () => {
    const { sold } = await fireAt({ cancels: [unknown, notOpen], status: 'cancelled', filled: '0' });
    expect(sold).toEqual(['1']);
  });

  it.each<[string, StopAtExchange]>([
    ['has sold everything', { cancels: [notOpen], status: 'filled', filled: '1' }],
    ['is not open any more but still listed as open', { cancels: [notOpen], status: 'open', filled: '0' }],
    ['was cancelled but still is listed as open', { cancels: [cancelled], status: 'open', filled: '0' }],
    ['can not be cancelled for sure', { cancels: [unknown], status: 'open', filled: '0' }],
    ['can not be read', { cancels: [cancelled], status: 'cancelled', filled: '0', isUnreadable: true }],
  ])('sells nothing when it %s', async (_what, stop) => {
    expect(await fireAt(stop)).toMatchObject({ sold: [], fired: null });
  });
});
