import { fileURLToPath } from 'node:url';
import type { Ports } from './ports.ts';
import type { StackOptions } from './stack-options.ts';

/** The command lines and environments of the stack's child processes. */

/** The recorded hour of the demo. */
export const DEMO_TAPE = fileURLToPath(
  new URL('../../data/kraken-xbtusd-trades-2019-07-01T00.csv', import.meta.url),
);
export const DEFAULT_DEMO_SPEED = 30;

export interface Addresses {
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly databaseUrl: string;
  readonly exchangeUrl: string;
  readonly exchangeWsUrl: string;
}

export function paperArguments(options: StackOptions, ports: Ports, exchangeDir: string): string[] {
  const market = options.demo ? ['--manual'] : ['--synthetic'];
  const balance = options.balance === undefined ? [] : ['--balance', options.balance];
  // One for each worker, and one for commands that look on.
  const keys = ['--keys', String((options.workers ?? 1) + 1)];
  return [
    'paper',
    '--port',
    String(ports.exchange),
    '--data-dir',
    exchangeDir,
    ...market,
    ...balance,
    ...keys,
  ];
}

/** What every child that uses the stack gets, over the environment of `up` itself. */
export function childEnvironment(
  options: StackOptions,
  addresses: Addresses,
  dataDir: string,
): NodeJS.ProcessEnv {
  return {
    ...options.env,
    TEMPORAL_ADDRESS: addresses.temporalAddress,
    TEMPORAL_NAMESPACE: addresses.temporalNamespace,
    DATABASE_URL: addresses.databaseUrl,
    KRAKEN_API_URL: addresses.exchangeUrl,
    KRAKEN_WS_URL: addresses.exchangeWsUrl,
    HOLDFAST_DATA_DIR: dataDir,
    HOLDFAST_SCAN: options.demo || options.scan ? 'on' : 'off',
    // On an accelerated tape the policy's times shrink with it.
    ...(options.demo ? { HOLDFAST_TIME_SCALE: String(options.speed ?? DEFAULT_DEMO_SPEED) } : {}),
  };
}

/**
 * A key of the first account of a paper exchange, which makes no secret of them. Processes with one key would
 * overtake each other's nonces, so each asks for another one (-1: the last); an exchange with fewer keys shares
 * them out.
 */
export async function paperKeys(exchangeUrl: string, index = 0): Promise<NodeJS.ProcessEnv> {
  const response = await fetch(`${exchangeUrl}/control/account`);
  if (!response.ok) throw new Error(`the paper exchange answered ${response.status} to GET /control/account`);
  const { keys } = (await response.json()) as { keys?: readonly { key: string; secret: string }[] };
  const mine = keys?.at(index % keys.length);
  if (mine === undefined) throw new Error('the paper exchange has no API key');
  return { KRAKEN_API_KEY: mine.key, KRAKEN_API_SECRET: mine.secret };
}

/**
 * Begins the tape once everybody listens, so that none of it passes unseen. One that was begun in an earlier
 * run goes on where it was.
 */
export async function playTape(exchangeUrl: string, options: StackOptions): Promise<void> {
  const market = `${exchangeUrl}/control/market`;
  const { source } = (await (await fetch(market)).json()) as { source?: string };
  if (source === 'tape') return;
  const response = await fetch(market, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      source: 'tape',
      file: options.tape ?? DEMO_TAPE,
      speed: options.speed ?? DEFAULT_DEMO_SPEED,
      aligned: true,
    }),
  });
  if (response.ok) return;
  const { error } = (await response.json()) as { error?: string };
  throw new Error(`the paper exchange would not play the tape: ${error ?? response.status}`);
}
