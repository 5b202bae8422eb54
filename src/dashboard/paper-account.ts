import { z } from 'zod';
import { equityOf } from '../domain/equity.ts';
import type { Decimal } from '../domain/money.ts';
import { modernAsset } from '../domain/symbols.ts';
import type { Exchange } from '../exchange/port.ts';

const QUOTE = 'USD';
const TIMEOUT_MS = 2_000;

const account = z.object({ balances: z.record(z.string(), z.string()) });

/**
 * Value of the paper account in USD, from the paper exchange's control side, which needs no key: a second user of
 * the worker's key would disturb its nonces.
 */
export async function paperAccountValue(
  exchangeUrl: string,
  exchange: Pick<Exchange, 'instruments' | 'quotes'>,
): Promise<Decimal> {
  const response = await fetch(new URL('/control/account', exchangeUrl), {
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`the paper exchange answered ${response.status} to GET /control/account`);
  const { balances } = account.parse(await response.json());
  const held = Object.entries(balances).map(([asset, total]) => ({ asset: modernAsset(asset), total }));
  const listed = new Set((await exchange.instruments()).map(({ symbol }) => symbol));
  const symbols = held.map(({ asset }) => `${asset}/${QUOTE}`).filter((symbol) => listed.has(symbol));
  return equityOf(held, symbols.length === 0 ? [] : await exchange.quotes(symbols), QUOTE);
}
