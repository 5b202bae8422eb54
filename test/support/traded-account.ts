import { pino } from 'pino';
import { poolOf, type Database } from '../../db/data-source.ts';
import { createRepositories } from '../../db/repositories/index.ts';
import { createLedgerActivities } from '../../src/activities/ledger.ts';
import { createTakeover } from '../../src/activities/takeover.ts';
import { add, divide, multiply, roundDown, subtract } from '../../src/domain/money.ts';
import { quantityLeft, type Side } from '../../src/domain/position.ts';
import {
  exitRecords,
  openRecords,
  positionId,
  type OrderRecord,
  type TradeFacts,
} from '../../src/domain/records.ts';
import { isDust, type OrderMinimums } from '../../src/domain/sizing.ts';
import { tradeFacts } from '../../src/domain/trade-facts.ts';
import { clientOrderId, type Leg } from '../../src/exchange/client-order-id.ts';
import { createKrakenExchange, type KrakenExchange } from '../../src/exchange/kraken/kraken-exchange.ts';
import type { OrderSnapshot } from '../../src/exchange/port.ts';
import { PaperClient, startPaper, type Paper } from '../contract/paper-support.ts';
import { CASH, closeOf, factsOf, orderRecord } from './recorded-trade.ts';

export type TradedSymbol = 'BTC/USD' | 'ETH/USD';

/** `grown`: recorded at its first fill and again when the rest filled; `cut`: its rest was cancelled. */
export type Entry = 'filled' | 'grown' | 'cut';

interface Held {
  facts: TradeFacts;
  exits: OrderRecord[];
}

const START = { 'BTC/USD': ['60123.4', '60123.5'], 'ETH/USD': ['3012.34', '3012.35'] } as const;
const SILENT = pino({ level: 'silent' });
const SETTINGS = { listingLagMs: 0, persistBudgetMs: 0, entryRestMs: 0, partialRestMs: 0 };

