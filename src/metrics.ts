import { createServer, type Server } from 'node:http';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { FeedStatus } from './exchange/port.ts';
import { registerAccountMetrics } from './account-metrics.ts';
import type { MarketHub } from './market/hub.ts';
import type { AccountSources } from './views/account-view.ts';

export interface WorkerMetrics {
  readonly url: string;
  close(): Promise<void>;
}

export interface MetricsOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Where the Temporal SDK serves its own; 0 for nowhere. */
  readonly sdkMetricsPort: number;
  readonly hub: MarketHub;
  readonly feedStatus: () => FeedStatus;
  readonly account: AccountSources;
  /** Whether the private stream of orders is there without a gap. */
  readonly hearsOfOrders: () => boolean;
}

/** Prometheus metrics of one worker: Node's, Temporal's and ours. */
export async function serveMetrics(options: MetricsOptions): Promise<WorkerMetrics> {
  const { port, sdkMetricsPort, hub, feedStatus, account, hearsOfOrders } = options;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'holdfast_process_' });
  new Gauge({
    name: 'holdfast_guarded_positions',
    help: 'Open positions under guard of this worker',
    registers: [registry],
    collect() {
      this.set(hub.guarded().length);
    },
  });
  new Gauge({
    name: 'holdfast_evaluations',
    help: 'Exit evaluations of this worker since it started',
    registers: [registry],
    collect() {
      this.set(hub.evaluations);
    },
  });
  new Gauge({
    name: 'holdfast_feed_silence_ms',
    help: 'Time since the market feed said anything, heartbeats included',
    registers: [registry],
    collect() {
      const { lastMessageMs } = feedStatus();
      if (lastMessageMs !== null) this.set(Date.now() - lastMessageMs);
    },
  });
  registerAccountMetrics(registry, account);
  new Gauge({
    name: 'holdfast_order_stream_live',
    help: '1 while the private stream tells of fills; 0: they are known by asking only',
    registers: [registry],
    collect() {
      this.set(hearsOfOrders() ? 1 : 0);
    },
  });
  const server = createServer((_request, response) => {
    Promise.all([registry.metrics(), sdkMetrics(sdkMetricsPort)]).then(
      ([ours, sdks]) => response.setHeader('content-type', registry.contentType).end(ours + sdks),
      () => response.writeHead(500).end(),
    );
  });
  return { url: `http://127.0.0.1:${await listen(server, port)}/metrics`, close: () => close(server) };
}

async function sdkMetrics(port: number): Promise<string> {
  if (port === 0) return '';
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  return response.text();
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
