import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT_RULES } from '../../src/domain/exit-policy.ts';
import type { PositionView } from '../../src/views/position-view.ts';
import { freePortBase } from '../support/port-base.ts';
import { comparable, statsBySql } from '../support/stats-by-sql.ts';
import { holdfastJson, startUp, type Up } from '../support/up.ts';
import { workflowDetails } from '../support/workflow-details.ts';

/** `npm start` without a hand on it: the recorded hour is traded from predictions to the end. */
describe('the demo', { timeout: 240_000 }, () => {
  let root: string;
  let up: Up;
  let connection: Connection;
  let temporal: Client;

  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'holdfast-demo-'));
    const where = ['--data-dir', root, '--port-base', String(await freePortBase())];
    up = await startUp('--demo', '--speed', '60', ...where);
    connection = await Connection.connect({ address: up.ready.temporalAddress });
    temporal = new Client({ connection });
  }, 180_000);
  afterAll(async () => {
    await connection.close();
    up.signalGroup('SIGINT');
    await up.ended;
    await rm(root, { recursive: true, force: true });
  }, 60_000);

  const positions = (status: string): Promise<PositionView[]> =>
    holdfastJson('positions', '--status', status, '--data-dir', root);
  const tape = async () =>
    (await (await fetch(`${up.ready.exchangeUrl}/control/market`)).json()) as {
      source: string;
      ended: boolean;
    };

  it('opens from predictions, closes by rules, and learning counts it', async () => {
    await expect.poll(() => positions('closed'), { timeout: 120_000, interval: 2_000 }).not.toHaveLength(0);
    for (const position of await positions('closed')) {
      expect(position.strategy).toBe('momentum');
      expect(EXIT_RULES).toContain(position.exitRule);
      expect(position.exitRule).not.toBe('forced');
    }
    const details = async () => {
      const handles = (await positions('closed')).map(({ workflowId }) =>
        temporal.workflow.getHandle(workflowId),
      );
      return (await Promise.all(handles.map(workflowDetails))).join('\n');
    };
    await expect
      .poll(details, { timeout: 60_000, interval: 1_000 })
      .toMatch(/Prediction then:\*\* (BUY|SELL|HOLD), /);
    const learning = temporal.workflow.getHandle('learning');
    const studied = async () => (await learning.query<{ studied: number }>('progress')).studied;
    await expect.poll(studied, { timeout: 120_000, interval: 1_000 }).toBeGreaterThan(0);
  });

  it('keeps what is open running when the tape has ended', async () => {
    await expect
      .poll(tape, { timeout: 180_000, interval: 1_000 })
      .toMatchObject({ source: 'tape', ended: true });
    const trades = `WorkflowType = 'trade' AND ExecutionStatus = 'Running' AND HoldfastStage = 'open'`;
    await expect
      .poll(async () => (await positions('open')).length - (await temporal.workflow.count(trades)).count, {
        timeout: 30_000,
      })
      .toBe(0);
    expect(await holdfastJson('reconcile', '--data-dir', root)).toEqual({ findings: [] });
  });

  it('has told the numbers that the tables hold', async () => {
    const told = async () => {
      const { sinceMs, blocks, equityAtMs, ...figures } = await holdfastJson<{
        sinceMs: number;
        blocks: unknown[];
        equityAtMs: number;
        closedTrades: number;
        prematureShare: number | null;
      }>('stats', '--data-dir', root);
      expect({ sinceMs, blocks }).toEqual({ sinceMs: 0, blocks: [] });
      expect(figures.closedTrades).toBeGreaterThan(0);
      expect(figures.prematureShare).not.toBeNull();
      return { figures: comparable(figures), bySql: await statsBySql(up.ready.databaseUrl, equityAtMs) };
    };
    // What is still open may close in between: then both are asked again.
    await expect
      .poll(
        async () => {
          const { figures, bySql } = await told();
          return Object.keys({ ...figures, ...bySql }).flatMap((name) =>
            isDeepStrictEqual(figures[name], bySql[name])
              ? []
              : [{ name, told: figures[name], sql: bySql[name] }],
          );
        },
        { timeout: 60_000, interval: 1_000 },
      )
      .toEqual([]);
  });
});
