import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTradesCsv } from '../../src/backtest/read/read-trades.ts';
import { runBacktest } from '../../src/backtest/run.ts';
import type { PositionView } from '../../src/views/position-view.ts';
import { freePortBase } from '../support/port-base.ts';
import { holdfastJson, startUp, type Up } from '../support/up.ts';

const TAPE = fileURLToPath(new URL('../../data/kraken-xbtusd-trades-2019-07-01T00.csv', import.meta.url));
const SPEED = 20;
const MINUTE_MS = 60_000;
/** Of the tape: a second of the wall clock, what feed, guard and order may take on a busy machine. */
const LATENCY_MS = 20_000;
/** What the price may have moved in that time. */
const PRICE_TOLERANCE = 0.002;

interface MarketState {
  readonly tapeTimeMs: number;
  readonly ended: boolean;
}

/** The moment of the tape that a moment of the wall clock was. */
type TapeClock = (wallMs: number) => number;

/**
 * The live stack trades the recorded hour, and so does the backtest, by decisions of its own. Told is only what the
 * wall clock decides: the minute in which the stack began, and how long each opening took, of which every millisecond
 * is twenty on the tape; docs/backtest.md lists what differs and why.
 */
describe('parity of the backtest with the live stack', { timeout: 400_000 }, () => {
  let root: string;
  let up: Up;
  let live: PositionView[];
  let tapeTime: TapeClock;
  let firstScanMs: number;

  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'holdfast-parity-'));
    const where = ['--data-dir', root, '--port-base', String(await freePortBase())];
    up = await startUp('--demo', '--speed', String(SPEED), ...where);
    tapeTime = await playToTheEnd();
    live = await holdfastJson<PositionView[]>('positions', '--status', 'all', '--data-dir', root);
    const client = new pg.Client(up.ready.databaseUrl);
    await client.connect();
    const { rows } = await client.query<{ first: Date }>(`SELECT min("asOf") AS first FROM "Prediction"`);
    firstScanMs = rows[0]!.first.getTime();
    await client.end();
  }, 380_000);
  afterAll(async () => {
    up.signalGroup('SIGINT');
    await up.ended;
    await rm(root, { recursive: true, force: true });
  }, 60_000);

  /** Asks until the tape has ended; the quickest answer tells best what time of the tape it is. */
  async function playToTheEnd(): Promise<TapeClock> {
    let quickest = { tookMs: Infinity, wallMs: 0, tapeTimeMs: 0 };
    const untilMs = Date.now() + 250_000;
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

  it('makes the same trades', async () => {
    expect(live.length).toBeGreaterThan(4);
    const series = readTradesCsv('BTC/USD', TAPE, readFileSync(TAPE));
    const opened = live
      .map((position) => ({ ...position, signalMs: minuteOf(position.tradeId) }))
      .sort((left, right) => left.signalMs - right.signalMs);
    const entryDelays = new Map(
      opened.map(({ signalMs, openedAtMs }) => [signalMs, Math.round(tapeTime(openedAtMs)) - signalMs]),
    );
    const usual = [...entryDelays.values()].sort((left, right) => left - right)[entryDelays.size >> 1];
    const result = runBacktest([series], {
      fromMs: Math.floor(tapeTime(firstScanMs) / MINUTE_MS) * MINUTE_MS,
      entryDelayMs: usual!,
      entryDelays,
    });
    const replayed = new Map(
      [
        ...result.trades,
        ...result.open.map((open) => ({ ...open, exitRule: null, exitTimeMs: null, exitPrice: null })),
      ].map((trade) => [Math.floor(trade.entryTimeMs / MINUTE_MS) * MINUTE_MS, trade]),
    );

    const differences: string[] = [];
    const isNear = (one: string, other: string) =>
      Math.abs(Number(one) / Number(other) - 1) < PRICE_TOLERANCE;
    for (const position of opened) {
      const twin = replayed.get(position.signalMs);
      replayed.delete(position.signalMs);
      const about = `${position.tradeId}: live ${position.side} ${position.entryPrice} ${position.exitRule} ${position.exitPrice}, backtest ${twin?.side} ${twin?.entryPrice} ${twin?.exitRule} ${twin?.exitPrice}`;
      const lateMs =
        position.closedAtMs && twin?.exitTimeMs
          ? Math.abs(tapeTime(position.closedAtMs) - twin.exitTimeMs)
          : 0;
      if (twin?.side !== position.side) differences.push(`only live: ${about}`);
      else if (!isNear(position.entryPrice, twin.entryPrice)) differences.push(`entry price of ${about}`);
      else if (!isNear(position.quantity, twin.quantity)) differences.push(`quantity of ${about}`);
      else if (position.exitRule !== twin.exitRule) differences.push(`rule of ${about}`);
      else if (lateMs > LATENCY_MS) differences.push(`exit time, by ${lateMs} ms, of ${about}`);
      else if (twin.exitPrice && !isNear(position.exitPrice!, twin.exitPrice))
        differences.push(`exit price of ${about}`);
    }
    for (const { side, entryTimeMs } of replayed.values())
      differences.push(`only in the backtest: ${side} at ${new Date(entryTimeMs).toISOString()}`);
    // A scan that a busy machine missed, or an order so late that another rule matched; none as a rule.
    expect(differences.length, differences.join('\n')).toBeLessThanOrEqual(Math.floor(opened.length / 5));
  });

  /** The tape's minute whose end brought the signal: the trade's id names the interval. */
  function minuteOf(tradeId: string): number {
    const tapeMs = tapeTime(Number(/-(\d+)$/.exec(tradeId)?.[1]));
    const minute = Math.round(tapeMs / MINUTE_MS) * MINUTE_MS;
    expect(Math.abs(tapeMs - minute), `${tradeId} is off the grid of the tape's minutes`).toBeLessThan(2_000);
    return minute;
  }
});
