import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { openTradeIds, flattenAll } from '../../flatten.ts';
import { Refusal, within } from '../answers.ts';
import type { DashboardParts } from '../parts.ts';

const ACTOR = 'dashboard';
const ANSWER_WITHIN_MS = 20_000;

const reason = z.string().trim().min(1, 'must say why').max(500);
const exitBody = z.strictObject({ reason: reason.default('forced by operator') });
const haltBody = z.strictObject({
  reason: reason.default('halted by operator'),
  flatten: z.boolean().default(false),
});
const resumeBody = z.strictObject({ reason: reason.optional() });

/** What changes something. Every route here is behind token and origin checks; see protection.ts. */
export function registerActions(app: FastifyInstance, parts: DashboardParts): void {
  app.post('/api/positions/:id/exit', async (request: FastifyRequest<{ Params: { id: string } }>) => {
    const { reason: why } = parse(exitBody, request.body);
    const { id } = request.params;
    const position = await (await parts.repositories()).reader.position(id);
    if (!position) throw new Refusal(404, 'unknown-position', `no position or trade has the id ${id}`);
    const { tradeId, id: positionId } = position;
    if (position.status === 'closed') return { positionId, tradeId, accepted: false, stage: 'closed' };
    const client = await parts.client();
    const answer = await within(ANSWER_WITHIN_MS, 'the trade', client.requestExit(tradeId, why));
    if (!answer) {
      const message = `no workflow of trade ${tradeId} is running; reconciliation will restart it, then try again`;
      throw new Refusal(409, 'not-running', message);
    }
    parts.log.info(
      { event: 'exit-requested', tradeId, positionId, reason: why, ...answer },
      `exit of ${positionId} requested`,
    );
    return { positionId, tradeId, ...answer };
  });

  app.post('/api/halt', async (request) => {
    const { reason: why, flatten } = parse(haltBody, request.body);
    const { halts, reader } = await parts.repositories();
    const halt = await halts.start({ reason: why, actor: ACTOR, flatten });
    parts.log.warn({ event: 'halt', reason: why, flatten }, `halted: ${why}`);
    if (!flatten) return { halted: true, halt, flattened: null };
    const { acceptedTradeIds, refusedTradeIds } = await flattenAll(
      { client: await parts.client(), openTradeIds: () => openTradeIds(reader) },
      `halt: ${why}`,
    );
    const flattened = { accepted: acceptedTradeIds.length, refused: refusedTradeIds.length };
    return { halted: true, halt, flattened };
  });

  app.post('/api/resume', async (request) => {
    const { reason: why } = parse(resumeBody, request.body);
    const ended = await (
      await parts.repositories()
    ).halts.resume({
      actor: ACTOR,
      reason: why ?? null,
    });
    parts.log.warn({ event: 'resume', ended, reason: why }, `resumed; ${ended} halts ended`);
    return { halted: false, ended };
  });
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue && issue.path.length > 0 ? issue.path.join('.') : 'the body';
  throw new Refusal(400, 'bad-body', `${where}: ${issue?.message ?? 'is not valid'}`);
}