/** One account on a paper exchange, and a hand that trades there as a trade's workflow does and records it as that does. */
export class TradedAccount {
  readonly #paper: Paper;
  readonly #auditor: PaperClient;
  readonly #exchange: KrakenExchange;
  readonly #database: Database;
  readonly #repositories;
  readonly #activities;
  readonly #takeover;
  readonly #minimums: ReadonlyMap<string, OrderMinimums>;
  readonly #held: Held[] = [];
  readonly #bids: Record<TradedSymbol, string> = {
    'BTC/USD': START['BTC/USD'][0],
    'ETH/USD': START['ETH/USD'][0],
  };
  #orders = 0;

  private constructor(
    paper: Paper,
    auditor: PaperClient,
    exchange: KrakenExchange,
    database: Database,
    minimums: ReadonlyMap<string, OrderMinimums>,
  ) {
    this.#paper = paper;
    this.#auditor = auditor;
    this.#exchange = exchange;
    this.#database = database;
    this.#minimums = minimums;
    this.#repositories = createRepositories(database);
    const { ledger, findings, reader, learning } = this.#repositories;
    this.#activities = createLedgerActivities({
      ledger,
      findings,
      client: { positionClosed: () => Promise.resolve() },
      alertDesk: { raise: () => undefined },
      now: Date.now,
      log: SILENT,
    });
    this.#takeover = createTakeover({
      exchange,
      reader,
      learning,
      client: { stateIfKnown: () => Promise.resolve(null) },
      settings: SETTINGS,
      timeScale: 1,
      now: Date.now,
    });
  }

  /** An account of its own, and a database without any trade. */
  static async open(database: Database): Promise<TradedAccount> {
    await poolOf(database).query(
      'TRUNCATE "TradeOutcome", "ManagedPosition", "ManagedTrade", "LivePosition", "LiveTrade", "OrderIntent"',
    );
    const audit = { key: 'audit', secret: Buffer.from('audit').toString('base64') };
    const paper = await startPaper({ balances: { USD: CASH }, keys: [{}, audit] });
    for (const [symbol, [bid, ask]] of Object.entries(START)) await paper.client.price(symbol, bid, ask);
    const { url, key, secret } = paper.exchange;
    const exchange = createKrakenExchange({ restUrl: url, key, secret, tier: 'unlimited', log: SILENT });
    const instruments = await exchange.instruments();
    const minimums = new Map(instruments.map((each) => [each.symbol, each]));
    return new TradedAccount(paper, new PaperClient({ url, ...audit }), exchange, database, minimums);
  }

  async close(): Promise<void> {
    this.#exchange.close();
    await this.#paper.exchange.close();
  }

  get held(): number {
    return this.#held.length;
  }

  /** @param percent of the price, which becomes the new one */
  async move(symbol: TradedSymbol, percent: number): Promise<void> {
    const decimals = symbol === 'BTC/USD' ? 1 : 2;
    const bid = roundDown(divide(multiply(this.#bids[symbol], String(percent)), '100'), decimals);
    this.#bids[symbol] = bid;
    await this.#paper.client.price(symbol, bid, add(bid, decimals === 1 ? '0.1' : '0.01'));
  }

  /**
   * @param notional quote currency
   * @param fraction of it that fills at once, where not all of it does
   */
  async enter(
    symbol: TradedSymbol,
    side: Side,
    notional: number,
    entry: Entry,
    fraction: number,
  ): Promise<void> {
    this.#orders += 1;
    const tradeId = `t${this.#orders}`;
    const quantity = roundDown(divide(String(notional), this.#bids[symbol]), 8);
    const rests = entry !== 'filled';
    if (rests) await this.#paper.client.fault('partial-fill', { times: 1, fraction });
    let order = await this.#place({ symbol, side, quantity, isExit: false, rests, by: tradeId });
    if (rests) {
      if (order.fills.length > 0) await this.#persist(factsOf(tradeId, side, order), []);
      if (entry === 'grown') await this.#paper.client.control('DELETE', 'faults');
      else await this.#exchange.cancel(order.exchangeOrderId, 'entry');
      order = await this.#order(order.exchangeOrderId);
    }
    if (order.fills.length === 0) return;
    const facts = factsOf(tradeId, side, order);
    await this.#persist(facts, []);
    this.#held.push({ facts, exits: [] });
  }

  /** Sells (or buys back) a share of what is left; nothing where what is sold or what stays would be dust. */
  async reduce(which: number, share: number, byHand: boolean): Promise<void> {
    const held = this.#pick(which);
    const { side, tradeId } = held.facts;
    const symbol = held.facts.symbol as TradedSymbol;
    const left = quantityLeft(held.facts.entry.summary, held.exits);
    const quantity = roundDown(multiply(left, String(share)), 8);
    if (this.#isDust(symbol, quantity) || this.#isDust(symbol, subtract(left, quantity))) return;
    const order = await this.#place({ symbol, side, quantity, isExit: true, by: byHand ? null : tradeId });
    held.exits.push(orderRecord(order));
    await this.#noteExits(held.facts, held.exits);
  }

  /** Exits to the end: a first order that fills in part, and more for what is left, down to dust. */
  async exit(which: number, fraction: number): Promise<void> {
    const held = this.#pick(which);
    const { side, tradeId, entry } = held.facts;
    const symbol = held.facts.symbol as TradedSymbol;
    await this.#paper.client.fault('partial-fill', { times: 1, fraction });
    for (;;) {
      const quantity = quantityLeft(entry.summary, held.exits);
      if (this.#isDust(symbol, quantity)) break;
      const order = await this.#place({ symbol, side, quantity, isExit: true, by: tradeId });
      if (order.fills.length === 0) continue;
      held.exits.push(orderRecord(order));
      await this.#noteExits(held.facts, held.exits);
    }
    await this.#activities.recordClose(closeOf(held.facts, held.exits));
    this.#held.splice(this.#held.indexOf(held), 1);
  }

  /** Its rows are gone and nobody knows the trade any more: it is adopted from what the exchange says. */
  async adopt(which: number): Promise<void> {
    const held = this.#pick(which);
    const { tradeId, entry } = held.facts;
    await this.#loseRows(positionId(entry.exchangeOrderId));
    const exits = held.exits.map(({ exchangeOrderId }) => ({ exchangeOrderId, leg: 'outside' }));
    const order = await this.#order(entry.exchangeOrderId);
    const state = await this.#takeover.stateOf(order, { tradeId, exits });
    held.facts = tradeFacts(state, state.plan, state.position);
    held.exits = [...state.exits];
    await this.#persist(held.facts, held.exits);
  }

  /** A hand in the database, and what reconciliation does about it. */
  async repair(which: number): Promise<void> {
    const { facts, exits } = this.#pick(which);
    const records = openRecords(facts);
    const { id } = records.managedPosition;
    const pool = poolOf(this.#database);
    await pool.query(`UPDATE "ManagedPosition" SET "quantity" = "quantity" * 3, "fees" = 0 WHERE "id" = $1`, [
      id,
    ]);
    await pool.query(
      `UPDATE "ManagedTrade" SET "value" = "value" + 1 WHERE "positionId" = $1 AND "isEntry"`,
      [id],
    );
    await pool.query(`DELETE FROM "LiveTrade" WHERE "positionId" = $1`, [id]);
    await this.#repositories.ledger.repairOpen(records);
    await this.#noteExits(facts, exits);
  }

  /** For whoever reads its books. */
  get books(): Pick<Paper, 'client'> & { readonly auditor: PaperClient } {
    return { client: this.#paper.client, auditor: this.#auditor };
  }

  async #place(order: {
    readonly symbol: TradedSymbol;
    readonly side: Side;
    readonly quantity: string;
    readonly isExit: boolean;
    readonly rests?: boolean;
    /** Null for an order by hand. */
    readonly by: string | null;
  }): Promise<OrderSnapshot> {
    const { symbol, side, quantity, isExit, rests = false, by } = order;
    const isBuy = (side === 'long') !== isExit;
    this.#orders += 1;
    const leg: Leg = isExit ? `exit-${this.#orders}` : 'entry';
    const outcome = await this.#exchange.submit(
      {
        clientOrderId: by === null ? `hand${this.#orders}` : clientOrderId(`trade-${by}`, leg),
        symbol,
        side: isBuy ? 'buy' : 'sell',
        type: rests ? 'limit' : 'market',
        quantity,
        ...(rests ? { limitPrice: multiply(roundDown(this.#bids[symbol], 0), isBuy ? '2' : '0.5') } : {}),
        ...(side === 'short' ? { leverage: 2, reduceOnly: isExit } : {}),
        deadlineMs: Date.now() + 10_000,
      },
      isExit ? 'exit' : 'entry',
    );
    if (outcome.kind !== 'accepted')
      throw new Error(`not accepted: ${JSON.stringify({ ...order, outcome })}`);
    return this.#order(outcome.exchangeOrderId);
  }

  async #order(id: string): Promise<OrderSnapshot> {
    const order = await this.#exchange.order(id, 'look-up');
    if (!order) throw new Error(`the exchange does not know order ${id}`);
    return order;
  }

  /** As a trade does when its records are due, those of exits that it finds made included. */
  async #persist(facts: TradeFacts, exits: readonly OrderRecord[]): Promise<void> {
    const records = openRecords(facts);
    await this.#activities.persistPosition({ records, tradeId: facts.tradeId });
    if (exits.length > 0) await this.#noteExits(facts, exits);
  }

  #noteExits(facts: TradeFacts, exits: readonly OrderRecord[]): Promise<void> {
    const id = positionId(facts.entry.exchangeOrderId);
    return this.#activities.recordExits({ positionId: id, records: exitRecords(facts, exits) });
  }

  async #loseRows(id: string): Promise<void> {
    const client = await poolOf(this.#database).connect();
    try {
      await client.query('BEGIN');
      for (const table of ['LiveTrade', 'LivePosition', 'ManagedTrade']) {
        await client.query(`DELETE FROM "${table}" WHERE "positionId" = $1`, [id]);
      }
      await client.query('DELETE FROM "ManagedPosition" WHERE "id" = $1', [id]);
      await client.query('COMMIT');
    } finally {
      client.release();
    }
  }

  #pick(which: number): Held {
    const held = this.#held[which % this.#held.length];
    if (!held) throw new RangeError('nothing is held');
    return held;
  }

  #isDust(symbol: string, quantity: string): boolean {
    const minimums = this.#minimums.get(symbol);
    if (!minimums) throw new RangeError(`${symbol} is not listed`);
    return isDust(minimums, quantity);
  }
}
