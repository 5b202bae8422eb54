import { randomUUID } from 'node:crypto';
import type { NodeChild } from '../../../src/embedded/node-child.ts';
import { findPair } from '../../../src/exchange/paper/pairs.ts';
import { clientOrderId } from '../../../src/exchange/client-order-id.ts';
import type { TradeResult } from '../../../src/workflows/messages.ts';
import type { OrderFault } from './fault-table.ts';
import type { Lane } from './lane.ts';
import { GivenUp, until } from './until.ts';
import { judge } from './verdict.ts';

export type WorkerFate = 'alive' | 'killed' | 'frozen';
/** `exit-forced`: a person demands it; `exit-mark`: the guard decides it by itself. Both are market orders. */
export type Leg = 'entry-market' | 'entry-limit' | 'exit-forced' | 'exit-mark';

export interface Combination {
  readonly fault: OrderFault;
  readonly leg: Leg;
}

/** Combinations that meet their faults at the same time, each on a pair of its own, on one worker. */
export interface Wave {
  readonly fate: WorkerFate;
  readonly combinations: readonly Combination[];
}

interface Story extends Combination {
  tradeId: string;
  readonly symbol: string;
  readonly begin: () => Promise<void>;
}

export interface Outcome extends Combination {
  readonly fate: WorkerFate;
  /** What is wrong; empty when all is as it must be. */
  readonly wrong: readonly string[];
}

const OPENED_WITHIN_MS = 180_000;
const STRUCK_WITHIN_MS = 120_000;
const ENDED_WITHIN_MS = 400_000;

/**
 * Opens what is to be exited, arms every fault, sends everything, strikes the worker once the last fault has
 * been met, waits for the end of every trade and judges by the exchange's journal.
 */
export async function runWave(lane: Lane, { fate, combinations }: Wave): Promise<Outcome[]> {
  if (!lane.hasWorker) await lane.startWorker();
  const stories = await Promise.all(combinations.map((combination) => prepare(lane, combination)));
  for (const { fault, symbol } of stories) {
    const target = fault.stream ? {} : { call: 'AddOrder', pair: symbol };
    for (const each of fault.faults) await lane.paper.arm({ times: 1, ...target, ...each });
  }
  for (const { begin } of stories) await begin();
  await until('every fault has struck', STRUCK_WITHIN_MS, () => allStruck(lane, stories));
  for (const story of stories) if (story.fault.stream) await exitArrived(lane, story);
  const frozen = await strikeWorker(lane, fate);

  for (const { tradeId, leg } of stories) {
    if (leg.startsWith('entry')) await lane.forceExit(tradeId);
  }
  const results = await Promise.all(stories.map((story) => ended(lane, story)));
  await until('every order was dealt with', STRUCK_WITHIN_MS, async () =>
    (await lane.paper.orders()).every(({ processedAtMs }) => processedAtMs !== null),
  );
  if (frozen) await thaw(lane, frozen);
  const arrivals = await lane.paper.orders();
  const account = await lane.paper.account();
  return stories.map((story, index) => {
    const wrong = judge(story, results[index] ?? null, arrivals, account);
    const shown = wrong.length === 0 ? [] : [...wrong, lane.story(story.tradeId)];
    return { fault: story.fault, leg: story.leg, fate, wrong: shown };
  });
}

async function prepare(lane: Lane, { fault, leg }: Combination): Promise<Story> {
  const { symbol, price, takeProfit } = await lane.freshSymbol();
  const limit = leg === 'entry-limit' ? price : null;
  const story: Story = {
    fault,
    leg,
    tradeId: randomUUID(),
    symbol,
    begin: () => {
      if (leg.startsWith('entry')) return lane.openTrade(story.tradeId, symbol, { limit });
      return leg === 'exit-mark' ? takeProfit() : lane.forceExit(story.tradeId);
    },
  };
  if (!leg.startsWith('entry')) await openGuarded(lane, story);
  return story;
}

