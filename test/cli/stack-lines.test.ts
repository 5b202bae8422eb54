import { expect, it } from 'vitest';
import { tradeEventLine } from '../../src/cli/event-lines.ts';
import { stackLines, type StackNews } from '../../src/cli/stack-lines.ts';
import { positionView } from '../../src/views/position-view.ts';
import { sampleOpen } from '../support/ledger-samples.ts';

const NOW_MS = Date.UTC(2026, 0, 15, 13);
const DASHBOARD = 'http://127.0.0.1:7235';

function news(open: number, over: Partial<StackNews> = {}): StackNews {
  const views = Array.from({ length: open }, (_, index) => {
    const { managedPosition, livePosition } = sampleOpen(`t${index}`);
    const entryTime = managedPosition.entryTime + index;
    const live = {
      ...{ ...livePosition, currentPrice: '60200', unrealizedPnL: '0.5', bestPrice: null },
      ...{ markAgeMs: 10, stage: 'open', updatedAt: NOW_MS },
    };
    const row = { ...managedPosition, entryTime, createdAt: 0, updatedAt: 0, live };
    return positionView(row, { nowMs: NOW_MS });
  });
  return {
    open: views,
    closed: { closedTrades: 12, netPnl: '-1.25' },
    account: { equity: '9995.7215', drawdown: 0.0004, blocks: [] },
    forHuman: 0,
    ...over,
  };
}

it('shows what fits the rows, the newest first, and how many more there are', () => {
  const lines = stackLines(news(20), 15, DASHBOARD, NOW_MS).split('\n');
  expect(lines.length).toBeLessThanOrEqual(15);
  expect(Math.max(...lines.map((line) => line.trimEnd().length))).toBeLessThanOrEqual(80);
  expect(lines.filter((line) => line.includes('kraken-O'))).toEqual([
    ...['t19', 't18', 't17', 't16'].map((id) => expect.stringContaining(`kraken-O${id} `) as string),
  ]);
  expect(lines).toContain('and 16 more: holdfast positions');
  expect(lines).toContain('20 open +10.00, 12 closed -1.25 net, equity 9995.72 (-0.04% from its peak)');
});

it('says what keeps entries out and what waits for a person', () => {
  const block = { limit: 'halted', symbol: null, message: 'entries are halted', endsAtMs: null } as never;
  const account = { equity: null, drawdown: null, blocks: [block] };
  const lines = stackLines(news(0, { account, forHuman: 2 }), 20, DASHBOARD, NOW_MS).split('\n');
  expect(lines).toContain('no open position');
  expect(lines).toContain('0 open 0.00, 12 closed -1.25 net');
  expect(lines).toContain('entries refused: entries are halted');
  expect(lines).toContain('2 findings need you: holdfast reconcile');
});

it('leaves ids out of a line that would be too wide', () => {
  const line = {
    event: 'exit-decided',
    rule: 'giveback',
    mark: '10883.9',
    positionId: 'kraken-OABCDE',
    time: 0,
  };
  expect(tradeEventLine(line)).toContain('kraken-OABCDE');
  expect(tradeEventLine(line, 80)).toContain('kraken-OABCDE');
  expect(tradeEventLine(line, 50)).not.toContain('kraken');
});
