import type { Decimal } from '../../domain/money.ts';
import { subtract } from '../../domain/money.ts';
import { NO_JOURNAL, type Journal } from './journal.ts';
import type { Account, ApiKey, Arrival, LedgerEntry, Memo, Order, Position, Trade } from './state.ts';

interface Tables {
  account: Account;
  key: ApiKey;
  nonce: UsedNonce;
  order: Order;
  trade: Trade;
  position: Position;
  ledger: LedgerEntry;
  arrival: Arrival;
  memo: Memo;
}

/** The nonce of a private call, apart from its key: one is written for every call. */
interface UsedNonce {
  readonly key: string;
  readonly nonce: string;
}

type TableName = keyof Tables;
type Line = [TableName, Tables[TableName]][];

/**
 * Everything the exchange knows, in memory, with its journal. Rows are changed in place and handed to `put`;
 * `commit` writes all that was put since the last one as a single line, so a crash keeps it whole or not at all.
 */
export class Store {
  readonly accounts = new Map<string, Account>();
  readonly keys = new Map<string, ApiKey>();
  readonly orders = new Map<string, Order>();
  readonly trades = new Map<string, Trade>();
  readonly positions = new Map<string, Position>();
  readonly ledger = new Map<string, LedgerEntry>();
  readonly arrivals = new Map<number, Arrival>();
  readonly memos = new Map<string, Memo>();

  readonly #openByAccount = new Map<string, Map<string, Order>>();
  readonly #openByPair = new Map<string, Map<string, Order>>();
  readonly #openByAccountAndPair = new Map<string, Map<string, Order>>();
  readonly #byClientId = new Map<string, Order[]>();
  /** Open orders that something happens to at a given time. */
  readonly #timed = new Map<string, Order>();
  readonly #tradesByAccount = new Map<string, Trade[]>();
  readonly #ordersByAccount = new Map<string, Order[]>();
  readonly #openPositions = new Map<string, Map<string, Position>>();
  readonly #dirty = new Map<Tables[TableName], TableName>();
  readonly #ledgerListeners: ((entry: LedgerEntry) => void)[] = [];
  #journal: Journal = NO_JOURNAL;

  attach(journal: Journal): void {
    this.#journal = journal;
  }

  /** Calls `listener` for every new ledger entry, but not for replayed ones. */
  onLedger(listener: (entry: LedgerEntry) => void): void {
    this.#ledgerListeners.push(listener);
  }

