import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ALERT_KINDS } from './domain/alerts.ts';
import { ACCOUNT_CURRENCIES } from './domain/equity.ts';
import { isDecimal, isPositive } from './domain/money.ts';
import { normalizeSymbol } from './domain/symbols.ts';

/** The environment, validated once. Every variable is explained in `.env.example`. */

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const positiveInteger = z.coerce.number().int().positive();
const amount = z
  .string()
  .refine((value) => isDecimal(value) && isPositive(value), 'must be an amount above 0, like 2500 or 0.5');
const fraction = z.coerce.number().gt(0).lte(1);
const stoplossGuard = z
  .string()
  .transform((value) => /^([1-9]\d{0,3})\/([1-9]\d{0,5})$/.exec(value)?.slice(1).map(Number) ?? [])
  .refine((parts) => parts.length === 2, 'must be stops/minutes, two whole numbers above 0, like 4/60')
  .transform(([stops = 0, minutes = 0]) => ({ stops, minutes }));
const lowProfit = z
  .string()
  .transform(
    (value) =>
      /^([1-9]\d{0,3})\/([1-9]\d{0,5})\/(-?(?:0(?:\.\d+)?|1))$/.exec(value)?.slice(1).map(Number) ?? [],
  )
  .refine(
    (parts) => parts.length === 3,
    'must be trades/minutes/least return, a fraction from -1 to 1, like 4/1440/0.001',
  )
  .transform(([trades = 0, minutes = 0, leastReturn = 0]) => ({ trades, minutes, leastReturn }));
const onOff = z.enum(['on', 'off']).transform((value) => value === 'on');
const url = (schemes: readonly string[]) =>
  z.string().refine(
    (value) => {
      try {
        return schemes.includes(new URL(value).protocol);
      } catch {
        return false;
      }
    },
    `must be a URL beginning with ${schemes.join('// or ')}//`,
  );
/** A scaled policy minute is the interval of predictions and candles: whole milliseconds, at least a second. */
const timeScale = z.coerce
  .number()
  .positive()
  .refine(
    (scale) => scale <= 60 && Number.isInteger(60_000 / scale),
    'must divide 60000 and be at most 60, like 1, 10, 30 or 60',
  );
const hostList = z.string().transform((value) => value.split(',').filter((part) => part !== ''));
const symbolList = z
  .string()
  .transform((value) => value.split(',').map((part) => part.trim()))
  .refine(
    (parts) => parts.every((part) => normalizeSymbol(part) !== null),
    'must be symbols like BTC/USD,ETH/USD',
  )
  .transform((parts) => parts.map((part) => normalizeSymbol(part) ?? part));

const alertKinds = z
  .string()
  .transform((value) => value.split(',').map((part) => part.trim()))
  .pipe(z.array(z.enum(ALERT_KINDS, { error: () => `must be a list of ${ALERT_KINDS.join(', ')}` })));

const schema = z.object({
  DATABASE_URL: url(['postgres:', 'postgresql:']).optional(),
  KRAKEN_API_URL: url(['http:', 'https:']).optional(),
  KRAKEN_WS_URL: url(['ws:', 'wss:']).optional(),
  KRAKEN_API_KEY: z.string().optional(),
  KRAKEN_API_SECRET: z.string().optional(),
  PREDICTION_URL: z
    .union([z.literal('none'), z.literal('builtin'), url(['http:', 'https:'])])
    .default('builtin'),
  HOLDFAST_LIVE: z.enum(['yes', 'no']).default('no'),
  HOLDFAST_DATA_DIR: z.string().min(1).default('.holdfast'),
  HOLDFAST_LISTING_LAG_MS: z.coerce.number().int().nonnegative().optional(),
  HOLDFAST_PERSIST_BUDGET_MS: positiveInteger.default(120_000),
  HOLDFAST_PROTECTIVE_STOP: onOff.default(false),
  HOLDFAST_ADOPT: z.enum(['adopt', 'flatten']).default('adopt'),
  HOLDFAST_ACCOUNT_CURRENCY: z
    .enum(ACCOUNT_CURRENCIES, { error: () => `must be one of ${ACCOUNT_CURRENCIES.join(', ')}` })
    .default('USD'),
  HOLDFAST_MAX_OPEN_POSITIONS: positiveInteger.default(50),
  HOLDFAST_MAX_POSITIONS_PER_SYMBOL: positiveInteger.default(10),
  HOLDFAST_MAX_NOTIONAL: amount.default('5000'),
  HOLDFAST_MAX_EXPOSURE: amount.optional(),
  HOLDFAST_MAX_DAILY_LOSS: amount.optional(),
  HOLDFAST_MAX_DRAWDOWN: fraction.optional(),
  HOLDFAST_MAX_EQUITY_SHARE: fraction.optional(),
  HOLDFAST_COOLDOWN_MINUTES: z.coerce.number().nonnegative().max(100_000).default(0),
  HOLDFAST_STOPLOSS_GUARD: stoplossGuard.optional(),
  HOLDFAST_LOW_PROFIT: lowProfit.optional(),
  HOLDFAST_BASE_NOTIONAL: amount.default('500'),
  HOLDFAST_TIME_SCALE: timeScale.default(1),
  HOLDFAST_KRAKEN_TIER: z.enum(['starter', 'intermediate', 'pro', 'unlimited']).optional(),
  HOLDFAST_PAPER_HOSTS: hostList.prefault(''),
  HOLDFAST_SCAN: onOff.default(false),
  HOLDFAST_SCAN_SYMBOLS: symbolList.prefault('BTC/USD'),
  HOLDFAST_SCAN_MAX_PER_SYMBOL: positiveInteger.default(4),
  HOLDFAST_BUILD_ID: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'must be at most 64 letters, digits, dots, dashes and underscores, like 1.4.0')
    .optional(),
  HOLDFAST_METRICS_HOST: z.string().default('127.0.0.1'),
  HOLDFAST_METRICS_PORT: z.coerce.number().int().nonnegative().default(0),
  HOLDFAST_SDK_METRICS_PORT: z.coerce.number().int().nonnegative().default(0),
  HOLDFAST_DASHBOARD_PORT: z.coerce.number().int().nonnegative().default(7235),
  HOLDFAST_DASHBOARD_HOST: z.string().default('127.0.0.1'),
  HOLDFAST_DASHBOARD_NAMES: hostList.prefault(''),
  HOLDFAST_DASHBOARD_TOKEN: z.string().min(16, 'must have at least 16 characters').optional(),
  HOLDFAST_TEMPORAL_UI: url(['http:', 'https:']).optional(),
  HOLDFAST_ALERT_WEBHOOK_URL: url(['http:', 'https:']).optional(),
  HOLDFAST_ALERT_WEBHOOK_SECRET: z.string().min(16, 'must have at least 16 characters').optional(),
  HOLDFAST_ALERT_TELEGRAM_TOKEN: z
    .string()
    .regex(/^[\w:-]+$/, 'must be a bot token like 123456:ABC-DEF')
    .optional(),
  HOLDFAST_ALERT_TELEGRAM_CHAT: z.string().optional(),
  HOLDFAST_ALERT_TELEGRAM_URL: url(['http:', 'https:']).default('https://api.telegram.org'),
  HOLDFAST_ALERT_DISCORD_URL: url(['http:', 'https:']).optional(),
  HOLDFAST_ALERT_KINDS: alertKinds.prefault(ALERT_KINDS.join(',')),
  HOLDFAST_ALERTS_PER_MINUTE: z.coerce.number().positive().max(6_000).optional(),
  HOLDFAST_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
});

