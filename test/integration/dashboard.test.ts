import { freePort } from '../support/port-base.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { poolOf } from '../../db/data-source.ts';
import type { DashboardPosition } from '../../src/dashboard/positions.ts';
import { subtract } from '../../src/domain/money.ts';
import { NO_PROTECTIONS } from '../../src/domain/protections.ts';
import { NO_LIMITS } from '../../src/domain/risk.ts';
import type { Health } from '../../src/dashboard/health.ts';
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

interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

async function getJson(route: string, base = dashboard.url): Promise<Answer<unknown>> {
  const response = await fetch(base + route);
  return { status: response.status, body: await response.json() };
}

async function errorOf(response: Response): Promise<{ status: number; code: string; message: string }> {
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  return { status: response.status, ...error };
}

describe('reading', () => {
  const ETH = { symbol: 'ETH/USD', side: 'short' } as const;
  const BTC = { marketConditions: { volatilityScale: 1.25, roundTripFee: 0.005 } };
  const now = Date.now();

  beforeAll(async () => {
    const { ledger } = dashboard.repositories;
    await ledger.persistOpen(sampleOpen('open1', BTC));
    const { signals } = dashboard.repositories;
    const said = { action: 'BUY', source: 'momentum', ttlMs: 3_600_000 } as const;
    await signals.keepPrediction('BTC/USD', { ...said, confidence: 0.4, asOfMs: now - 60_000 });
    await signals.keepPrediction('BTC/USD', { ...said, confidence: 0.75, asOfMs: now });
    await ledger.persistOpen(sampleOpen('open2', ETH));
    await ledger.updateLive([
      {
        positionId: 'kraken-Oopen1',
        currentPrice: '60724.634',
        unrealizedPnL: '2.479',
        exitsBelow: '60000',
        exitsAbove: '65000',
        bestPrice: '60800',
        markAgeMs: 120,
        stage: 'open',
      },
    ]);
  });

  afterAll(async () => {
    const { ledger } = dashboard.repositories;
    await ledger.recordClose(sampleClose('open1', BTC), sampleOpen('open1', BTC), sampleOutcome('open1'), []);
    await ledger.recordClose(
      sampleClose('open2', ETH),
      sampleOpen('open2', ETH),
      sampleOutcome('open2', ETH),
      [],
    );
  });

  test('positions have the fields of `holdfast positions --json`', async () => {
    const { body } = (await getJson('/api/positions?symbol=XBTUSD')) as Answer<DashboardPosition[]>;
    expect(body).toHaveLength(1);
    const { markAgeMs, ...position } = body[0]!;
    expect(markAgeMs).toBeGreaterThanOrEqual(120);
    const { entryTime } = sampleOpen('open1').managedPosition;
    expect(position).toEqual({
      positionId: 'kraken-Oopen1',
      tradeId: 'open1',
      workflowId: 'trade-open1',
      symbol: 'BTC/USD',
      side: 'long',
      strategy: 'manual',
      status: 'open',
      stage: 'open',
      quantity: '0.00412345',
      entryPrice: '60123.4',
      notional: '247.91583373',
      markPrice: '60724.634',
      unrealizedPnl: '2.479',
      returnPct: 1,
      bestPrice: '60800',
      exitsBelow: '60000',
      exitsAbove: '65000',
      fees: '0.6446',
      thresholdsVersion: 1,
      openedAt: new Date(entryTime).toISOString(),
      openedAtMs: entryTime,
      closedAt: null,
      closedAtMs: null,
      exitPrice: null,
      exitRule: null,
      realizedPnl: null,
      minHoldEndsAtMs: entryTime + 120_000,
      ruleNow: 'ai-confidence',
      prediction: {
        action: 'BUY',
        confidence: 0.75,
        source: 'momentum',
        asOfMs: now,
        expiresAtMs: now + 3_600_000,
        effect: 'holds',
        needsConfidence: 0.7,
      },
    });
  });

  test('positions are filtered by status and symbol; a bad filter is named', async () => {
    const ids = async (query: string) =>
      ((await getJson(`/api/positions${query}`)) as Answer<DashboardPosition[]>).body
        .map(({ tradeId }) => tradeId)
        .sort();
    expect(await ids('')).toEqual(['open1', 'open2']);
    expect(await ids('?status=closed')).toEqual(['closed1']);
    expect(await ids('?status=all')).toEqual(['closed1', 'open1', 'open2']);
    expect(await ids('?status=all&symbol=ETH/USD')).toEqual(['open2']);
    for (const query of ['status=lost', 'symbol=%21', 'limit=0']) {
      const { status, message } = await errorOf(await fetch(`${dashboard.url}/api/positions?${query}`));
      expect(status).toBe(400);
      expect(message).toMatch(new RegExp(`^${query.split('=')[0]!} is .*, allowed is `));
    }
  });

  test('a closed position tells its exit', async () => {
    const { body } = (await getJson('/api/positions?status=closed')) as Answer<DashboardPosition[]>;
    const { managedPosition } = sampleClose('closed1');
    expect(body[0]).toMatchObject({
      stage: 'closed',
      exitRule: 'take-profit',
      exitPrice: managedPosition.exitPrice,
      realizedPnl: managedPosition.realizedPnL,
      unrealizedPnl: '0',
      markAgeMs: null,
    });
  });

  test('a trade is found by either id, without a workflow too', async () => {
    for (const id of ['closed1', 'kraken-Oclosed1']) {
      const { body } = (await getJson(`/api/trades/${id}`)) as Answer<Record<string, unknown>>;
      expect(body).toMatchObject({
        tradeId: 'closed1',
        workflowId: 'trade-closed1',
        position: { status: 'closed' },
        reservation: { status: 'released' },
        outcome: { exitRule: 'take-profit' },
        state: null,
      });
      expect(body.trades).toHaveLength(2);
      expect(body.stateUnknown).toMatch(/not found/i);
    }
    expect(await errorOf(await fetch(`${dashboard.url}/api/trades/nothing`))).toMatchObject({
      status: 404,
      code: 'unknown-trade',
    });
  });

  test('thresholds, findings and stats', async () => {
    await dashboard.repositories.findings.raise({
      id: 'orphan-order:O1',
      kind: 'orphan-order',
      subject: 'O1',
      seen: { symbol: 'BTC/USD' },
      status: 'human',
      nowMs: Date.now(),
    });
    const { equity, risk, halts } = dashboard.repositories;
    const rules = { limits: { ...NO_LIMITS, maxDrawdown: 0.05 }, protections: NO_PROTECTIONS };
    await risk.publishRules(rules, 'a-worker');
    const readings = [
      ['10000', '0'],
      ['9400', '600'],
    ] as const;
    for (const [index, [worth, exposure]] of readings.entries()) {
      const cash = subtract(worth, exposure);
      const takenAtMs = Date.now() - 60_000 + index;
      await equity.record({ equity: worth, cash, exposure, takenAtMs, cause: 'interval' });
    }
    await halts.start({ reason: 'news', actor: 'night shift', flatten: false });
    await halts.resume({ actor: 'day shift', reason: 'calm' });
    const thresholds = (await getJson('/api/thresholds')) as Answer<Record<string, unknown>>;
    expect(thresholds.body).toMatchObject({
      version: 1,
      versions: [{ version: 1, why: 'starting values', active: true }],
    });
    const findings = (await getJson('/api/findings')) as Answer<Record<string, unknown>>;
    expect(findings.body).toMatchObject({
      findings: [
        {
          kind: 'orphan-order',
          status: 'human',
          words: {
            seen: expect.stringContaining('is ours') as string,
            outcome: expect.stringContaining('needs you') as string,
          },
        },
      ],
      halts: [{ actor: 'night shift', endedBy: 'day shift', endReason: 'calm' }],
      blocks: [{ limit: 'maxDrawdown', symbol: null }],
    });
    const stats = (await getJson('/api/stats')) as Answer<Record<string, unknown>>;
    const pnl = sampleClose('closed1').managedPosition.realizedPnL;
    expect(stats.body).toMatchObject({
      closedTrades: 1,
      openPositions: 2,
      netPnl: pnl,
      openPnl: '2.479',
      equity: '9400',
      cash: '8800',
      exposure: '600',
      peakEquity: '10000',
      drawdown: 0.06,
      maxDrawdownFraction: 0.06,
      blocks: [{ limit: 'maxDrawdown', message: expect.stringContaining('its peak was 10000') as string }],
      curve: [{ pnl }],
      equityCurve: [
        { equity: '10000', drawdown: 0 },
        { equity: '9400', drawdown: 0.06 },
      ],
    });
    expect(
      ((await getJson('/api/stats?since=1h')) as Answer<{ closedTrades: number }>).body.closedTrades,
    ).toBe(0);
    expect((await fetch(`${dashboard.url}/api/stats?since=soon`)).status).toBe(400);
  });
});

