import { paperKeys } from '../../embedded/stack-children.ts';
import { createKrakenExchange, type KrakenExchange } from '../../exchange/kraken/kraken-exchange.ts';
import { createStderrLogger } from '../../logging.ts';
import { exchangeAccess } from '../../worker-settings.ts';
import { CliError } from '../errors.ts';
import type { Session } from '../session.ts';
import { keyChecks } from './api-key.ts';
import type { Check } from './check.ts';
import { exchangeChecks } from './exchange.ts';
import { serverChecks } from './servers.ts';

/** Everything that is examined, in the order in which people want to read it. */
export async function openPatient(session: Session): Promise<{ checks: Check[]; close: () => void }> {
  const { config } = session;
  const keys = await keysOf(session);
  let opened: KrakenExchange | null = null;
  const open = (): KrakenExchange => {
    if (config.KRAKEN_API_URL === undefined) {
      throw new CliError('no-exchange', 'KRAKEN_API_URL is not set; start the stack with: holdfast up');
    }
    opened ??= createKrakenExchange({
      restUrl: config.KRAKEN_API_URL,
      key: keys?.key ?? '',
      secret: keys?.secret ?? '',
      live: config.HOLDFAST_LIVE === 'yes',
      ...exchangeAccess(config),
      log: createStderrLogger('doctor', 'error'),
    });
    return opened;
  };
  const addresses = { restUrl: config.KRAKEN_API_URL, wsUrl: config.KRAKEN_WS_URL };
  return {
    checks: [...serverChecks(session), ...exchangeChecks(addresses, open), ...keyChecks(open, keys !== null)],
    close: () => opened?.close(),
  };
}

/** From the environment; a paper exchange on this machine tells its own where none are set. */
async function keysOf({ config }: Session): Promise<{ key: string; secret: string } | null> {
  const { KRAKEN_API_KEY: key, KRAKEN_API_SECRET: secret, KRAKEN_API_URL: exchangeUrl } = config;
  if (key !== undefined || secret !== undefined) return { key: key ?? '', secret: secret ?? '' };
  if (exchangeUrl === undefined || !config.isPaperExchange) return null;
  const known = await paperKeys(exchangeUrl, -1).catch(() => null);
  if (known === null) return null;
  return { key: known.KRAKEN_API_KEY ?? '', secret: known.KRAKEN_API_SECRET ?? '' };
}
