import { Gauge, type Registry } from 'prom-client';
import { sharedReading } from './shared-reading.ts';
import { accountView, type AccountSources } from './views/account-view.ts';

const FIGURES = [
  ['equity', 'holdfast_equity', 'Account value, account currency'],
  ['cash', 'holdfast_cash', 'Cash, account currency'],
  ['exposure', 'holdfast_exposure', 'Worth of all that is not cash, account currency'],
  ['drawdown', 'holdfast_drawdown_ratio', 'Fall of equity from its peak, a fraction of the peak'],
] as const;

/** What the account is worth and what keeps entries out, read at every scrape; left out while that can't be told. */
export function registerAccountMetrics(registry: Registry, sources: AccountSources): void {
  const view = sharedReading(FIGURES.length + 1, () => {
    const nowMs = Date.now();
    return accountView(sources, nowMs, nowMs);
  });
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
