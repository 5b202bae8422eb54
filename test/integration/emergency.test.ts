import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LEARNING_WORKFLOW_ID } from '../../src/client.ts';
import { Lane } from '../chaos/support/lane.ts';
import { until } from '../chaos/support/until.ts';
import { filledBy } from '../support/order-legs.ts';
import { legsOf } from '../support/protected-trades.ts';
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

const WITHIN_MS = 60_000;

/** A provider that wants every position held, for ever and with all its confidence. */
async function startHolder(): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end(JSON.stringify({ action: 'HOLD', confidence: 1 })));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

describe('an emergency', { timeout: 180_000 }, () => {
  let lane: Lane;
  let holder: Server;
  let database: TcpProxy;

  beforeAll(async () => {
    [lane, holder] = await Promise.all([Lane.open(), startHolder()]);
    const url = new URL(lane.databaseUrl);
    database = await openTcpProxy(url.host);
    url.host = database.address;
    await lane.startWorker({
      DATABASE_URL: url.href,
      PREDICTION_URL: `http://127.0.0.1:${(holder.address() as AddressInfo).port}`,
    });
  }, 180_000);
  afterAll(async () => {
    await lane.close();
    await database.close();
    holder.close();
  }, 60_000);

  it('exits though the model says HOLD for ever and database, learning and dashboard are down', async () => {
    const { symbol, move } = await lane.freshSymbol();
    const tradeId = randomUUID();
    await lane.openTrade(tradeId, symbol);
    await until('it is recorded', WITHIN_MS, async () => {
      return (await lane.client.state(tradeId)).persistence === 'confirmed';
    });
    await move(0.97);
    await until('it is held at a loss because the model says so', WITHIN_MS, async () => {
      const { evaluation } = await lane.client.state(tradeId);
      return evaluation?.evaluation.rule === 'ai-confidence' && evaluation.evaluation.returnFraction < -0.02;
    });
    database.cut();
    await lane.temporal.client.workflow.getHandle(LEARNING_WORKFLOW_ID).terminate('down');

    await move(0.79);
    await until('it is sold', WITHIN_MS, async () => {
      const legs = await legsOf(lane, tradeId);
      return Number(filledBy(legs, 'exit')) === Number(filledBy(legs, 'entry'));
    });
    expect((await legsOf(lane, tradeId)).map(({ leg }) => leg)).toEqual(['entry', 'exit-1']);
    const { demand, stage } = await lane.client.state(tradeId);
    expect({ rule: demand?.rule, stage }).toEqual({ rule: 'emergency-loss', stage: 'exiting' });

    database.heal();
    expect(await lane.client.result(tradeId)).toMatchObject({ stage: 'closed', exitRule: 'emergency-loss' });
  });
});
