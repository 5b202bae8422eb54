import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { openDatabase } from '../../db/data-source.ts';
import { createRepositories } from '../../db/repositories/index.ts';
import { learningStep, NO_VELOCITY } from '../../src/domain/learning/step.ts';
import type { PositionView } from '../../src/views/position-view.ts';
import { PaperControl } from '../support/paper-control.ts';
import { freePortBase } from '../support/port-base.ts';
import { deployedQueries, missingFrom } from '../support/prometheus.ts';
import { holdfast, holdfastJson, holdfastLines, startUpWith, type Up } from '../support/up.ts';
import { workflowDetails } from '../support/workflow-details.ts';

interface Opened {
  readonly tradeId: string;
  readonly workflowId: string;
  readonly stage: string;
  readonly positionId: string;
}

/** Trades on a whole stack, driven as people drive it. */
describe('a trade', { timeout: 120_000 }, () => {
  let root: string;
  let up: Up;
  let paper: PaperControl;
  let database: pg.Client;
  let connection: Connection;
  let temporal: Client;

  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'holdfast-trade-'));
    up = await startUpWith(
      { PREDICTION_URL: 'none' },
      '--data-dir',
      root,
      '--port-base',
      String(await freePortBase()),
    );
    paper = new PaperControl(up.ready.exchangeUrl);
    database = new pg.Client(up.ready.databaseUrl);
    await database.connect();
    connection = await Connection.connect({ address: up.ready.temporalAddress });
    temporal = new Client({ connection });
  }, 180_000);
  afterAll(async () => {
    await database.end();
    await connection.close();
    up.signalGroup('SIGINT');
    await up.ended;
    await rm(root, { recursive: true, force: true });
  }, 60_000);
  beforeEach(() => paper.price('BTC/USD', '10000.0', '10000.1'));

  const cli = (...args: string[]) => holdfastJson<never>(...args, '--data-dir', root);
  const open = (...args: string[]): Promise<Opened> =>
    cli('open', '--symbol', 'BTC/USD', '--notional', '250', '--wait', 'opened', ...args);
  const openPositions = (): Promise<PositionView[]> => cli('positions');
  const exitAll = () => cli('exit', '--all', '--wait', 'closed');
  const sql = async (text: string) => (await database.query<Record<string, unknown>>(text)).rows;
  const result = (opened: Opened): Promise<Record<string, unknown>> =>
    temporal.workflow.getHandle(opened.workflowId).result();

  /** What the deployed alert rules and dashboard ask for and this worker does not tell. */
  async function monitored(): Promise<string[]> {
    const metrics = await (await fetch(up.ready.metricsUrl)).text();
    return deployedQueries().flatMap((query) =>
      missingFrom(metrics, query).map((what) => `${query.where}: ${what}`),
    );
  }

  it('opens, is shown everywhere alike, and closes by two orders', async () => {
    const before = (await paper.accepted()).length;
    const opened = await open('--side', 'long');
    expect(opened).toMatchObject({ stage: 'open', workflowId: `trade-${opened.tradeId}` });
    await expect
      .poll(async () => (await openPositions())[0], { timeout: 10_000 })
      .toMatchObject({
        positionId: opened.positionId,
        symbol: 'BTC/USD',
        side: 'long',
        stage: 'open',
        entryPrice: '10000.1',
        markPrice: '10000',
        exitsBelow: expect.stringMatching(/^\d/) as string,
      });
    expect(await sql('SELECT status, COUNT(*) FROM "ManagedPosition" GROUP BY status')).toEqual([
      { status: 'open', count: '1' },
    ]);
    await expect.poll(monitored, { timeout: 30_000, interval: 500 }).toEqual([]);
    expect(await sql('SELECT status, COUNT(*) FROM "LivePosition" GROUP BY status')).toEqual([
      { status: 'open', count: '1' },
    ]);
    const [row] = await sql(
      'SELECT id, symbol, side, quantity, "entryPrice", status, "createdAt" FROM "ManagedPosition" ORDER BY "createdAt" DESC LIMIT 10',
    );
    const [position] = await openPositions();
    expect(row).toMatchObject({
      id: position?.positionId,
      quantity: position?.quantity,
      entryPrice: position?.entryPrice,
    });

    await cli('exit', opened.positionId, '--reason', 'test', '--wait', 'closed');
    expect(await openPositions()).toEqual([]);
    const [closed] = await sql(
      'SELECT COUNT(*) AS closed_trades, AVG("realizedPnL") AS avg_pnl, SUM(CASE WHEN "realizedPnL" > 0 THEN 1 ELSE 0 END) AS wins FROM "ManagedPosition" WHERE status = \'closed\'',
    );
    const [shown] = (await cli('positions', '--status', 'closed')) as PositionView[];
    expect(closed).toMatchObject({ closed_trades: '1', wins: '0' });
    expect(Number(closed?.avg_pnl)).toBe(Number(shown?.realizedPnl));
    expect(shown).toMatchObject({ status: 'closed', exitRule: 'forced' });
    expect((await paper.accepted()).length - before).toBe(2);
  });

  it('tells its story in the Temporal Web UI', async () => {
    const { workflowId, positionId, tradeId } = await open();
    const handle = temporal.workflow.getHandle(workflowId);
    const described = await handle.describe();
    expect(await described.staticSummary()).toBe('long BTC/USD for 250');
    const attributes = described.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]);
    expect(Object.fromEntries(attributes)).toMatchObject({
      ...{ HoldfastSymbol: 'BTC/USD', HoldfastSide: 'long', HoldfastStage: 'open' },
      HoldfastPositionId: positionId,
    });
    await expect
      // At the latest when the trade has looked at its guard, after a minute.
      .poll(() => workflowDetails(handle), { timeout: 90_000 })
      .toMatch(
        /### long BTC\/USD: open[\s\S]*Entry:[\s\S]*Exits\*\* below \d[\s\S]*hold `min-hold`[\s\S]*by operator/,
      );
    await cli('exit', tradeId, '--reason', 'the story ends', '--wait', 'closed');
    expect(await workflowDetails(handle)).toMatch(
      /: closed[\s\S]*`forced`: the story ends[\s\S]*P&L net of fees/,
    );
    const { events } = await handle.fetchHistory();
    const summaries = (events ?? []).flatMap(({ userMetadata }) =>
      userMetadata?.summary?.data
        ? [JSON.parse(Buffer.from(userMetadata.summary.data).toString()) as string]
        : [],
    );
    for (const summary of [
      'long BTC/USD for 250',
      expect.stringMatching(/^entry: buy 0\.\d+ BTC\/USD market$/) as string,
      `four records of ${positionId}, read back`,
      expect.stringMatching(/may sell as exit-1$/) as string,
      'exit by forced',
    ])
      expect(summaries).toContainEqual(summary);
  });

  it('answers every saved query of the run book', async () => {
    const runBook = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const queries = [...runBook.matchAll(/^\| `((?:WorkflowType|Holdfast)[^`]*)` \|/gm)].map(
      ([, query]) => query ?? '',
    );
    expect(queries.length).toBeGreaterThan(3);
    for (const query of queries)
      expect((await temporal.workflow.count(query)).count).toBeGreaterThanOrEqual(0);
  });

  it('is one trade and one order when opened twice with one id', async () => {
    const before = (await paper.accepted()).length;
    const [first, second] = await Promise.all([open('--id', 'twice'), open('--id', 'twice')]);
    expect(second.positionId).toBe(first.positionId);
    expect((await paper.accepted()).length - before).toBe(1);
    await exitAll();
    expect(await holdfastJson('open', ...twiceArguments(root))).toMatchObject({ stage: 'closed' });
    expect((await paper.accepted()).length - before).toBe(2);
  });

  it('exits at an emergency price by itself', async () => {
    const opened = await open();
    await paper.price('BTC/USD', '7900.0', '7900.1');
    expect(await result(opened)).toMatchObject({ stage: 'closed', exitRule: 'emergency-loss' });
  });

  it('keeps the thresholds that were in use when it opened; a rollback holds for the next trade', async () => {
    const learned = await openDatabase(up.ready.databaseUrl, { poolSize: 1 });
    const { learning } = createRepositories(learned);
    const first = await learning.active();
    const start = { ...first, velocity: NO_VELOCITY };
    const proposed = { ...first.thresholds, extraordinaryProfitCapture: 0.2 };
    await learning.publish({ ...learningStep([], start, 'test'), proposed, accepted: true });
    const [under2, told] = [await open(), await cli('thresholds', '--rollback', '1')];
    expect(told).toMatchObject({ version: 1, thresholds: first.thresholds });
    const under1 = await open();
    await paper.price('BTC/USD', '12500.0', '12500.1');
    expect(await result(under2)).toMatchObject({ exitRule: 'extraordinary-profit' });
    expect(await openPositions()).toMatchObject([{ positionId: under1.positionId, stage: 'open' }]);
    await exitAll();
    const pinned = await sql(
      `SELECT "id", "thresholdsVersion", "exitReason" FROM "ManagedPosition"
       WHERE "id" IN ('${under1.positionId}', '${under2.positionId}') ORDER BY "thresholdsVersion"`,
    );
    expect(pinned).toEqual([
      { id: under1.positionId, thresholdsVersion: 1, exitReason: 'forced' },
      { id: under2.positionId, thresholdsVersion: 2, exitReason: 'extraordinary-profit' },
    ]);
    await learned.destroy();
  });

  it('closes by a forceExit signal of the Temporal CLI, and is found by its search attributes', async () => {
    const opened = await open();
    const query = `HoldfastPositionId = '${opened.positionId}' AND HoldfastStage = 'open' AND HoldfastSymbol = 'BTC/USD'`;
    await expect.poll(async () => (await temporal.workflow.count(query)).count, { timeout: 10_000 }).toBe(1);
    const signal = ['workflow', 'signal', '--workflow-id', opened.workflowId, '--name', 'forceExit'];
    const input = ['--input', '{"reason":"from the Temporal CLI"}', '--address', up.ready.temporalAddress];
    await promisify(execFile)(inject('temporalCli'), [...signal, ...input]);
    expect(await result(opened)).toMatchObject({ stage: 'closed', exitRule: 'forced' });
    const { typedSearchAttributes } = await temporal.workflow.getHandle(opened.workflowId).describe();
    const attributes = Object.fromEntries(
      typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]),
    );
    expect(attributes).toMatchObject({
      HoldfastStage: 'closed',
      HoldfastExitRule: 'forced',
      HoldfastSide: 'long',
    });
    expect(attributes.HoldfastReturn).toBeCloseTo(-0.00001, 4);
  });

  it('exits when its workflow is asked to cancel, instead of leaving the position behind', async () => {
    const opened = await open();
    await temporal.workflow.getHandle(opened.workflowId).cancel();
    expect(await result(opened)).toMatchObject({ stage: 'closed', exitRule: 'forced' });
  });

  it('goes short on margin and buys back', async () => {
    const opened = await open('--side', 'short');
    expect((await openPositions())[0]).toMatchObject({ side: 'short', entryPrice: '10000' });
    await paper.price('BTC/USD', '9000.0', '9000.1');
    await exitAll();
    const [closed] = (await cli('positions', '--status', 'closed')) as PositionView[];
    expect(closed).toMatchObject({ positionId: opened.positionId, exitPrice: '9000.1' });
    expect(Number(closed?.realizedPnl)).toBeGreaterThan(20);
  });

  it('cancels a resting entry on demand, and then holds nothing', async () => {
    const limit = ['--order', 'limit', '--price', '9000.0', '--id', 'resting'];
    await cli('open', '--symbol', 'BTC/USD', '--notional', '250', ...limit);
    await expect
      .poll(async () => (await temporal.workflow.count("HoldfastStage = 'entering'")).count)
      .toBe(1);
    await cli('exit', 'resting');
    expect(await temporal.workflow.getHandle('trade-resting').result()).toMatchObject({ stage: 'cancelled' });
    expect(await openPositions()).toEqual([]);
    expect(await sql(`SELECT status FROM "CapitalReservation" WHERE "tradeId" = 'resting'`)).toEqual([
      { status: 'released' },
    ]);
  });

  it('tells its story with show', async () => {
    const opened = await open();
    const { stdout } = await holdfast('show', opened.positionId, '--data-dir', root);
    for (const word of ['reserved', 'intent entry', 'filled', 'four records', 'Temporal Web UI']) {
      expect(stdout).toContain(word);
    }
    await exitAll();
    const after = await holdfast('show', opened.tradeId, '--data-dir', root);
    expect(after.stdout).toMatch(/intent exit-1 .* filled/);
    expect(after.stdout).toContain('closed by forced');
  });

  it('is watched as it moves', async () => {
    const { positionId } = await open();
    const marks: string[] = [];
    for await (const line of holdfastLines('positions', '--watch', '--json', '--data-dir', root)) {
      const view = (JSON.parse(line) as PositionView[]).find((each) => each.positionId === positionId);
      marks.push(view?.markPrice ?? 'missing');
      if (marks.length === 1) await paper.price('BTC/USD', '10020.0', '10020.1');
      if (marks.at(-1) === '10020' || marks.length > 60) break;
    }
    expect(marks).not.toContain('missing');
    expect(marks.at(-1)).toBe('10020');
    const piped = await holdfast('positions', '--watch', '--data-dir', root);
    expect(piped.stderr).toContain('--watch needs a terminal');
    await exitAll();
  });

  it('is counted by learning once', async () => {
    const closed = ((await cli('positions', '--status', 'closed')) as PositionView[]).length;
    const learning = temporal.workflow.getHandle('learning');
    await expect
      .poll(async () => {
        const { studied, waiting } = await learning.query<{ studied: number; waiting: number }>('progress');
        return studied + waiting;
      })
      .toBe(closed);
    // Each by its own workflow, whatever was sent again: a copy from elsewhere would be a finding.
    const strangers = `SELECT "handedOverBy" FROM "TradeOutcome" WHERE "handedOverBy" IS DISTINCT FROM 'trade-' || "tradeId"`;
    await expect.poll(() => sql(strangers)).toEqual([]);
    expect(await sql(`SELECT "subject" FROM "Finding" WHERE "kind" = 'refused-study'`)).toEqual([]);
    expect(await cli('thresholds')).toMatchObject({ version: 1 });
  });

  it('checks its persistence in eight steps and leaves nothing behind', async () => {
    const rows = 'SELECT count(*) FROM "ManagedPosition"';
    const before = await sql(rows);
    const { code, stdout } = await holdfast('check', '--data-dir', root);
    expect(stdout.match(/^\d\/8 .* ok /gm)).toHaveLength(8);
    expect(code).toBe(0);
    expect(await sql(rows)).toEqual(before);
  });

  it.each([
    ['an unknown symbol', ['open', '--symbol', 'NOPE/USD', '--notional', '250'], /--symbol is NOPE\/USD/],
    [
      'a notional below the minimum',
      ['open', '--symbol', 'BTC/USD', '--notional', '0.1'],
      /--notional is 0\.1.*least quantity/,
    ],
    ['a negative notional', ['open', '--symbol', 'BTC/USD', '--notional', '-5'], /--notional is -5/],
    [
      'a notional that is no number',
      ['open', '--symbol', 'BTC/USD', '--notional', '1e3'],
      /--notional is 1e3/,
    ],
    [
      'a limit order without a price',
      ['open', '--symbol', 'BTC/USD', '--notional', '250', '--order', 'limit'],
      /needs --price/,
    ],
    [
      'a price off the tick',
      ['open', '--symbol', 'BTC/USD', '--notional', '250', '--order', 'limit', '--price', '1.23'],
      /tick of 0\.1/,
    ],
    [
      'a confidence of 7',
      ['open', '--symbol', 'BTC/USD', '--notional', '250', '--confidence', '7'],
      /--confidence is 7/,
    ],
    ['an unknown side', ['open', '--symbol', 'BTC/USD', '--notional', '250', '--side', 'up'], /long, short/],
    ['an unknown id', ['exit', 'kraken-NOSUCH'], /kraken-NOSUCH is no open position/],
    ['an unknown trade', ['show', 'nothing'], /nothing is no trade/],
    ['an unknown command', ['sell'], /unknown command 'sell'/],
  ])('refuses %s in one line and changes nothing', async (_name, args, message) => {
    const workflows = await temporal.workflow.count("WorkflowType = 'trade'");
    const orders = await paper.orders();
    const { code, stderr, stdout } = await holdfast(...args, '--data-dir', root);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    const json = await holdfast(...args, '--data-dir', root, '--json');
    expect(JSON.parse(json.stdout)).toEqual({
      error: { code: expect.any(String) as string, message: expect.stringMatching(message) as string },
    });
    expect(await temporal.workflow.count("WorkflowType = 'trade'")).toEqual(workflows);
    expect(await paper.orders()).toEqual(orders);
  });
});

function twiceArguments(root: string): string[] {
  return [
    '--symbol',
    'BTC/USD',
    '--notional',
    '250',
    '--id',
    'twice',
    '--wait',
    'opened',
    '--data-dir',
    root,
  ];
}
