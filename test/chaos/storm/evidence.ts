import { WorkflowFailedError, type Client } from '@temporalio/client';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import pg from 'pg';
import type { ArrivedOrder, PaperAccount, PaperControl } from '../../support/paper-control.ts';

/** What the three sources of truth say when a storm is over. */
export interface Evidence {
  /** Of the account when the storm began, quote currency. */
  readonly startingCash: string;
  readonly orders: readonly ArrivedOrder[];
  readonly account: PaperAccount;
  readonly rows: Rows;
  readonly workflows: readonly WorkflowEnd[];
}

export interface WorkflowEnd {
  readonly workflowId: string;
  readonly type: string;
  /** Temporal's name of it, such as `COMPLETED`. */
  readonly status: string;
  /** What it failed with: the type of an `ApplicationFailure`, or the activity that failed; null when it did not. */
  readonly failure: string | null;
}

export interface Rows {
  readonly intents: readonly {
    readonly clOrdId: string;
    readonly tradeId: string;
    readonly leg: string;
    readonly status: string;
    readonly krakenOrderId: string | null;
    readonly createdAtMs: number;
  }[];
  readonly trades: readonly {
    readonly positionId: string;
    readonly symbol: string;
    readonly side: 'buy' | 'sell';
    readonly quantity: string;
    readonly value: string;
    readonly fee: string;
    readonly isEntry: boolean;
    readonly krakenOrderId: string;
  }[];
  readonly liveTrades: readonly { readonly exchangeOrderId: string }[];
  readonly positions: readonly {
    readonly id: string;
    readonly tradeId: string;
    readonly symbol: string;
    readonly side: 'long' | 'short';
    readonly status: 'open' | 'closed';
    readonly exitReason: string | null;
    readonly realizedPnL: string | null;
  }[];
  readonly outcomes: readonly {
    readonly positionId: string;
    readonly exitRule: string;
    readonly isLearned: boolean;
  }[];
  /** Positions that studies are of, each study once. */
  readonly studied: readonly string[];
  readonly reserved: readonly string[];
  readonly findings: readonly { readonly kind: string; readonly subject: string; readonly status: string }[];
}

const QUERIES: Readonly<Record<keyof Rows, string>> = {
  intents: `SELECT "clOrdId", "tradeId", "leg", "status", "krakenOrderId",
    (extract(epoch FROM "createdAt") * 1000)::float8 AS "createdAtMs" FROM "OrderIntent"`,
  trades: `SELECT "positionId", "symbol", "side", "quantity", "value", "fee", "isEntry", "krakenOrderId" FROM "ManagedTrade"`,
  liveTrades: 'SELECT "exchangeOrderId" FROM "LiveTrade"',
  positions: `SELECT "id", "tradeId", "symbol", "side", "status", "exitReason", "realizedPnL" FROM "ManagedPosition"`,
  outcomes: `SELECT "positionId", "exitRule", "learnedAt" IS NOT NULL AS "isLearned" FROM "TradeOutcome"`,
  studied: `SELECT "study" -> 'outcome' ->> 'positionId' AS value FROM "Study" WHERE "isTrade"`,
  reserved: `SELECT "tradeId" AS value FROM "CapitalReservation" WHERE "status" = 'held'`,
  findings: 'SELECT "kind", "subject", "status" FROM "Finding"',
};
const SCALARS = new Set<keyof Rows>(['studied', 'reserved']);

export async function readRows(databaseUrl: string): Promise<Rows> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const entries: [string, unknown[]][] = [];
    for (const [name, query] of Object.entries(QUERIES)) {
      const { rows } = await client.query<{ value: unknown }>(query);
      entries.push([name, SCALARS.has(name as keyof Rows) ? rows.map(({ value }) => value) : rows]);
    }
    return Object.fromEntries(entries) as unknown as Rows;
  } finally {
    await client.end();
  }
}

async function readWorkflows(temporal: Client): Promise<WorkflowEnd[]> {
  const found: WorkflowEnd[] = [];
  for await (const { workflowId, runId, type, status } of temporal.workflow.list()) {
    const failure = status.name === 'FAILED' ? await failureOf(temporal, workflowId, runId) : null;
    found.push({ workflowId, type, status: status.name, failure });
  }
  return found;
}

async function failureOf(temporal: Client, workflowId: string, runId: string): Promise<string> {
  try {
    await temporal.workflow.getHandle(workflowId, runId).result();
    return 'none';
  } catch (error) {
    const cause = error instanceof WorkflowFailedError ? error.cause : error;
    if (cause instanceof ActivityFailure) return `activity ${cause.activityType}`;
    if (cause instanceof ApplicationFailure) return cause.type ?? cause.message;
    return String(cause);
  }
}

export async function readEvidence(sources: {
  readonly startingCash: string;
  readonly control: PaperControl;
  readonly databaseUrl: string;
  readonly temporal: Client;
}): Promise<Evidence> {
  const { startingCash, control, databaseUrl, temporal } = sources;
  const [orders, account, rows, workflows] = await Promise.all([
    control.orders(),
    control.account(),
    readRows(databaseUrl),
    readWorkflows(temporal),
  ]);
  return { startingCash, orders, account, rows, workflows };
}
