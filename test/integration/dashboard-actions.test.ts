import { stat, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DashboardPosition } from '../../src/dashboard/positions.ts';
import { eventually, startTestDashboard, TEST_TOKEN, type TestDashboard } from '../support/dashboard.ts';
import { sampleClose, sampleOpen, sampleOutcome, sampleReserve } from '../support/ledger-samples.ts';

let dashboard: TestDashboard;

beforeAll(async () => {
  dashboard = await startTestDashboard();
  const { ledger, learning } = dashboard.repositories;
  await learning.active();
  await ledger.reserve(sampleReserve('closed1'));
  await ledger.recordClose(sampleClose('closed1'), sampleOpen('closed1'), sampleOutcome('closed1'), []);
}, 120_000);

afterAll(() => dashboard.close());

const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${TEST_TOKEN}` };

function post(route: string, body: unknown, headers: Record<string, string> = HEADERS): Promise<Response> {
  return fetch(dashboard.url + route, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function errorOf(response: Response): Promise<{ status: number; code: string; message: string }> {
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  return { status: response.status, ...error };
}

describe('actions', () => {
  const ACTIONS: [string, unknown][] = [
    ['/api/positions/kraken-Oclosed1/exit', { reason: 'test' }],
    ['/api/halt', { reason: 'test' }],
    ['/api/resume', {}],
  ];
  const halts = () => dashboard.repositories.halts.list();

  test.each(ACTIONS)('%s needs the token', async (route, body) => {
    const bare = { 'content-type': HEADERS['content-type'] };
    for (const headers of [
      bare,
      { ...bare, authorization: 'Bearer wrong' },
      { ...bare, authorization: TEST_TOKEN },
    ]) {
      expect(await errorOf(await post(route, body, headers))).toMatchObject({
        status: 401,
        code: 'unauthorized',
      });
    }
    expect((await post(`${route}?token=${TEST_TOKEN}`, body, bare)).status).toBe(401);
    expect(await halts()).toEqual([]);
  });

  test.each(ACTIONS)('%s is refused from other sites, token or not', async (route, body) => {
    const foreign: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: dashboard.url, 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of foreign) {
      const refused = await errorOf(await post(route, body, { ...HEADERS, ...headers }));
      expect(refused).toMatchObject({ status: 403, code: 'cross-site' });
    }
    expect(await halts()).toEqual([]);
  });

  test.each(ACTIONS)('%s takes JSON only', async (route, body) => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
      expect((await post(route, body, { ...HEADERS, 'content-type': type })).status).toBe(415);
    }
    expect(await halts()).toEqual([]);
  });

  test('a name that merely resolves to this machine reads nothing', async () => {
    const status = await new Promise((resolve, reject) => {
      const { port } = new URL(dashboard.url);
      request(
        { port, host: '127.0.0.1', path: '/api/positions', headers: { host: `evil.example:${port}` } },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        },
      )
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });

  test('an exit answers with the stage, or says why it can not', async () => {
    const closed = await post(
      '/api/positions/kraken-Oclosed1/exit',
      { reason: 'test' },
      { ...HEADERS, origin: dashboard.url },
    );
    expect(await closed.json()).toEqual({
      positionId: 'kraken-Oclosed1',
      tradeId: 'closed1',
      accepted: false,
      stage: 'closed',
    });
    const { ledger } = dashboard.repositories;
    await ledger.persistOpen(sampleOpen('unwatched'));
    expect(await errorOf(await post('/api/positions/unwatched/exit', {}))).toMatchObject({
      status: 409,
      code: 'not-running',
    });
    expect(await errorOf(await post('/api/positions/nothing/exit', {}))).toMatchObject({ status: 404 });
    expect(await errorOf(await post('/api/positions/unwatched/exit', { reason: '' }))).toMatchObject({
      status: 400,
      message: 'reason: must say why',
    });
    await ledger.recordClose(
      sampleClose('unwatched'),
      sampleOpen('unwatched'),
      sampleOutcome('unwatched'),
      [],
    );
  });

  test('halt and resume', async () => {
    const halted = await post('/api/halt', { reason: 'news', flatten: true });
    expect(await halted.json()).toMatchObject({ halted: true, flattened: { accepted: 0, refused: 0 } });
    expect(await dashboard.repositories.halts.active()).toMatchObject({
      reason: 'news',
      actor: 'dashboard',
      flatten: true,
    });
    expect(await (await post('/api/resume', {})).json()).toEqual({ halted: false, ended: 1 });
    expect(await dashboard.repositories.halts.active()).toBeNull();
  });

  test('a token of our own is made once, for its owner alone, and never logged', async () => {
    const first = await dashboard.another({});
    await first.close();
    const file = path.join(dashboard.dataDir, 'dashboard-token');
    const token = (await readFile(file, 'utf8')).trim();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(token.length).toBeGreaterThanOrEqual(32);
    const second = await dashboard.another({});
    const headers = { ...HEADERS, authorization: `Bearer ${token}` };
    const answer = await fetch(`${second.url}/api/resume`, { method: 'POST', headers, body: '{}' });
    await second.close();
    expect(answer.status).toBe(200);
    expect(dashboard.logged.length).toBeGreaterThan(0);
    expect(dashboard.logged.join('\n')).not.toContain(token);
    expect(dashboard.logged.join('\n')).not.toContain(TEST_TOKEN);
  });
});

describe('the stream', () => {
  test('begins with everything, then tells changes, openings and closings', async () => {
    const { ledger } = dashboard.repositories;
    await ledger.persistOpen(sampleOpen('stream1'));
    const events = await listen();
    try {
      const first = await events.next('positions');
      expect(first).toMatchObject({ full: true, positions: [{ tradeId: 'stream1' }], removed: [] });
      await events.next('health');
      await ledger.persistOpen(sampleOpen('stream2'));
      expect(await events.next('opened')).toMatchObject({ tradeId: 'stream2', symbol: 'BTC/USD' });
      await ledger.updateLive([
        {
          positionId: 'kraken-Ostream1',
          currentPrice: '61000',
          unrealizedPnL: '3.6146',
          exitsBelow: '60000',
          exitsAbove: null,
          bestPrice: '61000',
          markAgeMs: 5,
          stage: 'open',
        },
      ]);
      const moved = await events.next('positions', ({ positions }) =>
        (positions as DashboardPosition[]).some(({ markPrice }) => markPrice === '61000'),
      );
      expect(moved.full).toBe(false);
      expect(moved.positions).toHaveLength(1);
      expect(moved.positions).toMatchObject([
        { positionId: 'kraken-Ostream1', unrealizedPnl: '3.6146', exitsBelow: '60000' },
      ]);
      // It was null before.
      expect((moved.positions as object[])[0]).not.toHaveProperty('exitsAbove');
      await ledger.recordClose(sampleClose('stream1'), sampleOpen('stream1'), sampleOutcome('stream1'), []);
      expect(await events.next('closed')).toMatchObject({ tradeId: 'stream1', exitRule: 'take-profit' });
    } finally {
      events.close();
    }
    await ledger.recordClose(sampleClose('stream2'), sampleOpen('stream2'), sampleOutcome('stream2'), []);
  });

  interface Events {
    /** The next event of the name that also fits; earlier ones of other names are kept. */
    next(name: string, fits?: (data: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
    close(): void;
  }

  async function listen(): Promise<Events> {
    const abort = new AbortController();
    const response = await fetch(`${dashboard.url}/api/stream`, { signal: abort.signal });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const seen: { name: string; data: Record<string, unknown> }[] = [];
    const reading = (async () => {
      let text = '';
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        const parts = (text + chunk).split('\n\n');
        text = parts.pop() ?? '';
        for (const part of parts) {
          const [, name, data] = /^event: (.+)\ndata: (.+)$/s.exec(part) ?? [];
          if (name && data) seen.push({ name, data: JSON.parse(data) as Record<string, unknown> });
        }
      }
    })().catch(() => undefined);
    return {
      next: (name, fits = () => true) =>
        eventually(`event ${name}`, async () => {
          const at = seen.findIndex((event) => event.name === name && fits(event.data));
          return at < 0 ? undefined : seen.splice(at, 1)[0]!.data;
        }),
      close: () => {
        abort.abort();
        void reading;
      },
    };
  }
});
