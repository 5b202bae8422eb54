import { z } from 'zod';
import { big, text, type Decimal } from '../../domain/money.ts';

/**
 * The stream sends amounts as JSON numbers. A decimal of up to 15 digits comes back from a double's
 * shortest text unchanged but for trailing zeros; Kraken's prices and quantities have fewer.
 */
export const jsonDecimal = z.number().transform((value): Decimal => text(big(String(value))));
