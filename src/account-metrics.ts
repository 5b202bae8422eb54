import { Gauge, type Registry } from 'prom-client';
import { accountView, type AccountSources, type AccountView } from './views/account-view.ts';

/** A scrape is answered within this, whatever the database does. */
const PATIENCE_MS = 2_000;

const FIGURES = [
  ['equity', 'holdfast_equity', 'Account value, account currency'],
  ['cash', 'holdfast_cash', 'Cash, account currency'],
  ['exposure', 'holdfast_exposure', 'Worth of all that is not cash, account currency'],
  ['drawdown', 'holdfast_drawdown_ratio', 'Fall of equity from its peak, a fraction of the peak'],
] as const;

/** What the account is worth and what keeps entries out, read at every scrape; left out while that can't be told. */
export function registerAccountMetrics(registry: Registry, sources: AccountSources): void {
  const view = sharedBy(FIGURES.length + 1, () => read(sources));
  for (const [figure, name, help] of FIGURES) {
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const value = (await view())?.[figure] ?? null;
        if (value === null) this.remove();
        else this.set(Number(value));
      },
    });
  }
  new Gauge({
    name: 'holdfast_entries_blocked',
    help: '1 for every halt, loss limit and protection in force, by symbol or for all',
    labelNames: ['limit', 'symbol'],
    registers: [registry],
    async collect() {
      const blocks = (await view())?.blocks ?? [];
      this.reset();
      for (const { limit, symbol } of blocks) this.set({ limit, symbol: symbol ?? 'all' }, 1);
    },
  });
}

/** The gauges of one scrape collect side by side: they share one reading. */
function sharedBy<T>(readers: number, read: () => Promise<T>): () => Promise<T> {
  let current: Promise<T> | null = null;
  let left = 0;
  return () => {
    if (current === null || left === 0) [current, left] = [read(), readers];
    left -= 1;
    return current;
  };
}

async function read(sources: AccountSources): Promise<AccountView | null> {
  const nowMs = Date.now();
  const late = new Promise<null>((resolve) => setTimeout(resolve, PATIENCE_MS, null).unref());
  return Promise.race([accountView(sources, nowMs, nowMs).catch(() => null), late]);
}
