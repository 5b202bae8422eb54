import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { FindingRow } from '../../../db/entities/oversight.ts';
import type { PositionFilter } from '../../../db/repositories/reader.ts';
import { normalizeSymbol } from '../../domain/symbols.ts';
import { THRESHOLD_NAMES, THRESHOLD_SPECS } from '../../domain/thresholds.ts';
import { outcomeWords, seenWords } from '../../views/finding-words.ts';
import { Refusal } from '../answers.ts';
import type { DashboardParts } from '../parts.ts';
import { tradeDetail } from '../trade-detail.ts';

const STATUSES = ['open', 'closed', 'all'] as const;
const CLOSED_LIMIT = 500;
const MOST_CLOSED = 5_000;

type Query = Readonly<Record<string, unknown>>;

/** What people and their scripts read; everything is JSON and needs no token. */
export function registerReads(app: FastifyInstance, parts: DashboardParts): void {
  app.get('/api/about', async () => parts.about());
  app.get('/api/positions', async ({ query }) => parts.positions.list(positionFilter(query as Query)));
  app.get('/api/trades/:id', async (request: FastifyRequest<{ Params: { id: string } }>) => {
    const detail = await tradeDetail(parts, request.params.id);
    if (detail) return detail;
    throw new Refusal(404, 'unknown-trade', `no trade or position has the id ${request.params.id}`);
  });
  app.get('/api/thresholds', async () => {
    const versions = await (await parts.repositories()).learning.versions();
    const current = versions.find(({ active }) => active);
    return {
      version: current?.version ?? null,
      thresholds: current?.thresholds ?? null,
      specs: THRESHOLD_NAMES.map((name) => ({ name, ...THRESHOLD_SPECS[name] })),
      versions,
    };
  });
  app.get('/api/findings', async () => {
    const { findings, halts, risk } = await parts.repositories();
    const [found, halted, blocks] = await Promise.all([
      findings.list(),
      halts.list(),
      risk.blocks(parts.now()),
    ]);
    return { findings: found.map(withWords), halts: halted, blocks };
  });
  app.get('/api/stats', async ({ query }) => parts.stats(sinceMs(query as Query, parts.now())));
}

/** The row, with what was seen and what became of it as a person would say it. */
function withWords(finding: FindingRow) {
  const { kind, subject, seen } = finding;
  const told = { kind, subject, seen: seen as Readonly<Record<string, string | boolean>> };
  return { ...finding, words: { seen: seenWords(told), outcome: outcomeWords(finding) } };
}

function positionFilter(query: Query): PositionFilter {
  const status = STATUSES.find((one) => one === (query.status ?? 'open'));
  if (status === undefined) throw badQuery('status', query.status, STATUSES.join(', '));
  const limit = query.limit === undefined ? CLOSED_LIMIT : Number(query.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST_CLOSED) {
    throw badQuery('limit', query.limit, `a whole number from 1 to ${MOST_CLOSED}`);
  }
  return {
    status,
    // Whatever is open is shown.
    ...(status === 'open' ? {} : { limit }),
    ...symbolOf(query.symbol),
  };
}

function symbolOf(value: unknown): { symbol?: string } {
  if (value === undefined || value === '') return {};
  const symbol = typeof value === 'string' ? normalizeSymbol(value) : null;
  if (symbol === null) throw badQuery('symbol', value, 'a symbol like BTC/USD');
  return { symbol };
}

/** `since` is a span like `24h` (m, h or d) or epoch ms; everything where absent. */
function sinceMs({ since }: Query, nowMs: number): number {
  if (since === undefined || since === '') return 0;
  const [, count, unit] = /^(\d+)(m|h|d)?$/.exec(typeof since === 'string' ? since : '') ?? [];
  if (count === undefined) throw badQuery('since', since, 'a span like 24h, 90m or 7d, or epoch ms');
  if (unit === undefined) return Number(count);
  return nowMs - Number(count) * { m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as 'm' | 'h' | 'd'];
}

function badQuery(name: string, value: unknown, allowed: string): Refusal {
  return new Refusal(400, 'bad-query', `${name} is ${JSON.stringify(value)}, allowed is ${allowed}`);
}
