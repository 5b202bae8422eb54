import { Gauge, type Registry } from 'prom-client';
import type { FigureStore, LedgerFigures } from '../db/repositories/figures.ts';
import { sharedReading } from './shared-reading.ts';

const FIGURES: readonly (readonly [Exclude<keyof LedgerFigures, 'findings'>, string, string])[] = [
  ['openPositions', 'holdfast_open_positions', 'Open positions of the account, by the database'],
  ['thresholdsVersion', 'holdfast_thresholds_version', 'Version of the thresholds that new trades pin'],
  ['outcomesToLearn', 'holdfast_outcomes_to_learn', 'Closed trades that learning has not studied yet'],
  ['alertsWaiting', 'holdfast_alerts_waiting', 'Alerts that Temporal has not taken over yet'],
];

/** What the database holds, the same from every worker; left out while it does not answer. */
export function registerLedgerMetrics(registry: Registry, store: FigureStore): void {
  const figures = sharedReading(FIGURES.length + 2, () => store.read());
  for (const [figure, name, help] of FIGURES) {
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const value = (await figures())?.[figure];
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  }
  new Gauge({
    name: 'holdfast_findings',
    help: 'Disagreements that are not settled, by status; human: somebody has to look',
    labelNames: ['status'],
    registers: [registry],
    async collect() {
      this.reset();
      for (const [status, count] of Object.entries((await figures())?.findings ?? {}))
        this.set({ status }, count);
    },
  });
  new Gauge({
    name: 'holdfast_database_up',
    help: '1 while the database answers this worker',
    registers: [registry],
    async collect() {
      this.set((await figures()) === null ? 0 : 1);
    },
  });
}
