import { Argument, Option, type Command } from 'commander';
import type { LedgerReader } from '../../../db/repositories/reader.ts';
import { toCsv } from '../csv.ts';
import { runWithSession, subcommand, type CommonOptions } from '../program.ts';
import { sinceOption } from '../since.ts';

interface ExportOptions extends CommonOptions {
  readonly format?: 'csv' | 'json';
  readonly since?: number;
}

type Row = Readonly<Record<string, unknown>>;

interface Export {
  readonly columns: readonly string[];
  readonly rows: (reader: LedgerReader, sinceMs: number) => Promise<readonly Row[]>;
}

/** One line a closed position, an order, an outcome: amounts in quote currency as exact decimals, P&L net of fees. */
const EXPORTS: Readonly<Record<string, Export>> = {
  trades: {
    columns: [
      ...['id', 'tradeId', 'strategy', 'symbol', 'side', 'quantity', 'entryTime', 'entryPrice'],
      ...['exitTime', 'exitPrice', 'exitReason', 'fees', 'realizedPnL', 'thresholdsVersion'],
      ...['entryTradeId', 'exitTradeId'],
    ],
    rows: async (reader, sinceMs) =>
      (await reader.exportTrades(sinceMs)).map((row) => ({
        ...row,
        entryTime: iso(row.entryTime),
        exitTime: iso(row.exitTime),
      })),
  },
  fills: {
    columns: [
      ...['id', 'positionId', 'symbol', 'side', 'purpose', 'quantity', 'price', 'fee', 'slippage'],
      ...[
        'executedAt',
        'requestedAt',
        'submittedAt',
        'exchangeOrderId',
        'exchangeTradeId',
        'signalConfidence',
      ],
    ],
    rows: async (reader, sinceMs) =>
      (await reader.exportFills(sinceMs)).map((row) => ({
        ...row,
        executedAt: iso(row.executedAt),
        requestedAt: iso(row.requestedAt),
        submittedAt: iso(row.submittedAt),
      })),
  },
  outcomes: {
    columns: [
      ...['positionId', 'tradeId', 'symbol', 'side', 'exitRule', 'closedAt', 'netPnl', 'returnFraction'],
      ...['thresholdsVersion', 'learnedAt'],
    ],
    rows: async (reader, sinceMs) =>
      (await reader.exportOutcomes(sinceMs)).map((row) => ({
        ...row,
        closedAt: iso(row.closedAt),
        learnedAt: iso(row.learnedAt),
      })),
  },
};

export function registerExport(program: Command): void {
  subcommand(program, 'export', 'closed trades, fills or outcomes, for a spreadsheet or the tax adviser')
    .addArgument(new Argument('<what>', 'which of them').choices(Object.keys(EXPORTS)))
    .addOption(new Option('--format <format>', 'csv unless --json').choices(['csv', 'json']))
    .option('--since <when>', 'from then on: 24h, 7d or a date like 2026-01-31', (text) => sinceOption(text))
    .addHelpText('after', '\nExample:\n  holdfast export trades --format csv > trades.csv')
    .action((what: string, options: ExportOptions) =>
      runWithSession(options, async (session) => {
        const chosen = EXPORTS[what];
        if (!chosen) throw new Error(`nothing is exported as ${what}`);
        const { columns, rows } = chosen;
        const { reader } = await session.repositories();
        const found = await rows(reader, options.since ?? 0);
        const format = options.format ?? (options.json ? 'json' : 'csv');
        process.stdout.write(`${format === 'json' ? JSON.stringify(found) : toCsv(columns, found)}\n`);
      }),
    );
}

function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
