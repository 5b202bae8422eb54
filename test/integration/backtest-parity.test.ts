import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTradesCsv } from '../../src/backtest/read/read-trades.ts';
import { runBacktest } from '../../src/backtest/run.ts';
import { readFileSync } from 'node:fs';
import { add, multiply } from '../../src/domain/money.ts';
import type { PositionView } from '../../src/views/position-view.ts';
import { freePortBase } from '../support/port-base.ts';
import { holdfastJson, startUp, type Up } from '../support/up.ts';

const TAPE = fileURLToPath(new URL('../../data/kraken-xbtusd-trades-2019-07-01T00.csv', import.meta.url));
const SPEED = 60;
/** Of the tape: half a second of the wall clock, what feed, guard and order may take on a busy machine. */
const LATENCY_MS = 30_000;
const PRICE_TOLERANCE = 0.002;

interface MarketState {
  readonly tapeTimeMs: number;
  readonly ended: boolean;
}

/** The moment of the tape that a moment of the wall clock was. */
type TapeClock = (wallMs: number) => number;

/**
 * The live stack trades the recorded hour; the backtest gets the same entries at the same moments of the tape and
 * has to bring them to the same ends. The entries themselves depend on when a scan ran and how long an opening took,
 * sixty times as fast as life; docs/backtest.md lists what differs and why.
 */
describe('parity of the backtest with the live stack', { timeout: 300_000 }, () => {
  let root: string;
  let up: Up;
  let live: PositionView[];
  let tapeTime: TapeClock;

  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'holdfast-parity-'));
    const where = ['--data-dir', root, '--port-base', String(await freePortBase())];
    up = await startUp('--demo', '--speed', String(SPEED), ...where);
    tapeTime = await playToTheEnd();
    live = await holdfastJson<PositionView[]>('positions', '--status', 'all', '--data-dir', root);
  }, 280_000);
  afterAll(async () => {
    up.signalGroup('SIGINT');
    await up.ended;
    await rm(root, { recursive: true, force: true });
  }, 60_000);

  /** Asks until the tape has ended; the quickest answer tells best what time of the tape it is. */
  async function playToTheEnd(): Promise<TapeClock> {
    let quickest = { tookMs: Infinity, wallMs: 0, tapeTimeMs: 0 };
    const untilMs = Date.now() + 200_000;
    for (;;) {
      const beforeMs = performance.timeOrigin + performance.now();
      const response = await fetch(`${up.ready.exchangeUrl}/control/market`);
      const state = (await response.json()) as MarketState;
      const tookMs = performance.timeOrigin + performance.now() - beforeMs;
      if (state.ended) break;
      if (tookMs < quickest.tookMs) {
        quickest = { tookMs, wallMs: beforeMs + tookMs / 2, tapeTimeMs: state.tapeTimeMs };
      }
      if (Date.now() > untilMs) throw new Error('the tape did not end');
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    return (wallMs) => quickest.tapeTimeMs + (wallMs - quickest.wallMs) * SPEED;
  }

  it('brings the same entries to the same ends', () => {
    expect(live.length).toBeGreaterThan(2);
    const series = readTradesCsv('BTC/USD', TAPE, readFileSync(TAPE));
    const lastMs = series.timesMs.at(-1)!;
    const opened = live
      .map((position) => ({ ...position, entryMs: Math.round(tapeTime(position.openedAtMs)) }))
      .filter(({ entryMs }) => entryMs < lastMs)
      .sort((left, right) => left.entryMs - right.entryMs);
    const phaseMs = ((tapeTime(0) % 60_000) + 60_000) % 60_000;
    const result = runBacktest([series], {
      phaseMs,
      signals: opened.map(({ entryMs, side, quantity, entryPrice }) => ({
        symbol: 'BTC/USD',
        timeMs: entryMs,
        side,
        notional: add(multiply(quantity, entryPrice), '0.01'),
        confidence: 0.3,
      })),
    });
    const replayed = [
      ...result.trades,
      ...result.open.map((open) => ({ ...open, exitRule: null, exitTimeMs: null, exitPrice: null })),
    ].sort(
      (left, right) => left.entryTimeMs - right.entryTimeMs || (left.positionId < right.positionId ? -1 : 1),
    );

    expect(replayed.map(({ side }) => side)).toEqual(opened.map(({ side }) => side));
    const differences: string[] = [];
    for (const [index, position] of opened.entries()) {
      const twin = replayed[index]!;
      const about = `${position.positionId}: live ${position.entryPrice} ${position.exitRule} ${position.exitPrice}, backtest ${twin.entryPrice} ${twin.exitRule} ${twin.exitPrice}`;
      const isNear = (one: string, other: string) =>
        Math.abs(Number(one) / Number(other) - 1) < PRICE_TOLERANCE;
      if (!isNear(position.entryPrice, twin.entryPrice)) differences.push(`entry price of ${about}`);
      if (position.exitRule !== twin.exitRule) differences.push(`rule of ${about}`);
      if (position.closedAtMs === null || twin.exitTimeMs === null) continue;
      const lateMs = Math.abs(tapeTime(position.closedAtMs) - twin.exitTimeMs);
      if (lateMs > LATENCY_MS) differences.push(`exit time, by ${lateMs} ms, of ${about}`);
      if (!isNear(position.exitPrice!, twin.exitPrice)) differences.push(`exit price of ${about}`);
    }
    // A fill a moment later on the tape can tip one position over a threshold or keep it from there; not more.
    expect(differences.length, differences.join('\n')).toBeLessThanOrEqual(Math.ceil(opened.length / 5));
  });
});
