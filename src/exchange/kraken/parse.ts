import { z } from 'zod';
import { big, text, type Decimal } from '../../domain/money.ts';
import { ExchangeUnavailable } from '../port.ts';

/** Kraken's answers as far as Holdfast reads them. More fields may come; those named here must. */

const decimal = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/)
  .transform((value): Decimal => text(big(value)));

/** Seconds since the epoch on Kraken's clock, with a fraction. */
const seconds = z.number().nonnegative();

const orderSide = z.enum(['buy', 'sell']);

export const serverTime = z.object({ unixtime: seconds });

/** `key` is Kraken's pair id. */
export const assetPair = z.object({
  altname: z.string(),
  wsname: z.string().optional(),
  base: z.string(),
  quote: z.string(),
  pair_decimals: z.number().int(),
  lot_decimals: z.number().int(),
  tick_size: decimal.optional(),
  ordermin: decimal.optional(),
  costmin: decimal.optional(),
  fees: z.array(z.tuple([z.number(), z.number()])).optional(),
  leverage_sell: z.array(z.number()).optional(),
  status: z.string().optional(),
});
export type KrakenPair = z.infer<typeof assetPair>;

export const assetPairs = z.record(z.string(), z.unknown());

const ladder = z.tuple([decimal], z.unknown());
export const tickers = z.record(z.string(), z.object({ a: ladder, b: ladder, c: ladder }));

const ohlcRow = z.tuple([seconds, decimal, decimal, decimal, decimal, decimal, decimal], z.unknown());
export const ohlcRows = z.array(ohlcRow);

const publicTrade = z.tuple([decimal, decimal, seconds], z.unknown());
export const publicTrades = z.array(publicTrade);
export type PublicTrade = z.infer<typeof publicTrade>;

/** Pair id → rows, beside the cursor `last`. */
export const rowsWithCursor = z.record(z.string(), z.unknown()).transform((value, context) => {
  const { last, ...pairs } = value;
  const [rows, ...others] = Object.values(pairs);
  if (rows === undefined || others.length > 0 || (typeof last !== 'string' && typeof last !== 'number')) {
    context.addIssue({ code: 'custom', message: 'expected one pair and last' });
    return z.NEVER;
  }
  return { rows, last: String(last) };
});

export const krakenOrder = z.object({
  cl_ord_id: z.string().nullish(),
  status: z.enum(['pending', 'open', 'closed', 'canceled', 'expired']),
  opentm: seconds,
  closetm: seconds.nullish(),
  reason: z.string().nullish(),
  descr: z.object({ pair: z.string(), type: orderSide, ordertype: z.string() }),
  vol: decimal,
  vol_exec: decimal,
  cost: decimal,
  fee: decimal,
  trades: z.array(z.string()).optional(),
});
export type KrakenOrder = z.infer<typeof krakenOrder>;

export const orders = z.record(z.string(), krakenOrder);
export const openOrders = z.object({ open: orders });
export const closedOrders = z.object({ closed: orders, count: z.number().int().optional() });

export const krakenTrade = z.object({
  ordertxid: z.string(),
  pair: z.string(),
  time: seconds,
  type: orderSide,
  price: decimal,
  cost: decimal,
  fee: decimal,
  vol: decimal,
});
export type KrakenTrade = z.infer<typeof krakenTrade>;

export const trades = z.record(z.string(), krakenTrade);
export const tradesHistory = z.object({ trades, count: z.number().int().optional() });

export const balances = z.record(
  z.string(),
  z.object({ balance: decimal, hold_trade: decimal.default('0') }),
);

const position = z.object({
  ordertxid: z.string(),
  pair: z.string(),
  type: orderSide,
  vol: decimal,
  vol_closed: decimal,
  cost: decimal,
});
/** An empty answer may be a list. */
export const positions = z.union([z.record(z.string(), position), z.array(z.never()).transform(() => ({}))]);

const orderId = z.string().regex(/^[A-Z0-9]{6}-[A-Z0-9]{5}-[A-Z0-9]{6}$/);
export const addedOrder = z.object({ txid: z.array(orderId).length(1) });

/** In the order of the request; each order of a batch has an id or an error of its own. */
export const addedOrders = z.object({
  orders: z.array(z.union([z.object({ txid: orderId }), z.object({ error: z.string().min(1) })])),
});

export const amended = z.object({ amend_id: z.string().min(1) });

export const cancelled = z.object({
  count: z.number().int(),
  pending: z.union([z.boolean(), z.number()]).optional(),
});

export const apiKeyInfo = z.object({
  permissions: z.array(z.string()),
  nonce_window: z.union([z.string().regex(/^\d+$/), z.number()]).transform(Number),
});

export const webSocketToken = z.object({ token: z.string().min(1) });

/** Throws {@link ExchangeUnavailable} naming the first field that is not as expected, never its value. */
export function parse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.map(String).join('.') ?? '';
  throw new ExchangeUnavailable(
    `${what}: unreadable answer${where ? ` at ${where}` : ''}: ${issue?.message ?? ''}`,
  );
}