async function openGuarded(lane: Lane, story: Story): Promise<void> {
  await lane.openTrade(story.tradeId, story.symbol);
  await until(`${story.leg} on ${story.symbol} is guarded`, OPENED_WITHIN_MS, async () => {
    if (await wasTooSlow(lane, story.tradeId)) {
      story.tradeId = randomUUID();
      await lane.openTrade(story.tradeId, story.symbol);
    }
    return (await lane.client.state(story.tradeId)).guard !== null;
  });
}

/** An entry that a slow machine never sent has not met its fault either: another one takes its place. */
async function allStruck(lane: Lane, stories: readonly Story[]): Promise<boolean> {
  const armed = await lane.paper.armed();
  for (const story of stories) {
    const waits = armed.some(({ pair }) => pair !== null && pair === findPair(story.symbol)?.id);
    if (!waits || !story.leg.startsWith('entry') || !(await wasTooSlow(lane, story.tradeId))) continue;
    story.tradeId = randomUUID();
    await story.begin();
  }
  return armed.length === 0;
}

/**
 * The machine was too slow for the entry: its deadline had passed before its turn came, or the activity was over
 * before it had sent. Believed only where the exchange says that nothing arrived.
 */
async function wasTooSlow(lane: Lane, tradeId: string): Promise<boolean> {
  const handle = lane.temporal.client.workflow.getHandle(`trade-${tradeId}`);
  const { status } = await handle.describe();
  if (status.name === 'RUNNING') return false;
  const { stage, note } = await lane.client.result(tradeId);
  const isSlowness =
    (stage === 'rejected' && /deadline-passed|while the entry signal was fresh/.test(note ?? '')) ||
    (stage === 'cancelled' && (note ?? '').includes('never reached the exchange'));
  const id = clientOrderId(`trade-${tradeId}`, 'entry');
  if (isSlowness && !(await lane.paper.orders()).some(({ clOrdId }) => clOrdId === id)) {
    console.log(`opened again, the first was too slow: ${stage}, ${note}\n${lane.story(tradeId)}`);
    return true;
  }
  throw new GivenUp(`trade ${tradeId} ended as ${stage}: ${note}\n${lane.story(tradeId)}`);
}

async function exitArrived(lane: Lane, { tradeId, symbol }: Story): Promise<void> {
  const id = clientOrderId(`trade-${tradeId}`, 'exit-1');
  await until(`the exit on ${symbol} has arrived`, STRUCK_WITHIN_MS, async () =>
    (await lane.paper.orders()).some(({ clOrdId }) => clOrdId === id),
  );
}

/** The worker that met the faults; another one goes on with its trades. */
async function strikeWorker(lane: Lane, fate: WorkerFate): Promise<NodeChild | null> {
  if (fate === 'alive') return null;
  const { worker } = lane;
  if (fate === 'killed') await worker.kill();
  else process.kill(worker.pid, 'SIGSTOP');
  await lane.startWorker();
  return fate === 'frozen' ? worker : null;
}

async function ended(lane: Lane, { tradeId, symbol, leg }: Story): Promise<TradeResult | null> {
  const { workflow } = lane.temporal.client;
  await until(`${leg} on ${symbol} has ended`, ENDED_WITHIN_MS, async () => {
    const { status } = await workflow.getHandle(`trade-${tradeId}`).describe();
    return status.name !== 'RUNNING';
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${lane.story(tradeId)}`);
  });
  return lane.client.result(tradeId).catch(() => null);
}

/** Everything is over elsewhere; what the frozen one still had in mind must not come to anything. */
async function thaw(lane: Lane, frozen: NodeChild): Promise<void> {
  // A trade may be over sooner than a lease: a worker that wakes up in time rightly goes on with its own.
  await until('the frozen worker has lost its lease', STRUCK_WITHIN_MS, () => lane.hasLostLease(frozen));
  process.kill(frozen.pid, 'SIGCONT');
  await until('the thawed worker has found that its lease is over', STRUCK_WITHIN_MS, () =>
    Promise.resolve(lane.linesOf(frozen, 'lease-ended') > 0),
  );
  await frozen.kill();
}
