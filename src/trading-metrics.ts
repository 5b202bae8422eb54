import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { CallPriority, Exchange, FeedStatus, SubmitOutcome } from './exchange/port.ts';
import type { MarketHub } from './market/hub.ts';

/** How full the exchange's call counters are, each a fraction of its maximum, and how many calls wait. */
export interface CallBudgetUse {
  readonly rest: number;
  /** Of the fullest pair. */
  readonly trading: number;
  readonly waiting: number;
}

export interface TradingMetricsSources {
  readonly hub: Pick<MarketHub, 'guarded' | 'mark' | 'evaluations'>;
  readonly feedStatus: () => FeedStatus;
  readonly callBudget: () => CallBudgetUse;
  /** Ms that this worker's right to sell from memory still lasts. */
  readonly leaseLeftMs: () => number;
  /** Whether the private stream of orders is there without a gap. */
  readonly hearsOfOrders: () => boolean;
}

const LATENCY_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const OUTCOMES: readonly SubmitOutcome['kind'][] = ['accepted', 'refused', 'unknown'];
const PURPOSES: readonly CallPriority[] = ['entry', 'exit'];

/** Counts what happens to orders; shared by the exchange that sends and the guard that decides. */
export interface OrderMeter {
  /** The same exchange; what becomes of each order is counted. */
  observe<E extends Exchange>(exchange: E): E;
  /** From the decision of a guard to the exchange's answer, ms. */
  exited(tookMs: number): void;
}

export function createOrderMeter(registry: Registry): OrderMeter {
  const orders = new Counter({
    name: 'holdfast_orders_total',
    help: 'Orders sent, by purpose and outcome; unknown ones are looked up until proven',
    labelNames: ['purpose', 'outcome'],
    registers: [registry],
  });
  // What has not happened yet is 0, not absent: an alert rule has to see the first one.
  for (const purpose of PURPOSES) for (const outcome of OUTCOMES) orders.inc({ purpose, outcome }, 0);
  const exits = new Histogram({
    name: 'holdfast_exit_latency_seconds',
    help: 'From the decision of the guard to the answer of the exchange',
    buckets: LATENCY_BUCKETS_SECONDS,
    registers: [registry],
  });
  return {
    observe: (exchange) => ({
      ...exchange,
      submit: async (order, priority) => {
        const outcome = await exchange.submit(order, priority);
        orders.inc({ purpose: priority, outcome: outcome.kind });
        return outcome;
      },
    }),
    exited: (tookMs) => exits.observe(tookMs / 1_000),
  };
}

export function registerTradingMetrics(registry: Registry, sources: TradingMetricsSources): void {
  const { hub, feedStatus, callBudget, leaseLeftMs, hearsOfOrders } = sources;
  const gauge = (name: string, help: string, read: () => number | null) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        const value = read();
        if (value === null) this.remove();
        else this.set(value);
      },
    });
  gauge(
    'holdfast_guarded_positions',
    'Open positions under guard of this worker',
    () => hub.guarded().length,
  );
  gauge(
    'holdfast_lease_left_seconds',
    'How long this worker may still sell from memory',
    () => leaseLeftMs() / 1_000,
  );
  gauge(
    'holdfast_feed_silence_seconds',
    'Time since the market feed said anything, heartbeats included',
    () => {
      const { lastMessageMs } = feedStatus();
      return lastMessageMs === null ? null : (Date.now() - lastMessageMs) / 1_000;
    },
  );
  gauge(
    'holdfast_order_stream_live',
    '1 while the private stream tells of fills; 0: they are known by asking only',
    () => (hearsOfOrders() ? 1 : 0),
  );
  gauge(
    'holdfast_calls_waiting',
    'Private calls of this worker that wait for their turn',
    () => callBudget().waiting,
  );
  new Gauge({
    name: 'holdfast_call_budget_used_ratio',
    help: 'How full the call counters of the exchange are, a fraction of their maximum; trading: the fullest pair',
    labelNames: ['counter'],
    registers: [registry],
    collect() {
      const { rest, trading } = callBudget();
      this.set({ counter: 'rest' }, rest);
      this.set({ counter: 'trading' }, trading);
    },
  });
  new Gauge({
    name: 'holdfast_mark_age_seconds',
    help: 'Age of the mark of each symbol that this worker guards',
    labelNames: ['symbol'],
    registers: [registry],
    collect() {
      this.reset();
      for (const guarded of hub.guarded()) {
        const mark = hub.mark(guarded);
        if (mark) this.set({ symbol: guarded.trade.symbol }, mark.ageMs / 1_000);
      }
    },
  });
  new Counter({
    name: 'holdfast_evaluations_total',
    help: 'Exit evaluations of this worker since it started',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(hub.evaluations);
    },
  });
}