describe('health', () => {
  const health = async (wanted: number, base = dashboard.url) =>
    eventually(`healthz ${wanted}`, async () => {
      const { status, body } = (await getJson('/healthz', base)) as Answer<Health>;
      return status === wanted ? body : undefined;
    });

  test('all well: with no position open the feed is asked for a quote', async () => {
    const { parts, ok } = await health(200);
    expect(ok).toBe(true);
    expect(parts.feed.detail).toContain('no open position');
  });

  test('an old mark of the only open position is a failing feed', async () => {
    const { ledger } = dashboard.repositories;
    await ledger.persistOpen(sampleOpen('stale'));
    await poolOf(dashboard.database).query(
      `UPDATE "LivePosition" SET "updatedAt" = now() - interval '40 seconds' WHERE "positionId" = 'kraken-Ostale'`,
    );
    const { failing, parts } = await health(503);
    expect(failing).toEqual(['feed']);
    expect(parts.feed.detail).toMatch(/newest mark is 4\d(\.\d)? s old/);
    await ledger.recordClose(sampleClose('stale'), sampleOpen('stale'), sampleOutcome('stale'), []);
    await health(200);
  });

  test('a database that hangs is named, and the page is still served', async () => {
    dashboard.proxy.freeze();
    try {
      const { failing } = await health(503);
      expect(failing).toContain('database');
      expect((await fetch(dashboard.url)).status).toBe(200);
    } finally {
      dashboard.proxy.thaw();
    }
    await health(200);
  });

  test('it starts without Temporal, and names it', async () => {
    const { TEMPORAL_ADDRESS: address } = process.env;
    process.env.TEMPORAL_ADDRESS = `127.0.0.1:${await freePort()}`;
    const other = await dashboard.another({ HOLDFAST_DASHBOARD_TOKEN: TEST_TOKEN });
    try {
      expect((await health(503, other.url)).failing).toEqual(['temporal']);
    } finally {
      process.env.TEMPORAL_ADDRESS = address;
      await other.close();
    }
  });
});

describe('the page', () => {
  test('allows nothing but its own origin, and names no other', async () => {
    const response = await fetch(dashboard.url);
    const html = await response.text();
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'self';/);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/i);
    const linked = [...html.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, target]) => target!);
    expect(linked.length).toBeGreaterThan(5);
    for (const target of linked.filter((one) => !one.startsWith('#'))) {
      expect(target).toMatch(/^\//);
      const asset = await fetch(dashboard.url + target);
      expect([target, asset.status]).toEqual([target, 200]);
      const addresses = (await asset.text()).match(/\bhttps?:\/\/[^\s"'`)]+/g) ?? [];
      expect(addresses.filter((address) => address !== 'http://www.w3.org/2000/svg')).toEqual([]);
    }
  });

  test('the stream is under the same policy', async () => {
    const abort = new AbortController();
    const response = await fetch(`${dashboard.url}/api/stream`, { signal: abort.signal });
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'self';/);
    abort.abort();
  });
});
