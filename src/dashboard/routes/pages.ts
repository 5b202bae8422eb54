import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

const PUBLIC = fileURLToPath(new URL('../public/', import.meta.url));
const UPLOT = dirname(createRequire(import.meta.url).resolve('uplot'));

/** The page as it lies on disk, and the chart library from our own origin. */
export async function registerPages(app: FastifyInstance): Promise<void> {
  await app.register(fastifyStatic, { root: PUBLIC, cacheControl: false });
  await app.register(fastifyStatic, {
    root: UPLOT,
    prefix: '/vendor/uplot/',
    decorateReply: false,
    maxAge: '1d',
  });
}
