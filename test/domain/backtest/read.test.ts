import { describe, expect, it } from 'vitest';
import { readOhlcJson } from '../../../src/backtest/read/read-ohlc-json.ts';
import { candles, trades } from './support.ts';

const ROW = '1561939200,10,11,9,10,5,3';
const NEXT = '1561939260,10,11,9,10,5,3';

describe('what files of candles may hold', () => {
  it('reads the download format with and without vwap, and a header', () => {
    for (const csv of [
      `${ROW}\n${NEXT}\n`,
      '1561939200,10,11,9,10,9.9,5,3\r\n1561939260,10,11,9,10,9.9,5,3\r\n',
      'time_ms,close,low,high,open\n1561939200000,10,9,11,10\n1561939260000,10,9,11,10',
      'date,open,high,low,close\n2019-07-01T00:00:00Z,10,11,9,10\n2019-07-01T02:01:00+02:00,10,11,9,10',
    ]) {
      const read = candles(csv);
      expect([...read.timesMs]).toEqual([1_561_939_200_000, 1_561_939_260_000]);
      expect(read.intervalMs).toBe(60_000);
      expect(read.price(1, 'high')).toBe('11');
      expect(read.price(1, 'low')).toBe('9');
    }
  });

  it('keeps every decimal as written and spells out exponents', () => {
    const read = candles('1561939200,0.00000025,2.6e-7,0.00000024,0.000000251\n1561939260,1,1,1,1');
    expect(read.price(0, 'high')).toBe('0.00000026');
    expect(read.price(0, 'close')).toBe('0.000000251');
    expect(read.prices.close[0]).toBe(0.000000251);
  });

  it.each([
    ['', 'is empty'],
    ['\n\n', 'is empty'],
    ['time,open,high,low,close\n', 'holds 0 candles'],
    [ROW, 'holds 1 candles, at least 2'],
    [`${ROW}\n${ROW}`, 'line 2: time 1561939200000 ms is the same as'],
    [`${NEXT}\n${ROW}`, 'line 2: time 1561939200000 ms is earlier than'],
    [`${ROW}\n\n1561939260,10,9,11,10`, 'line 3: high 9 is below'],
    [`${ROW}\n1561939260,10,11,10.5,10`, 'line 2: low 10.5 is above'],
    [`${ROW}\n1561939260,10,11,x,10`, 'line 2: low "x" is not a price'],
    [`${ROW}\n1561939260,10,11,-9,10`, 'line 2: low "-9" is not a price'],
    [`${ROW}\n1561939260,10,11`, 'line 2: 3 fields, at least 5'],
    [`${ROW}\nyesterday,10,11,9,10`, 'line 2: time "yesterday" can\'t be read'],
    [
      `${ROW}\n${NEXT}\n1561939320,10,11,9,10\n1561939325,10,11,9,10`,
      'line 4: time 1561939325000 ms is off the grid',
    ],
    ['date,open,high,low,close\n2019-03-31 02:30,10,11,9,10', 'line 2: time "2019-03-31 02:30"'],
    ['time,first,high,low,close\n1,1,1,1,1', 'has no column open'],
  ])('refuses %j', (csv, message) => {
    expect(() => candles(csv)).toThrow(message);
  });

  it('hours across a change of clocks are hours: 00:00+01:00, 01:00+01:00, 03:00+02:00', () => {
    const hours = ['2019-03-31T00:00:00+01:00', '2019-03-31T01:00:00+01:00', '2019-03-31T03:00:00+02:00'];
    const read = candles(
      ['date,open,high,low,close', ...hours.map((hour) => `${hour},10,11,9,10`)].join('\n'),
    );
    expect(read.intervalMs).toBe(3_600_000);
    expect(read.timesMs[2]! - read.timesMs[1]!).toBe(3_600_000);
  });

  it("leaves out the running candle of Kraken's OHLC reply", () => {
    const rows = [0, 60, 120].map((s) => [1_561_939_200 + s, '10', '11', '9', '10', '9.9', '5', 3]);
    const reply = { error: [], result: { XXBTZUSD: rows, last: 1_561_939_260 } };
    expect(readOhlcJson('BTC/USD', 'ohlc.json', JSON.stringify(reply), null).length).toBe(2);
    const refused = { error: ['EQuery:Unknown asset pair'] };
    expect(() => readOhlcJson('BTC/USD', 'ohlc.json', JSON.stringify(refused), null)).toThrow(
      'Unknown asset pair',
    );
    expect(() => readOhlcJson('BTC/USD', 'ohlc.json', '{', null)).toThrow('ohlc.json is no JSON');
  });
});

describe('what files of trades may hold', () => {
  it('reads the download format and a header with sides', () => {
    expect(trades('1561939200.1234,10.5,1\n1561939200.1234,10.6,1').price(1)).toBe('10.6');
    const read = trades('time_ms,price,volume,side\n1561939203172,10749.4,0.004,sell\n1561939205224,1,1,buy');
    expect([...read.takers]).toEqual([-1, 1]);
    expect(read.timesMs[0]).toBe(1_561_939_203_172);
  });

  it.each([
    ['time,price\n', 'holds no trade'],
    ['1561939200,10,1\n1561939199,10,1', 'line 2: time 1561939199000 ms is earlier'],
    ['1561939200,0,1', 'line 1: price "0" is not a price'],
    ['time,price,side\n1561939200,1,maybe', 'line 2: side "maybe" is neither'],
    ['12,10,1', 'line 1: time "12" can\'t be read'],
  ])('refuses %j', (csv, message) => {
    expect(() => trades(csv)).toThrow(message);
  });
});
