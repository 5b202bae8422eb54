import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { startStack } from '../../src/embedded/stack.ts';
import { PaperControl } from '../support/paper-control.ts';
import { freePortBase } from '../support/port-base.ts';
import { HoldfastClient } from '../../src/client.ts';
import type { TradeRequest } from '../../src/workflows/messages.ts';

/** Runs one trade of each shape on a stack of its own and saves their histories beside this file. */

const DIRECTORY = path.dirname(fileURLToPath(import.meta.url));

const root = await mkdtemp(path.join(tmpdir(), 'holdfast-histories-'));
const env = { ...process.env, PREDICTION_URL: 'none' };
const log = pino({ level: 'warn' }, pino.destination(2));
const stack = await startStack({ dataDir: root, env, log, demo: false, scan: false, portBase: await freePortBase() });
const connection = await Connection.connect({ address: stack.ready.temporalAddress });
const temporal = new Client({ connection });
const client = new HoldfastClient(temporal);
const paper = new PaperControl(stack.ready.exchangeUrl);

function request(tradeId: string, over: Partial<TradeRequest> = {}): TradeRequest {
  return {
    tradeId,
    symbol: 'BTC/USD',
    side: 'long',
    notional: '250',
    order: { type: 'market' },
    strategy: 'manual',
    signal: { source: 'operator', confidence: 1, asOfMs: Date.now(), ttlMs: 30_000 },
    ...over,
  };
}

async function save(name: string, workflowId: string): Promise<void> {
  const history = await temporal.workflow.getHandle(workflowId).fetchHistory();
  await writeFile(path.join(DIRECTORY, `${name}.json`), historyToJSON(history));
  console.log(`${name}: ${history.events?.length ?? 0} events`);
}

try {
  await paper.price('BTC/USD', '10000.0', '10000.1');

  await client.openTrade(request('forced'));
  await client.progress('forced', 'opened');
  await client.requestExit('forced', 'recorded');
  await client.result('forced');
  await save('trade-forced-exit', 'trade-forced');

  await client.openTrade(request('emergency'));
  await client.progress('emergency', 'opened');
  await paper.price('BTC/USD', '7900.0', '7900.1');
  await client.result('emergency');
  await save('trade-fired-by-guard', 'trade-emergency');
  await paper.price('BTC/USD', '10000.0', '10000.1');

  await client.openTrade(request('rejected', { notional: '999999' }));
  await client.result('rejected');
  await save('trade-rejected', 'trade-rejected');

  await paper.arm({ call: 'AddOrder', kind: 'drop-after', times: 1 });
  await client.openTrade(request('unknown'));
  await client.progress('unknown', 'opened');
  await stack.parts.get('worker-1')?.kill();
  await client.requestExit('unknown', 'recorded');
  await client.result('unknown');
  await save('trade-unknown-entry-and-lost-guard', 'trade-unknown');
  await save('learning', 'learning');
} finally {
  await connection.close();
  await stack.stop();
  await rm(root, { recursive: true, force: true });
}
