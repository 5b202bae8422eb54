import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import type { Exchange, SubmitOutcome } from '../../src/exchange/port.ts';
import { createOrderMeter } from '../../src/trading-metrics.ts';

it('counts every order by purpose and outcome, what has not happened as 0, and leaves the rest as it is', async () => {
  const registry = new Registry();
  const meter = createOrderMeter(registry);
  const outcomes: SubmitOutcome[] = [
    { kind: 'accepted', exchangeOrderId: 'O1' },
    { kind: 'unknown', why: 'no answer' },
    { kind: 'unknown', why: 'no answer' },
  ];
  const exchange = meter.observe({
    submit: () => Promise.resolve(outcomes.shift()),
    clockOffsetMs: () => Promise.resolve(7),
  } as unknown as Exchange);
  expect(await exchange.clockOffsetMs()).toBe(7);
  expect(await exchange.submit({} as never, 'entry')).toEqual({ kind: 'accepted', exchangeOrderId: 'O1' });
  await exchange.submit({} as never, 'exit');
  await exchange.submit({} as never, 'exit');
  meter.exited(300);
  const told = (await registry.metrics()).split('\n');
  expect(told).toEqual(
    expect.arrayContaining([
      'holdfast_orders_total{purpose="entry",outcome="accepted"} 1',
      'holdfast_orders_total{purpose="entry",outcome="unknown"} 0',
      'holdfast_orders_total{purpose="exit",outcome="unknown"} 2',
      'holdfast_exit_latency_seconds_bucket{le="0.25"} 0',
      'holdfast_exit_latency_seconds_bucket{le="0.5"} 1',
    ]),
  );
});
