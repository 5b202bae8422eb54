import { Positions1763900000001 } from './1763900000001-positions.ts';
import { Orders1763900000002 } from './1763900000002-orders.ts';
import { LearningAndOversight1763900000003 } from './1763900000003-learning-and-oversight.ts';
import { Studies1763900000004 } from './1763900000004-studies.ts';
import { WholeStep1763900000005 } from './1763900000005-whole-step.ts';
import { HaltEnds1763900000006 } from './1763900000006-halt-ends.ts';
import { Capital1763900000007 } from './1763900000007-capital.ts';
import { Alerts1763900000008 } from './1763900000008-alerts.ts';
import { HandedOver1763900000009 } from './1763900000009-handed-over.ts';

/** In the order they are applied; a released one never changes. */
export const migrations = [
  Positions1763900000001,
  Orders1763900000002,
  LearningAndOversight1763900000003,
  Studies1763900000004,
  WholeStep1763900000005,
  HaltEnds1763900000006,
  Capital1763900000007,
  Alerts1763900000008,
  HandedOver1763900000009,
];
