import type { FastifyInstance } from 'fastify';
import type { DashboardParts } from '../parts.ts';

export function registerHealth(app: FastifyInstance, { health }: DashboardParts): void {
  app.get('/healthz', async (_request, reply) => {
    const state = await health();
    return reply.code(state.ok ? 200 : 503).send(state);
  });
}
