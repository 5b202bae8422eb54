import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { HoldfastClient } from '../../../src/client.ts';
import { tradeWorkflowId } from '../../../src/workflows/trade-id.ts';
import type { PaperControl } from '../../support/paper-control.ts';
import { readRows } from './evidence.ts';
import { isOpen } from './invariants.ts';
import type { StormStack } from './stack.ts';
import { tradesOf } from './trades-on-exchange.ts';
import type { Traders } from './traders.ts';

/** What follows a storm: everything is whole again, and what Holdfast does by itself must be enough. */

const CLI = fileURLToPath(new URL('../../../bin/holdfast.js', import.meta.url));
const SETTLED_WITHIN_MS = 240_000;
const FLAT_WITHIN_MS = 240_000;
/** Of the news that a trade has ended, once everything is flat. */
const ENDED_WITHIN_MS = 30_000;
/** A trade is studied when as much time has passed again as it was held. */
const LEARNED_WITHIN_MS = 400_000;
const LOOK_EVERY_MS = 1_000;

export interface CalmParts {
  readonly stack: StormStack;
  readonly control: PaperControl;
  readonly temporal: Client;
  readonly traders: Traders;
  readonly say: (line: string) => void;
}

/** Reconciles until nothing is left to settle, or its time is up. */
export async function reconcileUntilSettled({ temporal, say }: CalmParts): Promise<void> {
  const client = new HoldfastClient(temporal);
  await within(SETTLED_WITHIN_MS, async () => {
    const { findings } = await client.reconcileNow(`reconcile-storm-${randomUUID()}`);
    const left = findings.filter(({ action }) => !['report', 'human', 'settled'].includes(action));
    for (const { kind, subject, action, done } of findings)
      say(`reconciliation: ${kind} ${subject}: ${action}${done === null ? '' : `, ${done}`}`);
    return left.length === 0;
  });
}

/** By the exchange's journal: positions of trades whose workflow does not run. */
export async function openWithoutWorkflow(
  { control, temporal }: CalmParts,
  tradeIds: readonly string[],
): Promise<string[]> {
  const client = new HoldfastClient(temporal);
  const found: string[] = [];
  // Asked first: what closes meanwhile is then still running, and not the other way round.
  const open = tradesOf(await control.orders(), tradeIds).filter(isOpen);
  for (const { tradeId, entry } of open) {
    if (await client.isRunning(tradeId)) continue;
    const now = tradesOf(await control.orders(), [tradeId]).filter(isOpen);
    if (now.length > 0) found.push(`${tradeWorkflowId(tradeId)} does not run, ${entry.txid} is open`);
  }
  return found;
}

/** As a person does it. */
export async function flatten({ stack, say }: CalmParts): Promise<void> {
  await within(FLAT_WITHIN_MS, async () => {
    const args = [CLI, 'halt', '--flatten', '--reason', 'the storm is over', '--wait', 'closed', '--json'];
    const { code, out } = await run(args, stack.environment, FLAT_WITHIN_MS);
    if (code !== 0) say(`halt --flatten ended with ${code}: ${out.trim()}`);
    return code === 0;
  });
}

/** Ids of the trades that have not ended when their time is up. */
export async function tradesLeft({ traders }: CalmParts): Promise<string[]> {
  await within(ENDED_WITHIN_MS, () => Promise.resolve(traders.underWay.length === 0));
  return traders.underWay;
}

/** Until every close is recorded and learning has dealt with every outcome. */
export async function untilLearned({ stack }: CalmParts): Promise<void> {
  await within(LEARNED_WITHIN_MS, async () => {
    const { positions, outcomes } = await readRows(stack.addresses.databaseUrl);
    return (
      positions.every(({ status }) => status === 'closed') &&
      outcomes.every(
        ({ isLearned, exitRule }) => isLearned || /^(compensation|reconciliation)$/.test(exitRule),
      )
    );
  });
}

async function run(args: readonly string[], env: NodeJS.ProcessEnv, timeout: number) {
  return new Promise<{ code: number; out: string }>((resolve) => {
    execFile(process.execPath, args, { env, timeout }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, out: stderr + (code === 0 ? '' : stdout) });
    });
  });
}

/** Polls until it holds or the time is up; a question that fails is asked again. */
async function within(ms: number, holds: () => Promise<boolean>): Promise<void> {
  const endsMs = performance.now() + ms;
  while (performance.now() < endsMs) {
    if (await holds().catch(() => false)) return;
    await delay(LOOK_EVERY_MS);
  }
}
