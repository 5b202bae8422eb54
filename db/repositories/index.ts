import type { DataSource } from 'typeorm';
import { poolOf } from '../data-source.ts';
import { createEquityStore, type EquityStore } from './equity.ts';
import { createAlertStore, type AlertStore } from './alerts.ts';
import { createFigureStore, type FigureStore } from './figures.ts';
import { createFindingStore, type FindingStore } from './findings.ts';
import { createHaltStore, type HaltStore } from './halts.ts';
import { createLearningStore, type LearningStore } from './learning.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { createLedgerReader, type LedgerReader } from './reader.ts';
import { createRiskStore, type RiskStore } from './risk.ts';
import { createSelfTestStore, type SelfTestStore } from './self-test.ts';
import { createSignalStore, type SignalStore } from './signals.ts';

export interface Repositories {
  readonly ledger: Ledger;
  readonly reader: LedgerReader;
  readonly learning: LearningStore;
  readonly findings: FindingStore;
  readonly halts: HaltStore;
  readonly selfTest: SelfTestStore;
  readonly signals: SignalStore;
  readonly equity: EquityStore;
  readonly risk: RiskStore;
  readonly alerts: AlertStore;
  readonly figures: FigureStore;
}

/** All repositories over a data source of `openDatabase`. */
export function createRepositories(database: DataSource): Repositories {
  const pool = poolOf(database);
  return {
    ledger: createLedger(database),
    reader: createLedgerReader(pool),
    learning: createLearningStore(pool),
    findings: createFindingStore(pool),
    halts: createHaltStore(pool),
    selfTest: createSelfTestStore(pool),
    signals: createSignalStore(pool),
    equity: createEquityStore(pool),
    risk: createRiskStore(pool),
    alerts: createAlertStore(pool),
    figures: createFigureStore(pool),
  };
}
