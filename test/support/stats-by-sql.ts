import pg from 'pg';

/** The figures of `holdfast stats` as plain SQL over the tables gives them, by other ways than its own. */
const TRADES = `
  WITH closed AS (
    SELECT "id", "realizedPnL" AS pnl, "exitTime", extract(epoch FROM "exitTime" - "entryTime") * 1000 AS held
    FROM "ManagedPosition" WHERE "status" = 'closed'),
  paid AS (
    SELECT sum(CASE trade."side" WHEN 'sell' THEN trade."value" ELSE -trade."value" END - trade."fee") AS net,
      sum(trade."fee") AS fees
    FROM "ManagedTrade" AS trade JOIN closed ON closed."id" = trade."positionId"),
  curve AS (
    SELECT one."id", one."exitTime", sum(earlier.pnl) AS total
    FROM closed AS one JOIN closed AS earlier ON (earlier."exitTime", earlier."id") <= (one."exitTime", one."id")
    GROUP BY one."id", one."exitTime")
  SELECT (SELECT count(*) FROM closed) AS "closedTrades",
    (SELECT count(*) FROM "LivePosition" WHERE "status" = 'open') AS "openPositions",
    (SELECT sum(CASE WHEN pnl > 0 THEN 1 ELSE 0 END) FROM closed) AS wins,
    (SELECT avg(CASE WHEN pnl > 0 THEN 1 ELSE 0 END) FROM closed) AS "winRate",
    (SELECT net FROM paid) AS "netPnl",
    (SELECT avg("realizedPnL") FROM "ManagedPosition" WHERE "status" = 'closed') AS "expectedValue",
    (SELECT -sum(pnl) FILTER (WHERE pnl > 0) / nullif(sum(pnl) FILTER (WHERE pnl < 0), 0) FROM closed) AS "profitFactor",
    (SELECT round(round(avg(held), 3)) FROM closed) AS "averageHoldMs",
    (SELECT fees FROM paid) AS fees,
    (SELECT max(greatest(peak, 0) - total) FROM curve, LATERAL (
      SELECT max(before.total) AS peak FROM curve AS before
      WHERE (before."exitTime", before."id") <= (curve."exitTime", curve."id")) AS peaks) AS "maxDrawdown"`;

/** Of the exits whose time after is known: was there a price by which more than the fees would have been made? */
const PREMATURE = `
  WITH trade AS (
    SELECT "study"::jsonb -> 'path' AS path, outcome."exitTimeMs" AS exited, outcome.*,
      greatest("exitTimeMs" - "entryTimeMs", 600000 / "timeScale") AS horizon,
      ("entryFee" + "exitFee") / ("entryPrice" * "quantity") AS fee,
      CASE "side" WHEN 'long' THEN 1 ELSE -1 END AS sign
    FROM "Study", jsonb_to_record("study"::jsonb -> 'outcome') AS outcome(
      "side" text, "entryTimeMs" float8, "exitTimeMs" float8, "timeScale" float8, "entryPrice" float8,
      "exitPrice" float8, "quantity" float8, "entryFee" float8, "exitFee" float8)
    WHERE "isTrade"),
  verdict AS (
    SELECT (path -> -1 ->> 'timeMs')::float8 >= exited + horizon AS "isOver",
      EXISTS (
        SELECT FROM jsonb_to_recordset(path) AS point("timeMs" float8, "price" float8)
        WHERE "timeMs" > exited AND "timeMs" <= exited + horizon
          AND sign * ("price" - "exitPrice") / "entryPrice" > fee) AS "isPremature"
    FROM trade)
  SELECT avg("isPremature"::integer) FILTER (WHERE "isPremature" OR "isOver") AS "prematureShare" FROM verdict`;

const REASONS = `
  SELECT "exitReason" AS reason, count(*) AS trades, sum("netPnL") AS "netPnl"
  FROM "ManagedPosition" JOIN "LivePosition" ON "LivePosition"."id" = 'live-pos-' || "ManagedPosition"."id"
  WHERE "ManagedPosition"."status" = 'closed' GROUP BY "exitReason" ORDER BY "exitReason"`;

/** The account as it was read at `$1`, epoch ms. */
const ACCOUNT = `
  SELECT snapshot."equity", snapshot."cash", snapshot."exposure", highest."equity" AS "peakEquity",
    1 - snapshot."equity" / highest."equity" AS "drawdown",
    (SELECT max("drawdown") FROM "EquitySnapshot" WHERE "takenAt" <= snapshot."takenAt") AS "maxDrawdownFraction"
  FROM "EquitySnapshot" AS snapshot, LATERAL (
    SELECT max("equity") AS "equity" FROM "EquitySnapshot" WHERE "takenAt" <= snapshot."takenAt") AS highest
  WHERE snapshot."takenAt" = to_timestamp($1::float8 / 1000)`;

type Figures = Readonly<Record<string, unknown>>;

export async function statsBySql(databaseUrl: string, equityAtMs: number): Promise<Figures> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const one = async (text: string, values: unknown[] = []): Promise<Figures> =>
      (await client.query<Record<string, unknown>>(text, values)).rows[0] ?? {};
    const reasons = await client.query<{ reason: string; trades: string; netPnl: string }>(REASONS);
    return comparable({
      ...(await one(TRADES)),
      ...(await one(PREMATURE)),
      ...(await one(ACCOUNT, [equityAtMs])),
      byExitReason: Object.fromEntries(reasons.rows.map(({ reason, ...figures }) => [reason, figures])),
    });
  } finally {
    await client.end();
  }
}

/** Decimals and numbers alike, to nine places. */
export function comparable(figures: Figures): Figures {
  return Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [
      name,
      value !== null && typeof value === 'object'
        ? comparable(value as Figures)
        : value === null
          ? null
          : Math.round(Number(value) * 1e9) / 1e9,
    ]),
  );
}
