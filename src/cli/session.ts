import type { Client } from '@temporalio/client';
import type { DataSource } from 'typeorm';
import { openDatabase } from '../../db/data-source.ts';
import { createRepositories, type Repositories } from '../../db/repositories/index.ts';
import { HoldfastClient } from '../client.ts';
import { loadConfig, type Config } from '../config.ts';
import { readReady } from '../embedded/ready.ts';
import { createKrakenExchange, type KrakenExchange } from '../exchange/kraken/kraken-exchange.ts';
import { createStderrLogger } from '../logging.ts';
import { connectTemporal } from '../temporal-connection.ts';
import { exchangeAccess } from '../worker-settings.ts';
import { CliError } from './errors.ts';

/** What a command talks to. Each part is opened at first use and closed with the session. */
export class Session {
  readonly config: Config;
  readonly temporalUi: string | null;
  #temporal: Client | null = null;
  #database: DataSource | null = null;
  #exchange: KrakenExchange | null = null;

  constructor(config: Config, temporalUi: string | null) {
    this.config = config;
    this.temporalUi = temporalUi;
  }

  async client(): Promise<HoldfastClient> {
    return new HoldfastClient(await this.temporal());
  }

  async temporal(): Promise<Client> {
    if (this.#temporal) return this.#temporal;
    try {
      this.#temporal = await connectTemporal();
    } catch {
      const address = process.env.TEMPORAL_ADDRESS ?? 'localhost:7233';
      throw new CliError(
        'temporal-unreachable',
        `nobody answers at TEMPORAL_ADDRESS ${address}; start the stack with: holdfast up`,
      );
    }
    return this.#temporal;
  }

  async database(): Promise<DataSource> {
    this.#database ??= await openDatabase(this.#require('DATABASE_URL'), {
      applicationName: 'holdfast-cli',
      poolSize: 4,
    });
    return this.#database;
  }

  async repositories(): Promise<Repositories> {
    return createRepositories(await this.database());
  }

  /** Public data only, unless keys are in the environment. */
  exchange(): KrakenExchange {
    this.#exchange ??= createKrakenExchange({
      restUrl: this.#require('KRAKEN_API_URL'),
      key: this.config.KRAKEN_API_KEY ?? '',
      secret: this.config.KRAKEN_API_SECRET ?? '',
      live: this.config.HOLDFAST_LIVE === 'yes',
      ...exchangeAccess(this.config),
      log: createStderrLogger('cli', 'error'),
    });
    return this.#exchange;
  }

  async close(): Promise<void> {
    this.#exchange?.close();
    await this.#temporal?.connection.close();
    await this.#database?.destroy();
  }

  #require(name: 'DATABASE_URL' | 'KRAKEN_API_URL'): string {
    const value = this.config[name];
    if (value !== undefined) return value;
    throw new CliError(
      'no-stack',
      `no running stack in ${this.config.HOLDFAST_DATA_DIR} and ${name} is not set; start one with: holdfast up`,
    );
  }
}

/** Addresses come from the environment, else from the stack that runs in the data directory. */
export async function openSession(dataDir?: string): Promise<Session> {
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    ...(dataDir === undefined ? {} : { HOLDFAST_DATA_DIR: dataDir }),
  };
  const ready = await readReady(environment.HOLDFAST_DATA_DIR ?? '.holdfast');
  if (ready) {
    environment.DATABASE_URL ??= ready.databaseUrl;
    environment.KRAKEN_API_URL ??= ready.exchangeUrl;
    environment.KRAKEN_WS_URL ??= ready.exchangeWsUrl;
    // Temporal's own environment configuration reads the process environment.
    process.env.TEMPORAL_ADDRESS ??= ready.temporalAddress;
    process.env.TEMPORAL_NAMESPACE ??= ready.temporalNamespace;
  }
  return new Session(loadConfig(environment), ready?.temporalUi ?? null);
}
