import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { createPredictionActivities } from '../../src/activities/predictions.ts';
import type { Prediction } from '../../src/domain/exit-policy.ts';
import { STARTING_THRESHOLDS } from '../../src/domain/thresholds.ts';
import type { Quote } from '../../src/exchange/port.ts';
import type { ArmedTrade } from '../../src/market/guarded-position.ts';
import { MarketHub } from '../../src/market/hub.ts';
import { httpProvider, PredictionService, type PredictionProvider } from '../../src/market/predictions.ts';
import type { LastEvaluation } from '../../src/workflows/messages.ts';

const log = pino({ level: 'silent' });
const INTERVAL_MS = 60_000;
const TTL_MS = 120_000;
const SYMBOL = 'BTC/USD';

/** A real provider, answering as the test says. */
let server: Server;
let url: string;
let answer: (response: ServerResponse) => void;

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume();
    request.on('end', () => answer(response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const says = (body: unknown) => (response: ServerResponse) =>
  void response.end(typeof body === 'string' ? body : JSON.stringify(body));
const candle = { startMs: 0, open: '1', high: '1', low: '1', close: '1', volume: '1' };
const market = { candles: async () => [candle], instruments: async () => [] };
const service = (provider: PredictionProvider, now: () => number = Date.now) =>
  new PredictionService({
    exchange: market,
    provider,
    intervalMs: INTERVAL_MS,
    keep: async () => undefined,
    now,
    log,
  });
const http = (timeoutMs = 2_000) => service(httpProvider({ url, ttlMs: TTL_MS, timeoutMs, log }));

/** One scan; the entries it would open. */
function scanWith(predictions: PredictionService) {
  return createPredictionActivities({
    exchange: market,
    predictions,
    learning: { active: async () => ({ version: 1, thresholds: STARTING_THRESHOLDS }) as never },
    reader: { openPositionCounts: async () => new Map(), heldReservations: async () => [] },
    signals: { skip: async () => undefined },
    scan: { symbols: [SYMBOL], maxPerSymbol: 4, baseNotional: '500' },
    log,
  }).findEntries();
}

/** A hub that is quoted by hand and tells what it decided, by position. */
function watch(predict: (symbol: string) => Promise<Prediction | null>) {
  const decided = new Map<string, LastEvaluation>();
  let listener: (quote: Quote) => void = () => undefined;
  const hub = new MarketHub({
    feed: {
      subscribe: () => undefined,
      unsubscribe: () => undefined,
      onQuote: (heard) => (listener = heard),
      status: () => ({ connected: true, lastMessageMs: null, lastHeardMs: null, reconnects: 0 }),
      close: async () => undefined,
    },
    predict,
    predictionIntervalMs: INTERVAL_MS,
    decided: (trade, last) => void decided.set(trade.positionId, last),
    now: Date.now,
    log,
  });
  const mark = (price: string) =>
    listener({
      symbol: SYMBOL,
      bid: price,
      ask: price,
      last: price,
      receivedAtMs: Date.now(),
      via: 'stream',
    });
  return { hub, decided, mark };
}

/** Entered at 100, an hour ago: past its minimum hold. */
function held(positionId: string): ArmedTrade {
  return {
    tradeId: positionId,
    positionId,
    symbol: SYMBOL,
    quantity: '1',
    entryFee: '0',
    policy: { version: 1, thresholds: STARTING_THRESHOLDS, timeScale: 1 },
    position: {
      side: 'long',
      entryPrice: '100',
      openedAtMs: Date.now() - 3_600_000,
      bestPrice: '100',
      volatilityScale: 1,
      roundTripFee: 0.008,
      tickSize: '0.1',
    },
    exit: null,
  };
}

const BAD: [string, (response: ServerResponse) => void][] = [
  ['answers nothing', () => undefined],
  ['stalls within its answer', (response) => void response.write('{"action":"HOLD",')],
  ['hangs up', (response) => void response.destroy()],
  [
    'answers 500',
    (response) => {
      response.statusCode = 500;
      says({ action: 'HOLD', confidence: 1 })(response);
    },
  ],
  ['answers no JSON', says('<html>HOLD</html>')],
  ['answers null', says(null)],
  ['says an unknown action', says({ action: 'PANIC', confidence: 1 })],
  ['is sure by 7', says({ action: 'HOLD', confidence: 7 })],
  ['is sure by less than nothing', says({ action: 'HOLD', confidence: -0.1 })],
  ['is sure by NaN', says('{"action":"HOLD","confidence":NaN}')],
  ['is sure by more than a number holds', says('{"action":"HOLD","confidence":1e999}')],
  ['is sure by a text', says({ action: 'HOLD', confidence: '0.9' })],
  [
    'speaks of the past',
    (response) => says({ action: 'HOLD', confidence: 1, asOfMs: Date.now() - TTL_MS - 10_000 })(response),
  ],
  ['speaks for no time at all', says({ action: 'HOLD', confidence: 1, ttlMs: 0 })],
];

describe('a provider that can be used', () => {
  it('opens a position by a sure BUY', async () => {
    answer = says({ action: 'BUY', confidence: 0.9 });
    expect(await scanWith(http())).toMatchObject([{ symbol: SYMBOL, side: 'long' }]);
  });

  it('keeps one open beyond its loss limit by a sure HOLD', async () => {
    answer = says({ action: 'HOLD', confidence: 1 });
    const predictions = http();
    const { hub, decided, mark } = watch((symbol) => predictions.latest(symbol));
    await hub.arm(held('p'));
    mark('95');
    hub.close();
    expect(decided.size).toBe(0);
    expect(hub.find('p')?.last?.evaluation.rule).toBe('ai-confidence');
  });

  it('can not date or stretch its word beyond ours', async () => {
    answer = says({ action: 'HOLD', confidence: 1, asOfMs: Date.now() + 1e9, ttlMs: 1e9 });
    const prediction = await http().latest(SYMBOL);
    expect(prediction?.ttlMs).toBe(TTL_MS);
    expect(prediction?.asOfMs).toBeLessThanOrEqual(Date.now());
  });
});

describe.each(BAD)('a provider that %s', (_name, behaviour) => {
  const timeoutMs = 150;
  const asBuy = (response: ServerResponse) => {
    const end = response.end.bind(response) as (body: string) => ServerResponse;
    // The same lie, but one that would open a position.
    response.end = ((body: string) => end(body.replace('HOLD', 'BUY'))) as typeof response.end;
    behaviour(response);
  };

  it('opens nothing', async () => {
    answer = asBuy;
    expect(await scanWith(http(timeoutMs))).toEqual([]);
  });

  it('keeps nothing open', async () => {
    answer = behaviour;
    const predictions = http(timeoutMs);
    const { hub, decided, mark } = watch((symbol) => predictions.latest(symbol));
    await hub.arm(held('p'));
    mark('95');
    hub.close();
    expect(decided.get('p')?.evaluation.rule).toBe('loss-limit');
  });
});

describe('an emergency', () => {
  const sure: Prediction = { action: 'HOLD', confidence: 1, asOfMs: 0, ttlMs: Infinity, source: 'liar' };

  it('is not vetoed by a HOLD of full confidence', async () => {
    const { hub, decided, mark } = watch(async () => sure);
    await hub.arm(held('p'));
    mark('80.1');
    expect(decided.size).toBe(0);
    mark('80');
    hub.close();
    expect(decided.get('p')?.evaluation.rule).toBe('emergency-loss');
  });

  it('does not wait for a provider that never answers', async () => {
    const { hub, decided, mark } = watch(() => new Promise(() => undefined));
    void hub.arm(held('p'));
    mark('80');
    hub.close();
    expect(decided.get('p')?.evaluation.rule).toBe('emergency-loss');
  });
});

describe('calls of the provider', () => {
  afterEach(() => void vi.useRealTimers());

  test.each([1, 1_000])('one per symbol and interval with %i positions', async (positions) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    vi.setSystemTime(INTERVAL_MS * 1_000_000);
    let calls = 0;
    const predictions = service({
      predict: async (_symbol, _candles, asOfMs) => {
        calls += 1;
        return { action: 'HOLD', confidence: 0.1, asOfMs, ttlMs: TTL_MS, source: 'counted' };
      },
    });
    const { hub } = watch((symbol) => predictions.latest(symbol));
    await Promise.all(Array.from({ length: positions }, (_, index) => hub.arm(held(`p${index}`))));
    expect(calls).toBe(1);
    for (const intervals of [2, 3, 4]) {
      await vi.advanceTimersByTimeAsync(INTERVAL_MS);
      await scanWith(predictions);
      expect(calls).toBe(intervals);
    }
    hub.close();
  });

  it('one answer evaluates each position once, however many wait for it', async () => {
    let reply: (prediction: null) => void = () => undefined;
    const { hub, mark } = watch(() => new Promise((resolve) => (reply = resolve)));
    const arming = Array.from({ length: 100 }, (_, index) => hub.arm(held(`p${index}`)));
    mark('100');
    const before = hub.evaluations;
    reply(null);
    await Promise.all(arming);
    hub.close();
    // By the answer, and each by its own arming.
    expect(hub.evaluations - before).toBe(200);
  });
});
