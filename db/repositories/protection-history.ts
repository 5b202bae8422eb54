import { big, text } from '../../src/domain/money.ts';
import {
  STOP_RULES,
  type LowProfit,
  type ProtectionHistory,
  type Protections,
} from '../../src/domain/protections.ts';
import type { Queryable } from '../transaction.ts';

/** From the rows of what closed, so that a protection outlives every process; asks only for what is switched on. */
export async function readProtectionHistory(
  client: Queryable,
  protections: Protections,
  symbol: string,
  nowMs: number,
): Promise<ProtectionHistory> {
  const { cooldownMs, stoplossGuard, lowProfit } = protections;
  const [lastStopOfSymbolMs = null] =
    cooldownMs === null ? [] : await readStops(client, nowMs - cooldownMs, 1, symbol);
  return {
    lastStopOfSymbolMs,
    stopsMs:
      stoplossGuard === null
        ? []
        : await readStops(client, nowMs - stoplossGuard.windowMs, stoplossGuard.stops, null),
    closesOfSymbol: lowProfit === null ? [] : await readCloses(client, lowProfit, symbol, nowMs),
  };
}

/** Newest first; of one symbol, or of all with null. */
async function readStops(
  client: Queryable,
  sinceMs: number,
  most: number,
  symbol: string | null,
): Promise<number[]> {
  const { rows } = await client.query<{ exitTime: Date }>(
    `SELECT "exitTime" FROM "ManagedPosition"
     WHERE "status" = 'closed' AND "exitTime" > $1 AND "exitReason" = ANY($2)
       AND ($3::text IS NULL OR "symbol" = $3)
     ORDER BY "exitTime" DESC LIMIT $4`,
    [new Date(sinceMs), STOP_RULES, symbol, most],
  );
  return rows.map(({ exitTime }) => exitTime.getTime());
}

async function readCloses(client: Queryable, { windowMs }: LowProfit, symbol: string, nowMs: number) {
  const { rows } = await client.query<{ exitTime: Date; netPnl: string; value: string }>(
    `SELECT "exitTime", "realizedPnL" AS "netPnl", "quantity" * "entryPrice" AS "value" FROM "ManagedPosition"
     WHERE "status" = 'closed' AND "exitTime" > $1 AND "symbol" = $2 ORDER BY "exitTime", "id"`,
    [new Date(nowMs - windowMs), symbol],
  );
  return rows.map(({ exitTime, netPnl, value }) => ({
    closedAtMs: exitTime.getTime(),
    netPnl: text(big(netPnl)),
    value: text(big(value)),
  }));
}
