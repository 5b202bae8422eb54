import { loadConfig } from '../config.ts';
import { openDataDir } from './data-dir.ts';
import { prepareExternalTemporal } from './external-temporal.ts';
import { assertPortsFree, DEFAULT_PORT_BASE, localUrl, portsFrom, type PortName } from './ports.ts';
import type { ReadyLine } from './ready.ts';
import { playTape, type Addresses } from './stack-children.ts';
import type { StackOptions } from './stack-options.ts';
import { StackStarter } from './stack-starter.ts';
import type { Supervised } from './supervisor.ts';
import { DEFAULT_NAMESPACE } from './temporal.ts';

export type { StackOptions } from './stack-options.ts';

export interface Stack {
  readonly ready: ReadyLine;
  /** `postgres`, `temporal`, `paper`, `worker-1`…, `dashboard`; only those this stack started. */
  readonly parts: ReadonlyMap<string, Supervised>;
  /** Stops every part in reverse order and gives the data directory back. */
  stop(): Promise<void>;
}

/**
 * Starts everything the environment doesn't name already, and keeps it up.
 * @throws PortTaken, DataDirInUse, ConfigError, TemporalCliUnavailable, or the words of the part that failed.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const config = loadConfig(options.env);
  const ports = portsFrom(options.portBase ?? DEFAULT_PORT_BASE);
  const external = {
    temporal: options.env.TEMPORAL_ADDRESS,
    database: config.DATABASE_URL,
    exchange: config.KRAKEN_API_URL,
  };
  const dataDir = await openDataDir(options.dataDir, options.log);
  const starter = new StackStarter(options, ports, dataDir);
  try {
    await assertPortsFree(ports, wantedPorts(external));
    const temporalNamespace =
      external.temporal === undefined
        ? DEFAULT_NAMESPACE
        : await prepareExternalTemporal(options.env, options.log);
    const [temporalAddress, databaseUrl] = await starter.servers(external.temporal, external.database);
    const exchangeUrl = external.exchange ?? (await starter.paper());
    const addresses: Addresses = {
      temporalAddress,
      temporalNamespace,
      databaseUrl,
      exchangeUrl,
      exchangeWsUrl: config.KRAKEN_WS_URL ?? `${exchangeUrl.replace(/^http/, 'ws')}/v2`,
    };
    await starter.clients(addresses, external.exchange === undefined);
    if (options.demo && external.exchange === undefined) await playTape(exchangeUrl, options);
    const ready: ReadyLine = {
      event: 'ready',
      temporalAddress: addresses.temporalAddress,
      temporalNamespace: addresses.temporalNamespace,
      temporalUi: external.temporal === undefined ? localUrl(ports.temporalUi) : null,
      databaseUrl,
      exchangeUrl,
      exchangeWsUrl: addresses.exchangeWsUrl,
      dashboardUrl: localUrl(ports.dashboard),
      metricsUrl: `${localUrl(ports.metrics)}/metrics`,
      dataDir: dataDir.path,
    };
    await dataDir.writeReady(ready);
    options.onReady?.(ready);
    return { ready, parts: starter.parts, stop: () => starter.stop() };
  } catch (error) {
    await starter.stop();
    throw error;
  }
}

function wantedPorts(external: Readonly<Record<'temporal' | 'database' | 'exchange', string | undefined>>) {
  const wanted: PortName[] = ['dashboard', 'metrics', 'sdkMetrics'];
  if (external.database === undefined) wanted.unshift('postgres');
  if (external.exchange === undefined) wanted.unshift('exchange');
  if (external.temporal === undefined) wanted.unshift('temporal', 'temporalUi');
  return wanted;
}
