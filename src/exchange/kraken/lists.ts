import { ListTooLong, type CallPriority } from '../port.ts';
import { closedOrders, openOrders, tradesHistory, type KrakenOrder, type KrakenTrade } from './parse.ts';
import type { Session } from './session.ts';

const PAGE = 50;
/** Beyond this a list is too long to be read at one go. */
const MAX_PAGES = 40;
/** Lists start this much earlier than asked for, since the clocks agree only roughly. */
const START_MARGIN_MS = 5_000;

export interface ListFilter {
  readonly cl_ord_id?: string;
  readonly closetime?: 'close';
}

/** Kraken's lists of orders and trades, whole: all pages or an `ExchangeUnavailable`. */
export interface AccountLists {
  open(priority: CallPriority, filter?: ListFilter): Promise<Map<string, KrakenOrder>>;
  /** `sinceMs` on Kraken's clock. */
  closed(sinceMs: number, priority: CallPriority, filter?: ListFilter): Promise<Map<string, KrakenOrder>>;
  trades(sinceMs: number, priority: CallPriority): Promise<Map<string, KrakenTrade>>;
}

export function createAccountLists(session: Session): AccountLists {
  return {
    async open(priority, filter = {}) {
      const { open } = await session.ask('OpenOrders', { ...filter }, priority, openOrders);
      return new Map(Object.entries(open));
    },
    closed: (sinceMs, priority, filter = {}) =>
      allPages(async (ofs) => {
        const params = { ...filter, start: startParam(sinceMs), ofs };
        const { closed, count } = await session.ask('ClosedOrders', params, priority, closedOrders);
        return { items: closed, count };
      }),
    trades: (sinceMs, priority) =>
      allPages(async (ofs) => {
        const params = { start: startParam(sinceMs), ofs };
        const { trades, count } = await session.ask('TradesHistory', params, priority, tradesHistory);
        return { items: trades, count };
      }),
  };
}

interface Page<Item> {
  readonly items: Readonly<Record<string, Item>>;
  /** Of the whole list. */
  readonly count: number | undefined;
}

async function allPages<Item>(readPage: (offset: string) => Promise<Page<Item>>): Promise<Map<string, Item>> {
  const all = new Map<string, Item>();
  for (let page = 0; page < MAX_PAGES; page += 1) {
    // New items come first and only push older ones back, so that none is skipped.
    const { items, count } = await readPage(String(page * PAGE));
    const entries = Object.entries(items);
    for (const [id, item] of entries) all.set(id, item);
    const read = page * PAGE + entries.length;
    if (entries.length === 0 || (count === undefined ? entries.length < PAGE : read >= count)) return all;
  }
  throw new ListTooLong(`more than ${MAX_PAGES * PAGE} entries since the start asked for`);
}

function startParam(sinceMs: number): string {
  return String(Math.max(0, Math.floor((sinceMs - START_MARGIN_MS) / 1000)));
}
