import { z } from 'zod';
import { EXIT_RULES } from '../domain/exit-policy.ts';
import type { Outcome } from '../domain/learning/study.ts';
import { isDecimal } from '../domain/money.ts';

const decimal = z.string().refine(isDecimal, 'it must be a decimal');
const id = z.string().min(1).max(200);

/** The shape of an outcome; whether its figures can be true is the study's question. */
const outcomeSchema: z.ZodType<Outcome> = z.object({
  positionId: id,
  tradeId: id,
  symbol: id,
  side: z.enum(['long', 'short']),
  thresholdsVersion: z.int().positive(),
  confidence: z.number(),
  volatilityScale: z.number(),
  quantity: decimal,
  entryPrice: decimal,
  exitPrice: decimal,
  entryTimeMs: z.number().min(0),
  exitTimeMs: z.number().min(0),
  entryFee: decimal,
  exitFee: decimal,
  netPnl: decimal,
  returnFraction: z.number(),
  exitRule: z.enum(EXIT_RULES),
  equityAtEntry: decimal,
  timeScale: z.number().positive(),
});

/** The outcome, or every reason why it is none. */
export function parseOutcome(
  value: unknown,
): { readonly outcome: Outcome } | { readonly reasons: readonly string[] } {
  const parsed = outcomeSchema.safeParse(value);
  if (parsed.success) return { outcome: parsed.data };
  return {
    reasons: parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'outcome'}: ${message}`),
  };
}
