import { describe, expect, it } from 'vitest';
import { positionLines } from '../../src/cli/position-lines.ts';
import { duration } from '../../src/cli/render.ts';
import type { PositionView } from '../../src/views/position-view.ts';

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

function view(changes: Partial<PositionView> = {}): PositionView {
  return {
    positionId: 'kraken-OQCLML-BW3P3-BUCMWZ',
    tradeId: '7f0c7b0e-7f5c-4c38-9d3f-5f0a8c6f8a11',
    workflowId: 'trade-7f0c7b0e-7f5c-4c38-9d3f-5f0a8c6f8a11',
    symbol: 'BTC/USD',
    side: 'short',
    strategy: 'manual',
    status: 'open',
    stage: 'open',
    quantity: '0.12345678',
    entryPrice: '123456.7',
    notional: '1524157875.01',
    markPrice: '123456.7',
    markAgeMs: 250,
    unrealizedPnl: '-12345.678',
    returnPct: -12.345678,
    bestPrice: null,
    exitsBelow: '122222.2',
    exitsAbove: '124444.4',
    fees: '1',
    thresholdsVersion: 3,
    openedAt: '',
    openedAtMs: NOW_MS - 93_784_000,
    closedAt: null,
    closedAtMs: null,
    exitPrice: null,
    exitRule: null,
    realizedPnl: null,
    ...changes,
  };
}

describe('the list of positions', () => {
  it('fits a terminal of 80 columns, also with long numbers', () => {
    const coin = view({ symbol: 'MATIC/USDT', quantity: '123456.12345678', entryPrice: '0.12345' });
    const lines = positionLines([view(), coin], NOW_MS).split('\n');
    expect(lines).toHaveLength(5);
    expect(Math.max(...lines.map((line) => line.trimEnd().length))).toBeLessThanOrEqual(80);
    expect(lines[1]).toContain('-12.35%');
    expect(lines[2]).toBe('  kraken-OQCLML-BW3P3-BUCMWZ  open 1d 2h, exits <122222.2 >124444.4');
  });

  it('says when no fresh mark is there', () => {
    expect(positionLines([view()], NOW_MS)).not.toContain('mark is');
    expect(positionLines([view({ markAgeMs: 75_000 })], NOW_MS)).toContain('the mark is 1m 15s old');
    expect(positionLines([view({ markAgeMs: null })], NOW_MS)).toContain('no mark seen yet');
  });

  it('names the rule of a closed one', () => {
    const closed = view({
      status: 'closed',
      stage: 'closed',
      exitRule: 'stop',
      closedAtMs: NOW_MS - 93_720_000,
      markAgeMs: null,
    });
    const lines = positionLines([closed], NOW_MS);
    expect(lines).toContain('closed 1m 4s, by stop');
    expect(lines).not.toContain('no mark');
  });
});

describe('a duration', () => {
  it.each([
    [0, '0s'],
    [999, '0s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [3_600_000, '1h'],
    [93_784_000, '1d 2h'],
    [3_661_000, '1h 1m'],
  ])('of %i ms is %s', (ms, expected) => {
    expect(duration(ms)).toBe(expected);
  });
});
