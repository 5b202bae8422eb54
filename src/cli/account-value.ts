import { equityOf } from '../domain/equity.ts';
import type { Decimal } from '../domain/money.ts';
import type { Balance } from '../exchange/port.ts';
import { modernAsset } from '../domain/symbols.ts';
import type { Session } from './session.ts';

const QUOTE = 'USD';
const TIMEOUT_MS = 2_000;

/**
 * Value of the account in USD, what is sold short not counted. From the keys of the environment, else from
 * the paper exchange's control side: a second user of the worker's key would disturb its nonces.
 */
export async function accountValue(session: Session): Promise<Decimal> {
  const exchange = session.exchange();
  const { KRAKEN_API_KEY, KRAKEN_API_URL = '', isPaperExchange } = session.config;
  const balances =
    KRAKEN_API_KEY !== undefined && !isPaperExchange
      ? await exchange.balances('reconcile')
      : await paperBalances(KRAKEN_API_URL);
  const listed = new Set((await exchange.instruments()).map(({ symbol }) => symbol));
  const symbols = balances.map(({ asset }) => `${asset}/${QUOTE}`).filter((symbol) => listed.has(symbol));
  return equityOf(balances, symbols.length === 0 ? [] : await exchange.quotes(symbols), QUOTE);
}

async function paperBalances(exchangeUrl: string): Promise<Pick<Balance, 'asset' | 'total'>[]> {
  const response = await fetch(new URL('/control/account', exchangeUrl), {
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`the paper exchange answered ${response.status} to GET /control/account`);
  const { balances } = (await response.json()) as { balances: Record<string, string> };
  return Object.entries(balances).map(([asset, total]) => ({ asset: modernAsset(asset), total }));
}
