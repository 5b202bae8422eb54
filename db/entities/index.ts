import { EquitySnapshot, RiskRules, Rotation } from './capital.ts';
import { PredictionEntity, SkippedSignal, StudyEntity, ThresholdVersion, TradeOutcome } from './learning.ts';
import { AlertEntity } from './alerts.ts';
import { CapitalReservation, OrderIntent } from './orders.ts';
import { Finding, Halt } from './oversight.ts';
import { LivePosition, LiveTrade, ManagedPosition, ManagedTrade } from './positions.ts';

export const entities = [
  ManagedPosition,
  ManagedTrade,
  LivePosition,
  LiveTrade,
  OrderIntent,
  CapitalReservation,
  TradeOutcome,
  ThresholdVersion,
  SkippedSignal,
  StudyEntity,
  Finding,
  Halt,
  EquitySnapshot,
  RiskRules,
  Rotation,
  PredictionEntity,
  AlertEntity,
];
