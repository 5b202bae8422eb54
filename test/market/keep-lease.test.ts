import { pino } from 'pino';
import { expect, it } from 'vitest';
import { keepLease } from '../../src/market/keep-lease.ts';

it('begins the next lease only when Temporal says that the last one is over', async () => {
  const asked: string[] = [];
  let over: () => void = () => undefined;
  let questions = 0;
  const keeping = keepLease({
    workerId: 'w',
    taskQueue: 'w-queue',
    leases: {
      begin: ({ leaseId }) => {
        asked.push(`begin ${leaseId}`);
        return Promise.resolve();
      },
      ended: (leaseId) => {
        asked.push(`ended ${leaseId}?`);
        questions += 1;
        if (questions === 1) return Promise.reject(new Error('connection lost'));
        return new Promise((resolve) => (over = resolve));
      },
    },
    standsBack: () => Promise.resolve(false),
    log: pino({ level: 'silent' }),
  });
  const first = ['begin w-1', 'ended w-1?', 'ended w-1?'];
  await expect.poll(() => asked, { timeout: 10_000 }).toEqual(first);
  over();
  await expect.poll(() => asked, { timeout: 10_000 }).toEqual([...first, 'begin w-2', 'ended w-2?']);
  keeping.stop();
  over();
});
