import { describe, expect, test } from 'vitest';
import {
  checkProtections,
  NO_PROTECTIONS,
  type ClosedTrade,
  type ProtectedEntry,
  type ProtectionHistory,
  type Protections,
} from '../../src/domain/protections.ts';

const NOW_MS = Date.UTC(2026, 5, 1, 9);
const MINUTE_MS = 60_000;

function judge(
  protections: Partial<Protections>,
  history: Partial<ProtectionHistory> = {},
  entry: Partial<ProtectedEntry> = {},
) {
  return checkProtections(
    { ...NO_PROTECTIONS, ...protections },
    { lastStopOfSymbolMs: null, stopsMs: [], closesOfSymbol: [], ...history },
    { symbol: 'BTC/USD', notional: '250', equity: '10000', nowMs: NOW_MS, ...entry },
  );
}

const ago = (minutes: number) => NOW_MS - minutes * MINUTE_MS;
const closed = (minutesAgo: number, netPnl: string, value = '100'): ClosedTrade => ({
  closedAtMs: ago(minutesAgo),
  netPnl,
  value,
});

test('everything is allowed while all is off, whatever happened', () => {
  const history = {
    lastStopOfSymbolMs: NOW_MS,
    stopsMs: [NOW_MS, NOW_MS],
    closesOfSymbol: [closed(0, '-99')],
  };
  expect(judge({}, history, { equity: null })).toBeNull();
});

describe('the share of equity that one trade may take', () => {
  test('is allowed to the cent, not a cent more', () => {
    expect(judge({ maxEquityShare: 0.025 })).toBeNull();
    expect(judge({ maxEquityShare: 0.025 }, {}, { notional: '250.01' })).toEqual({
      limit: 'maxEquityShare',
      message: 'maxEquityShare is 0.025: of an equity of 10000 one trade may take 250, 250.01 was asked',
    });
  });

  test('is not allowed while equity is not known', () => {
    expect(judge({ maxEquityShare: 1 }, {}, { equity: null })?.message).toBe(
      'maxEquityShare is 1: equity is not known',
    );
  });
});

describe('the cooldown after a stop', () => {
  const cooldown = { cooldownMs: 30 * MINUTE_MS };

  test('lasts to the millisecond', () => {
    expect(judge(cooldown, { lastStopOfSymbolMs: ago(30) + 1 })?.limit).toBe('cooldown');
    expect(judge(cooldown, { lastStopOfSymbolMs: ago(30) })).toBeNull();
    expect(judge(cooldown, { stopsMs: [NOW_MS] })).toBeNull();
  });

  test('says symbol, when, and when it ends', () => {
    expect(judge(cooldown, { lastStopOfSymbolMs: ago(10) })?.message).toBe(
      'cooldown is 30 min: BTC/USD was stopped out at 2026-06-01T08:50:00.000Z, a new trade was asked at 2026-06-01T09:00:00.000Z; entries begin again at 2026-06-01T09:20:00.000Z',
    );
  });
});

describe('the stop-loss guard', () => {
  const guard = { stoplossGuard: { stops: 3, windowMs: 60 * MINUTE_MS } };

  test('needs that many stops within the window', () => {
    expect(judge(guard, { stopsMs: [ago(1), ago(2)] })).toBeNull();
    expect(judge(guard, { stopsMs: [ago(1), ago(2), ago(60)] })).toBeNull();
    expect(judge(guard, { stopsMs: [ago(1), ago(2), ago(60) + 1] })?.limit).toBe('stoplossGuard');
  });

  test('ends when the one that tripped it leaves the window, and says so', () => {
    expect(judge(guard, { stopsMs: [ago(1), ago(2), ago(20), ago(59)] })?.message).toBe(
      'stoplossGuard is 3 stops in 60 min: as many since 2026-06-01T08:40:00.000Z, a new trade was asked at 2026-06-01T09:00:00.000Z; entries begin again at 2026-06-01T09:40:00.000Z',
    );
  });
});

describe('low-profit symbols', () => {
  const rest = { lowProfit: { trades: 2, windowMs: 60 * MINUTE_MS, leastReturn: 0.01 } };

  test('rest when enough trades earned less than the least, not at the least', () => {
    expect(judge(rest, { closesOfSymbol: [closed(1, '-50')] })).toBeNull();
    expect(judge(rest, { closesOfSymbol: [closed(5, '-1'), closed(1, '3')] })).toBeNull();
    expect(judge(rest, { closesOfSymbol: [closed(5, '-1'), closed(1, '2.99')] })?.limit).toBe('lowProfit');
  });

  test('are judged by what they earned together, not by the mean of their returns', () => {
    const closesOfSymbol = [closed(5, '-5', '100'), closed(1, '50', '1000')];
    expect(judge(rest, { closesOfSymbol })).toBeNull();
  });

  test('forget what has left the window', () => {
    expect(judge(rest, { closesOfSymbol: [closed(60, '-50'), closed(1, '-50')] })).toBeNull();
  });

  test('come back as soon as the rest of the closes would do, and say when', () => {
    const closesOfSymbol = [closed(50, '-9'), closed(40, '-1'), closed(10, '2'), closed(5, '2')];
    // Without the oldest three remain, 3 on 300: that is the least.
    expect(judge(rest, { closesOfSymbol })?.message).toBe(
      'lowProfit is 0.01 over at least 2 trades in 60 min: 4 of BTC/USD made -6 on 400, a new trade was asked at 2026-06-01T09:00:00.000Z; entries begin again at 2026-06-01T09:10:00.000Z',
    );
    expect(judge(rest, { closesOfSymbol }, { nowMs: NOW_MS + 10 * MINUTE_MS - 1 })?.limit).toBe('lowProfit');
    expect(judge(rest, { closesOfSymbol }, { nowMs: NOW_MS + 10 * MINUTE_MS })).toBeNull();
  });
});
