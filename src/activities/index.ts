import type { EquityStore } from '../../db/repositories/equity.ts';
import type { Ledger } from '../../db/repositories/ledger.ts';
import type { FindingStore } from '../../db/repositories/findings.ts';
import type { LearningStore } from '../../db/repositories/learning.ts';
import type { LedgerReader } from '../../db/repositories/reader.ts';
import type { SignalStore } from '../../db/repositories/signals.ts';
import type { StepRunner } from '../../db/step-process/run.ts';
import type { AlertDesk } from '../alerts/desk.ts';
import type { AlertDestination } from '../alerts/destination.ts';
import type { HoldfastClient } from '../client.ts';
import type { Destination } from '../domain/alerts.ts';
import type { Protections } from '../domain/protections.ts';
import type { RiskLimits } from '../domain/risk.ts';
import type { Exchange } from '../exchange/port.ts';
import type { Leases } from '../leases.ts';
import type { Logger } from '../logging.ts';
import type { GuardKeeper } from '../market/guard-keeper.ts';
import type { OrderWatch } from '../market/order-watch.ts';
import type { PredictionService } from '../market/predictions.ts';
import type { TradeSettings } from '../workflows/messages.ts';
import { createEquityActivities } from './equity.ts';
import { createAlertActivities } from './alerts.ts';
import { withFailures } from './failures.ts';
import type { IntentJournal } from './intent-journal.ts';
import { createGuardSweep } from './guard-sweep.ts';
import { createLedgerActivities } from './ledger.ts';
import { createMarketActivities } from './market.ts';
import { createOrderActivities } from './orders.ts';
import { createPredictionActivities, type ScanSettings } from './predictions.ts';
import { createReconcileActivities } from './reconcile.ts';
import { createReserveActivities } from './reserve.ts';
import { createSettleActivities, type Adoption } from './settle.ts';
import { createStopActivities } from './stops.ts';
import { createStudyActivities } from './studies.ts';
import { createTakeover } from './takeover.ts';
import { createWitnessActivities } from './witness.ts';

/** The real parts that activities act on; wired in worker.ts and nowhere else. */
export interface ActivityDependencies {
  readonly exchange: Exchange;
  readonly ledger: Ledger;
  readonly reader: LedgerReader;
  readonly learning: LearningStore;
  readonly findings: FindingStore;
  readonly signals: SignalStore;
  readonly equity: EquityStore;
  readonly runStep: StepRunner;
  readonly keeper: GuardKeeper;
  readonly intents: IntentJournal;
  readonly orderWatch: OrderWatch;
  readonly predictions: PredictionService;
  readonly client: HoldfastClient;
  readonly leases: Leases;
  /** Whether this worker hears of the exchange. */
  readonly seesExchange: () => boolean;
  /** Of this worker; null where workers are not versioned. */
  readonly buildId: string | null;
  readonly alertDesk: Pick<AlertDesk, 'raise'>;
  readonly alertDestinations: Readonly<Partial<Record<Destination, AlertDestination>>>;
  readonly limits: RiskLimits;
  readonly protections: Protections;
  readonly accountCurrency: string;
  readonly settings: TradeSettings;
  readonly scan: ScanSettings;
  readonly adoption: Adoption;
  readonly timeScale: number;
  readonly now: () => number;
  readonly log: Logger;
}

export type Activities = ReturnType<typeof createActivities>;

export function createActivities(dependencies: ActivityDependencies) {
  const takeover = createTakeover(dependencies);
  return withFailures({
    ...createReserveActivities(dependencies),
    ...createOrderActivities(dependencies),
    ...createWitnessActivities(dependencies),
    ...createStopActivities(dependencies),
    ...createLedgerActivities(dependencies),
    ...createMarketActivities(dependencies),
    ...createGuardSweep(dependencies),
    ...createEquityActivities(dependencies),
    ...createPredictionActivities(dependencies),
    ...createStudyActivities(dependencies),
    ...createReconcileActivities(dependencies),
    ...createAlertActivities(dependencies),
    ...createSettleActivities({ ...dependencies, takeover }),
  });
}
