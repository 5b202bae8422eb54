import { describe, expect, it } from 'vitest';
import { createCallBudget, addOrderCost, questionCost } from '../../src/exchange/kraken/call-budget.ts';
import { createCallQueue, WaitedTooLong } from '../../src/exchange/kraken/call-queue.ts';
import type { CallPriority } from '../../src/exchange/port.ts';

interface Held {
  readonly release: () => void;
  readonly done: Promise<unknown>;
}

/** A queue whose calls end only when told to, and the order in which they were started. */
function heldQueue() {
  const queue = createCallQueue(createCallBudget('starter'));
  const started: string[] = [];
  let running = 0;
  let mostRunning = 0;
  function add(name: string, priority: CallPriority, held = false): Held {
    let release = (): void => undefined;
    const gate = held ? new Promise<void>((resolve) => (release = resolve)) : Promise.resolve();
    const done = queue.add({
      cost: { counter: 'none' },
      priority,
      run: async () => {
        started.push(name);
        running += 1;
        mostRunning = Math.max(mostRunning, running);
        await gate;
        running -= 1;
      },
    });
    return { release, done };
  }
  return { queue, add, started, mostRunning: () => mostRunning };
}

describe('call queue', () => {
  it('keeps one call in flight and lets the more urgent go first', async () => {
    const { add, started, mostRunning } = heldQueue();
    const first = add('first', 'reconcile', true);
    const others = [
      add('reconcile', 'reconcile'),
      add('look-up', 'look-up'),
      add('entry', 'entry'),
      add('exit', 'exit'),
      add('exit 2', 'exit'),
    ];
    first.release();
    await Promise.all([first, ...others].map(({ done }) => done));
    expect(started).toEqual(['first', 'exit', 'exit 2', 'entry', 'look-up', 'reconcile']);
    expect(mostRunning()).toBe(1);
  });

  it('lets one exit overtake a call that hangs, and nothing overtake the exit', async () => {
    const { add, started } = heldQueue();
    const hanging = add('hanging', 'look-up', true);
    const lookUp = add('look-up', 'look-up');
    const entry = add('entry', 'entry');
    const exit = add('exit', 'exit', true);
    const secondExit = add('exit 2', 'exit');
    await expect.poll(() => started, { timeout: 10_000 }).toEqual(['hanging', 'exit']);
    hanging.release();
    await hanging.done;
    expect(started).toEqual(['hanging', 'exit']);
    exit.release();
    await Promise.all([exit, secondExit, entry, lookUp].map(({ done }) => done));
    expect(started).toEqual(['hanging', 'exit', 'exit 2', 'entry', 'look-up']);
  });

  it('sends what gets us out before anything that is asked, however urgent', async () => {
    const { queue, add, started } = heldQueue();
    const first = add('first', 'reconcile', true);
    const question = queue.add({
      cost: { counter: 'none' },
      priority: 'exit',
      isQuestion: true,
      run: async () => started.push('question'),
    });
    const exit = add('exit', 'exit');
    first.release();
    await Promise.all([first.done, question, exit.done]);
    expect(started).toEqual(['first', 'exit', 'question']);
  });

  it('lets an exit overtake a question at once, and a second one wait for the first', async () => {
    const { queue, add, started } = heldQueue();
    let answer = (): void => undefined;
    const question = queue.add({
      cost: { counter: 'none' },
      priority: 'look-up',
      isQuestion: true,
      run: () => new Promise<void>((resolve) => (answer = resolve)),
    });
    const exit = add('exit', 'exit', true);
    const second = add('second exit', 'exit');
    expect(started).toEqual(['exit']);
    exit.release();
    await exit.done;
    answer();
    await Promise.all([question, second.done]);
    expect(started).toEqual(['exit', 'second exit']);
  });

  it('lets no question overtake, however urgent', async () => {
    const { queue, add, started } = heldQueue();
    const hanging = add('hanging', 'reconcile', true);
    const question = queue.add({
      cost: { counter: 'none' },
      priority: 'exit',
      isQuestion: true,
      maxWaitMs: 1_500,
      run: async () => started.push('question'),
    });
    await expect(question).rejects.toBeInstanceOf(WaitedTooLong);
    hanging.release();
    await hanging.done;
    expect(started).toEqual(['hanging']);
  });

  it('goes on after a call that failed', async () => {
    const { queue, add, started } = heldQueue();
    const failing = queue.add({
      cost: { counter: 'none' },
      priority: 'exit',
      run: () => Promise.reject(new Error('broken')),
    });
    await expect(failing).rejects.toThrow('broken');
    await add('next', 'exit').done;
    expect(started).toEqual(['next']);
  });

  it('lets calls pass one that must wait for its counter, and gives up on it in time', async () => {
    const budget = createCallBudget('starter');
    const cost = addOrderCost('BTC/USD');
    const queue = createCallQueue(budget);
    budget.exhausted(cost, performance.now());
    let ran = false;
    const blocked = queue.add({
      cost,
      priority: 'exit',
      maxWaitMs: 30,
      run: async () => {
        ran = true;
      },
    });
    const outcome = expect(blocked).rejects.toBeInstanceOf(WaitedTooLong);
    const answer = queue.add({
      cost: questionCost('OpenOrders'),
      priority: 'reconcile',
      run: async () => 'passed',
    });
    expect(await answer).toBe('passed');
    await outcome;
    expect(ran).toBe(false);
  });

  it('gives up on a waiting call while another is in flight', async () => {
    const { queue, add } = heldQueue();
    const first = add('first', 'exit', true);
    const late = queue.add({
      cost: { counter: 'none' },
      priority: 'exit',
      maxWaitMs: 10,
      run: async () => 1,
    });
    await expect(late).rejects.toBeInstanceOf(WaitedTooLong);
    first.release();
    await first.done;
  });

  it('does not book what was never sent', async () => {
    const booked: string[] = [];
    const budget = createCallBudget('starter');
    const queue = createCallQueue({
      waitMs: (...call) => budget.waitMs(...call),
      charge: () => booked.push('charge'),
      exhausted: () => booked.push('exhausted'),
    });
    const call = { cost: questionCost('OpenOrders'), priority: 'exit' as const, run: async () => null };
    await queue.add({ ...call, booking: () => 'unsent' });
    await queue.add({ ...call, booking: () => 'counter-full' });
    await queue.add(call);
    // A call is booked before the next one starts.
    await queue.add({ ...call, booking: () => 'unsent' });
    expect(booked).toEqual(['charge', 'exhausted', 'charge']);
  });

  it('fails what waits when it is closed', async () => {
    const { queue, add } = heldQueue();
    const first = add('first', 'exit', true);
    const second = add('second', 'exit');
    const outcome = expect(second.done).rejects.toThrow('closed');
    queue.close();
    await outcome;
    first.release();
    await first.done;
    await expect(add('third', 'exit').done).rejects.toThrow('closed');
  });
});
