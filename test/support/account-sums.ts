import { poolOf, type Database } from '../../db/data-source.ts';
import { add, subtract, ZERO, type Decimal } from '../../src/domain/money.ts';
import { CASH } from './recorded-trade.ts';
import type { TradedAccount, TradedSymbol } from './traded-account.ts';

/** Cash in quote currency, and base currency by symbol; shorts are below zero. */
export type Sums = Readonly<Record<'cash' | TradedSymbol, Decimal>>;

interface MarginPosition {
  readonly pair: string;
  readonly side: 'buy' | 'sell';
  readonly volume: Decimal;
  readonly closedVolume: Decimal;
  readonly cost: Decimal;
  /** Of what closed it. */
  readonly closedCost: Decimal;
  readonly net: Decimal;
}

/** What the exchange says that the account holds. */
export async function sumsOnExchange({ books }: TradedAccount): Promise<Sums> {
  const { balances, positions } = (await books.client.control('GET', 'account')) as {
    balances: Readonly<Record<string, Decimal>>;
    positions: readonly MarginPosition[];
  };
  const shorts = (pair: string) =>
    positions
      .filter((each) => each.pair === pair)
      .map(({ volume, closedVolume }) => subtract(closedVolume, volume));
  // The proceeds of a short sale are in the account only when it is bought back.
  const proceeds = positions.map(({ cost, closedCost, net }) => subtract(cost, add(closedCost, net)));
  return {
    cash: add(balances.ZUSD ?? ZERO, ...proceeds),
    'BTC/USD': add(balances.XXBT ?? ZERO, ...shorts('XXBTZUSD')),
    'ETH/USD': add(balances.XETH ?? ZERO, ...shorts('XETHZUSD')),
  };
}

/** The same by what the rows say that was bought, sold and paid. */
export async function sumsOfRows(database: Database): Promise<Sums> {
  const quantityOf = (symbol: TradedSymbol) =>
    `coalesce(sum(CASE "side" WHEN 'buy' THEN "quantity" ELSE -"quantity" END)
       FILTER (WHERE "symbol" = '${symbol}'), 0) AS "${symbol}"`;
  const { rows } = await poolOf(database).query<Sums>(
    `SELECT $1 + coalesce(sum(CASE "side" WHEN 'sell' THEN "value" ELSE -"value" END - "fee"), 0) AS cash,
       ${quantityOf('BTC/USD')}, ${quantityOf('ETH/USD')}
     FROM "ManagedTrade"`.replace('$1', CASH),
  );
  const [sums] = rows;
  return {
    cash: add(sums?.cash ?? ZERO, ZERO),
    'BTC/USD': add(sums?.['BTC/USD'] ?? ZERO, ZERO),
    'ETH/USD': add(sums?.['ETH/USD'] ?? ZERO, ZERO),
  };
}

/** What the rows say of one position in two places, and not the same. */
export async function contradictions(database: Database): Promise<unknown[]> {
  const { rows } = await poolOf(database).query<Record<string, unknown>>(
    `SELECT position."id", position."status", live."quantity" AS live, position."quantity" - sums.sold AS left,
       position."realizedPnL" AS realized, sums.cash
     FROM "ManagedPosition" AS position JOIN "LivePosition" AS live ON live."positionId" = position."id",
       LATERAL (SELECT coalesce(sum("quantity") FILTER (WHERE NOT "isEntry"), 0) AS sold,
           sum(CASE "side" WHEN 'sell' THEN "value" ELSE -"value" END - "fee") AS cash, count(*)
         FROM "ManagedTrade" WHERE "positionId" = position."id") AS sums,
       LATERAL (SELECT count(*) FROM "LiveTrade" WHERE "positionId" = position."id") AS live_trades
     WHERE sums.count <> live_trades.count
       OR position."status" <> live."status"
       OR position."status" = 'open' AND live."quantity" <> position."quantity" - sums.sold
       OR position."status" = 'closed' AND position."realizedPnL" <> sums.cash
         AND (position."side" = 'long' OR position."quantity" = sums.sold)`,
  );
  return rows;
}

/** Quote currency of an order: what it brought (null on margin, where only the P&L is booked) and its fee. */
interface Booked {
  readonly value: Decimal | null;
  readonly fee: Decimal;
}

export async function bookedOnExchange({ books }: TradedAccount): Promise<ReadonlyMap<string, Booked>> {
  const { auditor } = books;
  const trades = await everyPage(async (ofs) => (await auditor.ok('TradesHistory', { ofs })).trades);
  const entries = await everyPage(
    async (ofs) => (await auditor.ok('Ledgers', { ofs, asset: 'ZUSD' })).ledger,
  );
  const booked = new Map<string, Booked>();
  for (const { refid, type, amount, fee } of entries.values()) {
    const trade = trades.get(refid);
    if (!trade) continue;
    const before = booked.get(trade.ordertxid) ?? { value: ZERO, fee: ZERO };
    const value = type === 'margin' || before.value === null ? null : add(before.value, amount);
    booked.set(trade.ordertxid, { value, fee: add(before.fee, fee) });
  }
  return booked;
}

export async function bookedInRows(database: Database): Promise<ReadonlyMap<string, Booked>> {
  const { rows } = await poolOf(database).query<{ id: string; value: string | null; fee: string }>(
    `SELECT trade."krakenOrderId" AS id, trade."fee", CASE WHEN position."side" = 'long' THEN
         CASE trade."side" WHEN 'sell' THEN trade."value" ELSE -trade."value" END END AS value
     FROM "ManagedTrade" AS trade JOIN "ManagedPosition" AS position ON position."id" = trade."positionId"`,
  );
  return new Map(
    rows.map(({ id, value, fee }) => [id, { value: value && add(value, ZERO), fee: add(fee, ZERO) }]),
  );
}

const PAGE = 50;

async function everyPage<Row>(
  read: (offset: string) => Promise<Readonly<Record<string, Row>>>,
): Promise<ReadonlyMap<string, Row>> {
  const found = new Map<string, Row>();
  for (;;) {
    const page = Object.entries(await read(String(found.size)));
    for (const [id, row] of page) found.set(id, row);
    if (page.length < PAGE) return found;
  }
}
