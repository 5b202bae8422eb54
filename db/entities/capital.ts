import type { Decimal } from '../../src/domain/money.ts';
import type { Side } from '../../src/domain/position.ts';
import type { Protections } from '../../src/domain/protections.ts';
import type { RiskLimits } from '../../src/domain/risk.ts';
import type { SignalFacts } from '../../src/domain/signal-facts.ts';
import { entityOf, type Table } from '../table.ts';

export const SNAPSHOT_CAUSES = ['interval', 'close', 'reset'] as const;
export type SnapshotCause = (typeof SNAPSHOT_CAUSES)[number];

/** What the account was worth, from the exchange's own balances. Amounts in the account's currency. */
export interface EquitySnapshotRow {
  /** When the exchange was asked. */
  readonly takenAt: number;
  /** `reset`: an operator had the peak counted anew. */
  readonly cause: SnapshotCause;
  readonly equity: Decimal;
  readonly cash: Decimal;
  /** Worth of all that is not cash, short positions at what buying back costs. */
  readonly exposure: Decimal;
  /** The highest equity so far, or since the last reset. */
  readonly peak: Decimal;
  /** Fall of equity from the peak, a fraction of the peak. */
  readonly drawdown: number;
  /** Of a reset. */
  readonly actor: string | null;
  readonly reason: string | null;
}

/** The rules that the workers go by, for those who only read. */
export interface RiskRulesRow {
  readonly id: 'current';
  readonly limits: RiskLimits;
  readonly protections: Protections;
  /** Who set them: the worker that started last. */
  readonly workerId: string;
  readonly setAt: number;
}

export const ROTATION_STATUSES = ['waiting', 'taken', 'declined', 'expired'] as const;
export type RotationStatus = (typeof ROTATION_STATUSES)[number];

/** A signal that found no free capital, and the position that was asked to make room for it. */
export interface RotationRow {
  readonly id: string;
  /** The entry that waits for the money. */
  readonly tradeId: string;
  readonly symbol: string;
  readonly side: Side;
  /** Quote currency. */
  readonly notional: Decimal;
  /** 0..1 */
  readonly confidence: number;
  /** The limit that was reached. */
  readonly limit: string;
  readonly weakestTradeId: string;
  readonly weakestPositionId: string;
  readonly weakestConfidence: number;
  /** `declined`: the position did not give way. `expired`: its money did not come in time. */
  readonly status: RotationStatus;
  readonly facts: SignalFacts | null;
  readonly createdAt: number;
  /** The entry waits no longer than that. */
  readonly expiresAt: number;
  readonly endedAt: number | null;
}

export const equitySnapshotTable: Table<EquitySnapshotRow> = {
  name: 'EquitySnapshot',
  key: 'takenAt',
  columns: {
    takenAt: 'time',
    cause: 'text',
    equity: 'numeric',
    cash: 'numeric',
    exposure: 'numeric',
    peak: 'numeric',
    drawdown: 'ratio',
    actor: 'text?',
    reason: 'text?',
  },
};

export const riskRulesTable: Table<RiskRulesRow> = {
  name: 'RiskRules',
  key: 'id',
  columns: { id: 'text', limits: 'json', protections: 'json', workerId: 'text', setAt: 'time' },
};

export const rotationTable: Table<RotationRow> = {
  name: 'Rotation',
  key: 'id',
  columns: {
    id: 'text',
    tradeId: 'text',
    symbol: 'text',
    side: 'text',
    notional: 'numeric',
    confidence: 'ratio',
    limit: 'text',
    weakestTradeId: 'text',
    weakestPositionId: 'text',
    weakestConfidence: 'ratio',
    status: 'text',
    facts: 'json?',
    createdAt: 'time',
    expiresAt: 'time',
    endedAt: 'time?',
  },
};

export const EquitySnapshot = entityOf(equitySnapshotTable);
export const RiskRules = entityOf(riskRulesTable);
export const Rotation = entityOf(rotationTable);