export type Config = z.output<typeof schema> & {
  readonly isPaperExchange: boolean;
  readonly listingLagMs: number;
};

const SECRET_NAMES = [
  'KRAKEN_API_KEY',
  'KRAKEN_API_SECRET',
  'DATABASE_URL',
  'HOLDFAST_DASHBOARD_TOKEN',
  'HOLDFAST_ALERT_WEBHOOK_URL',
  'HOLDFAST_ALERT_WEBHOOK_SECRET',
  'HOLDFAST_ALERT_TELEGRAM_TOKEN',
  'HOLDFAST_ALERT_DISCORD_URL',
];
const LIVE_API_URL = 'https://api.kraken.com';
const LIVE_WS_URL = 'wss://ws.kraken.com/v2';

/** Every variable that is known, also as a secret file. */
export const VARIABLES: readonly string[] = [
  ...Object.keys(schema.shape),
  ...SECRET_NAMES.map((name) => `${name}_FILE`),
];

/** Reads and checks the environment. Throws {@link ConfigError} naming variable, value and what is allowed. */
export function loadConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const given = withSecretFiles(withoutEmpty(environment));
  const parsed = schema.safeParse(given);
  if (!parsed.success)
    throw new ConfigError(parsed.error.issues.map((issue) => explain(issue, given)).join('; '));
  const config = parsed.data;
  if (config.HOLDFAST_LIVE === 'yes') {
    const missing = ['KRAKEN_API_KEY', 'KRAKEN_API_SECRET'].filter((name) => !given[name]);
    if (missing.length > 0) {
      throw new ConfigError(
        `HOLDFAST_LIVE=yes needs ${missing.join(' and ')} (or …_FILE); see docs/going-live.md`,
      );
    }
    config.KRAKEN_API_URL ??= LIVE_API_URL;
    config.KRAKEN_WS_URL ??= LIVE_WS_URL;
  }
  if (
    (config.HOLDFAST_ALERT_TELEGRAM_TOKEN === undefined) !==
    (config.HOLDFAST_ALERT_TELEGRAM_CHAT === undefined)
  )
    throw new ConfigError(
      'HOLDFAST_ALERT_TELEGRAM_TOKEN and HOLDFAST_ALERT_TELEGRAM_CHAT are needed together; only one is set',
    );
  const isPaperExchange =
    config.KRAKEN_API_URL === undefined || isPaper(config.KRAKEN_API_URL, config.HOLDFAST_PAPER_HOSTS);
  return {
    ...config,
    isPaperExchange,
    listingLagMs: config.HOLDFAST_LISTING_LAG_MS ?? (isPaperExchange ? 1_000 : 60_000),
  };
}

function isPaper(address: string, paperHosts: readonly string[]): boolean {
  return ['127.0.0.1', 'localhost', '[::1]', ...paperHosts].includes(new URL(address).hostname);
}

function withoutEmpty(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
}

/** `NAME_FILE` names a file that holds the value, the way container secrets come. */
function withSecretFiles(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const result = { ...environment };
  for (const name of SECRET_NAMES) {
    const file = environment[`${name}_FILE`];
    if (file === undefined || result[name] !== undefined) continue;
    try {
      result[name] = readFileSync(file, 'utf8').trim();
    } catch {
      throw new ConfigError(`${name}_FILE is ${file}, which can't be read`);
    }
  }
  return result;
}

function explain(issue: z.core.$ZodIssue, given: NodeJS.ProcessEnv): string {
  const name = String(issue.path[0]);
  const value = SECRET_NAMES.includes(name) ? '(hidden)' : JSON.stringify(given[name]);
  return `${name} is ${value}: ${issue.message}`;
}
