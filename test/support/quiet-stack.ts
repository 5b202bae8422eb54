import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { HoldfastClient } from '../../src/client.ts';
import { startStack, type Stack } from '../../src/embedded/stack.ts';
import { PaperControl } from './paper-control.ts';
import { freePortBase } from './port-base.ts';
import { bareEnvironment } from './up.ts';

/** A whole stack of its own on which nothing happens by itself: no scan, no prediction, prices set by hand. */
export interface QuietStack {
  readonly root: string;
  readonly stack: Stack;
  readonly paper: PaperControl;
  readonly temporal: Client;
  readonly client: HoldfastClient;
  stop(): Promise<void>;
}

export async function startQuietStack(name: string, env: NodeJS.ProcessEnv = {}): Promise<QuietStack> {
  const root = await mkdtemp(path.join(tmpdir(), `holdfast-${name}-`));
  const stack = await startStack({
    dataDir: path.join(root, 'data'),
    env: { ...bareEnvironment(), PREDICTION_URL: 'none', ...env },
    log: pino({ level: 'silent' }),
    demo: false,
    scan: false,
    portBase: await freePortBase(),
  });
  const connection = await Connection.connect({ address: stack.ready.temporalAddress });
  const temporal = new Client({ connection });
  return {
    root,
    stack,
    paper: new PaperControl(stack.ready.exchangeUrl),
    temporal,
    client: new HoldfastClient(temporal),
    async stop() {
      await connection.close();
      await stack.stop();
      await rm(root, { recursive: true, force: true });
    },
  };
}
