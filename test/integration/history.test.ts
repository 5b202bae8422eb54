import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HoldfastClient } from '../../src/client.ts';
import { guardChecksWithin } from '../../src/domain/safety-times.ts';
import type { PaperControl } from '../support/paper-control.ts';
import { startQuietStack, type QuietStack } from '../support/quiet-stack.ts';
import { countEvents, type EventCounts } from '../support/trade-history.ts';

const DAY_MS = 86_400_000;
const EVENTS_PER_CHECK = 6;
const MOST_EVENTS = 60;
const MARKS = 100;
/** A machine that is too busy repeats what was not answered at once, which is not what is counted here. */
const TRIES = 4;

/** Of a real trade on a whole stack whose minutes last a second. */
describe('the history of a trade', { timeout: 180_000 }, () => {
  let quiet: QuietStack;
  let paper: PaperControl;
  let temporal: Client;
  let client: HoldfastClient;

  beforeAll(async () => {
    quiet = await startQuietStack('history', { HOLDFAST_TIME_SCALE: '60' });
    ({ paper, temporal, client } = quiet);
  }, 180_000);
  afterAll(async () => {
    await quiet.stop();
  }, 60_000);

  const beforeChecks = ({ all, timersFired }: EventCounts) => all - timersFired * EVENTS_PER_CHECK;

  /** From intent to close, with a look at its guard and many marks in between; the events of both ends of the hold. */
  async function heldTrade(tradeId: string) {
    const count = () => countEvents(temporal, `trade-${tradeId}`);
    const countWaiting = async () => {
      await expect.poll(async () => (await count()).isWaiting, { timeout: 60_000 }).toBe(true);
      return count();
    };
    await paper.price('BTC/USD', '10000.0', '10000.1');
    await client.openTrade({
      tradeId,
      symbol: 'BTC/USD',
      side: 'long',
      notional: '250',
      order: { type: 'market' },
      strategy: 'manual',
      signal: { source: 'operator', confidence: 1, asOfMs: Date.now(), ttlMs: 30_000 },
    });
    await expect.poll(async () => (await count()).timersFired, { timeout: 60_000 }).toBeGreaterThan(0);
    await expect
      .poll(async () => (await client.state(tradeId)).persistence, { timeout: 60_000 })
      .toBe('confirmed');
    const opened = await countWaiting();
    for (let mark = 0; mark < MARKS; mark += 1) {
      await paper.price('BTC/USD', (10_000 + (mark % 9)).toFixed(1), (10_000.1 + (mark % 9)).toFixed(1));
    }
    const marked = await countWaiting();
    await paper.price('BTC/USD', '7900.0', '7900.1');
    await client.result(tradeId);
    return { opened, marked, closed: await count() };
  }

  it('of a position held for a day has at most 60 events, none of them for a mark', async () => {
    const dayOfChecks = guardChecksWithin(DAY_MS) * EVENTS_PER_CHECK;
    const seen: number[] = [];
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const { opened, marked, closed } = await heldTrade(`held-${attempt}`);
      if (closed.repeated === 0) {
        expect(beforeChecks(marked)).toBe(beforeChecks(opened));
        expect(closed.timersFired).toBeGreaterThan(0);
      }
      seen.push(beforeChecks(closed) + dayOfChecks);
      if (closed.repeated === 0) break;
    }
    expect(Math.min(...seen), seen.join(', ')).toBeLessThanOrEqual(MOST_EVENTS);
  });
});
