import { describe, expect, it } from 'vitest';
import { toCsv } from '../../src/cli/csv.ts';
import { sinceOption } from '../../src/cli/since.ts';

describe('CSV', () => {
  it('quotes what needs it, leaves nothing empty but nulls, and keeps decimals as they are', () => {
    const rows = [
      { id: 'a,b', note: 'say "x"', amount: '-0.10000000', none: null },
      { id: 'line\nbreak', note: { z: 1 }, amount: '1', none: undefined },
    ];
    expect(toCsv(['id', 'note', 'amount', 'none'], rows)).toBe(
      'id,note,amount,none\n"a,b","say ""x""",-0.10000000,\n"line\nbreak","{""z"":1}",1,',
    );
  });

  it('gives a spreadsheet no formula to run', () => {
    expect(toCsv(['id'], [{ id: '=1+1' }, { id: '@x' }, { id: '-A1' }, { id: '-5' }])).toBe(
      "id\n'=1+1\n'@x\n'-A1\n-5",
    );
  });
});

describe('--since', () => {
  const now = Date.UTC(2026, 0, 31);
  it.each([
    ['24h', now - 86_400_000],
    ['90m', now - 5_400_000],
    ['2w', now - 1_209_600_000],
    ['2026-01-30', Date.UTC(2026, 0, 30)],
    ['2026-01-30T12:00:00Z', Date.UTC(2026, 0, 30, 12)],
  ])('understands %s', (text, expected) => {
    expect(sinceOption(text, now)).toBe(expected);
  });
  it.each(['', 'yesterday', '24', '-1h', '2026-13-45', '1y'])(
    'refuses %j, saying what is allowed',
    (text) => {
      expect(() => sinceOption(text, now)).toThrow(/24h, 90m, 7d, 2w or a date/);
    },
  );
});
