import { createServer, type Server } from 'node:http';
import { collectDefaultMetrics, type Registry } from 'prom-client';
import type { FigureStore } from '../db/repositories/figures.ts';
import { registerAccountMetrics } from './account-metrics.ts';
import { registerLedgerMetrics } from './ledger-metrics.ts';
import { registerTradingMetrics, type TradingMetricsSources } from './trading-metrics.ts';
import type { AccountSources } from './views/account-view.ts';

export interface WorkerMetrics {
  readonly url: string;
  close(): Promise<void>;
}

export interface MetricsOptions extends TradingMetricsSources {
  /** What `createOrderMeter` counts into. */
  readonly registry: Registry;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Where the Temporal SDK serves its own; 0 for nowhere. */
  readonly sdkMetricsPort: number;
  readonly account: AccountSources;
  readonly figures: FigureStore;
  /** What keeps this worker from its work, one line; null when it is well. */
  readonly trouble: () => string | null;
}

const SDK_PATIENCE_MS = 2_000;

/** `/metrics`: Node's, Temporal's and ours. `/healthz`: 200 while this worker works and holds its lease, else 503. */
export async function serveMetrics(options: MetricsOptions): Promise<WorkerMetrics> {
  const { registry, host, port, sdkMetricsPort, account, figures, trouble } = options;
  collectDefaultMetrics({ register: registry, prefix: 'holdfast_' });
  registerTradingMetrics(registry, options);
  registerAccountMetrics(registry, account);
  registerLedgerMetrics(registry, figures);
  const server = createServer((request, response) => {
    if (request.url === '/healthz') {
      const why = trouble();
      response.writeHead(why === null ? 200 : 503, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ ok: why === null, why }));
      return;
    }
    Promise.all([registry.metrics(), sdkMetrics(sdkMetricsPort)]).then(
      ([ours, sdks]) => response.setHeader('content-type', registry.contentType).end(ours + sdks),
      () => response.writeHead(500).end(),
    );
  });
  const taken = await listen(server, host, port);
  return { url: `http://${host}:${taken}/metrics`, close: () => close(server) };
}

/** Ours are served even when the SDK's can't be had. */
async function sdkMetrics(port: number): Promise<string> {
  if (port === 0) return '';
  try {
    const signal = AbortSignal.timeout(SDK_PATIENCE_MS);
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal });
    return await response.text();
  } catch {
    return '';
  }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