  put<Name extends TableName>(table: Name, row: Tables[Name]): void {
    this.#index(table, row);
    this.#dirty.set(row, table);
    if (table === 'ledger') for (const listener of this.#ledgerListeners) listener(row as LedgerEntry);
  }

  /** Hands what was put to the journal. With the kernel on return. */
  commit(): void {
    if (this.#dirty.size === 0) return;
    const line = [...this.#dirty].map(([row, table]) => [table, row]);
    this.#dirty.clear();
    this.#journal.append(line);
  }

  /** Commits, and resolves when it is on the disk. */
  async persist(): Promise<void> {
    this.commit();
    await this.#journal.synced();
  }

  replay(line: unknown): void {
    for (const [table, row] of line as Line) this.#index(table, row);
  }

  /** All there is, as lines that replay to the same; for a journal that has grown long. */
  *lines(): Generator<unknown, void> {
    const tables: [TableName, Iterable<Tables[TableName]>][] = [
      ['account', this.accounts.values()],
      ['key', this.keys.values()],
      ['memo', this.memos.values()],
      ['arrival', this.arrivals.values()],
      ['order', this.orders.values()],
      ['trade', this.trades.values()],
      ['position', this.positions.values()],
      ['ledger', this.ledger.values()],
    ];
    for (const [table, rows] of tables) for (const row of rows) yield [[table, row]];
  }

  openOrders(accountId: string): readonly Order[] {
    return [...(this.#openByAccount.get(accountId)?.values() ?? [])];
  }

  openOrdersOfPair(pair: string): readonly Order[] {
    return [...(this.#openByPair.get(pair)?.values() ?? [])];
  }

  openCount(accountId: string, pair: string): number {
    return this.#openByAccountAndPair.get(`${accountId}/${pair}`)?.size ?? 0;
  }

  /** Orders that start or expire by themselves. */
  timedOrders(): readonly Order[] {
    return [...this.#timed.values()];
  }

  /** All orders that ever had the client id, oldest first. */
  ordersByClientId(accountId: string, clOrdId: string): readonly Order[] {
    return this.#byClientId.get(`${accountId}/${clOrdId}`) ?? [];
  }

  /** The open one of them: there is one at most. */
  openByClientId(accountId: string, clOrdId: string): Order | undefined {
    const last = this.ordersByClientId(accountId, clOrdId).at(-1);
    return last?.closeMs === null ? last : undefined;
  }

  /** Oldest first. */
  ordersOf(accountId: string): readonly Order[] {
    return this.#ordersByAccount.get(accountId) ?? [];
  }

  /** Oldest first. */
  tradesOf(accountId: string): readonly Trade[] {
    return this.#tradesByAccount.get(accountId) ?? [];
  }

  /** Oldest first. */
  openPositions(accountId: string): readonly Position[] {
    return [...(this.#openPositions.get(accountId)?.values() ?? [])];
  }

  account(id: string): Account {
    const account = this.accounts.get(id);
    if (!account) throw new Error(`no account ${id}`);
    return account;
  }

  balance(accountId: string, asset: string): Decimal {
    return this.account(accountId).balances[asset] ?? '0';
  }

  #index(table: TableName, row: Tables[TableName]): void {
    switch (table) {
      case 'account':
        this.accounts.set((row as Account).id, row as Account);
        break;
      case 'key':
        this.keys.set((row as ApiKey).key, row as ApiKey);
        break;
      case 'nonce': {
        const { key, nonce } = row as UsedNonce;
        const known = this.keys.get(key);
        if (known) known.nonce = nonce;
        break;
      }
      case 'order':
        this.#indexOrder(row as Order);
        break;
      case 'trade': {
        const trade = row as Trade;
        if (!this.trades.has(trade.id)) listOf(this.#tradesByAccount, trade.accountId).push(trade);
        this.trades.set(trade.id, trade);
        break;
      }
      case 'position':
        this.#indexPosition(row as Position);
        break;
      case 'ledger':
        this.ledger.set((row as LedgerEntry).id, row as LedgerEntry);
        break;
      case 'arrival':
        this.arrivals.set((row as Arrival).number, row as Arrival);
        break;
      case 'memo':
        this.memos.set((row as Memo).id, row as Memo);
        break;
    }
  }

  #indexOrder(order: Order): void {
    const known = this.orders.get(order.txid);
    const lists = [listOf(this.#ordersByAccount, order.accountId)];
    if (order.clOrdId !== null) lists.push(listOf(this.#byClientId, `${order.accountId}/${order.clOrdId}`));
    for (const list of lists) {
      if (!known) list.push(order);
      // A replay brings a new object for a known order.
      else if (known !== order) list[list.lastIndexOf(known)] = order;
    }
    this.orders.set(order.txid, order);
    const isOpen = order.status === 'open' || order.status === 'pending';
    const isTimed = isOpen && (order.status === 'pending' || order.expireMs !== 0);
    for (const [index, member] of [
      [mapOf(this.#openByAccount, order.accountId), isOpen],
      [mapOf(this.#openByPair, order.pair), isOpen],
      [mapOf(this.#openByAccountAndPair, `${order.accountId}/${order.pair}`), isOpen],
      [this.#timed, isTimed],
    ] as const) {
      if (member) index.set(order.txid, order);
      else index.delete(order.txid);
    }
  }

  #indexPosition(position: Position): void {
    this.positions.set(position.id, position);
    const open = mapOf(this.#openPositions, position.accountId);
    if (position.status === 'open') open.set(position.id, position);
    else open.delete(position.id);
  }
}

/** Volume of a margin position that is still open, base units. */
export function openVolume(position: Position): Decimal {
  return subtract(position.volume, position.closedVolume);
}

function listOf<Row>(lists: Map<string, Row[]>, id: string): Row[] {
  const found = lists.get(id);
  if (found) return found;
  const list: Row[] = [];
  lists.set(id, list);
  return list;
}

function mapOf<Row>(maps: Map<string, Map<string, Row>>, id: string): Map<string, Row> {
  const found = maps.get(id);
  if (found) return found;
  const map = new Map<string, Row>();
  maps.set(id, map);
  return map;
}
