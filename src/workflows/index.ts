/** What the worker bundles: the names that Temporal knows. */
export { equity } from './equity.ts';
export { alerts } from './alerts.ts';
export { guard } from './guard.ts';
export { learning } from './learning.ts';
export { reconcile } from './reconcile.ts';
export { scan } from './scan.ts';
export { settleFinding } from './settle-finding.ts';
export { trade } from './trade.ts';
