import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { Logger } from 'pino';
import { ensureSearchAttributes } from './search-attributes.ts';
import { SEARCH_ATTRIBUTES } from './temporal.ts';

const CONNECT_WITHIN_MS = 5_000;

/**
 * Makes ready a Temporal server that the environment names (by Temporal's own variables, TLS and API key
 * included) and tells its namespace. Registering search attributes is left to its operator where we may not.
 * @throws Error when nobody answers at the address.
 */
export async function prepareExternalTemporal(env: NodeJS.ProcessEnv, log: Logger): Promise<string> {
  const given = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig({
    overrideEnvVars: Object.fromEntries(given),
  });
  const connection = await Connection.connect({
    ...connectionOptions,
    connectTimeout: CONNECT_WITHIN_MS,
  }).catch((error: unknown) => {
    throw new Error(
      `nobody answers as Temporal at TEMPORAL_ADDRESS=${env.TEMPORAL_ADDRESS ?? ''}: start that server, ` +
        'or leave the variable out and one is started for you',
      { cause: error },
    );
  });
  try {
    await ensureSearchAttributes(connection, namespace);
  } catch (error) {
    const names = Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => `${name}=${type}`);
    log.warn(
      { err: error, namespace },
      `search attributes could not be registered; have the server's operator add ${names.join(', ')}`,
    );
  } finally {
    await connection.close();
  }
  return namespace;
}
