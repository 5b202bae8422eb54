import { createServer } from 'node:net';

/** Where each part listens when the environment doesn't say otherwise: 7230 and up. */
export const DEFAULT_PORT_BASE = 7230;

const OFFSETS = {
  postgres: 1,
  exchange: 2,
  /** With the default base this is Temporal's own default, 7233. */
  temporal: 3,
  temporalUi: 4,
  dashboard: 5,
  metrics: 6,
  sdkMetrics: 7,
} as const;

export type PortName = keyof typeof OFFSETS;
export type Ports = Readonly<Record<PortName, number>>;

const WANTED_BY: Readonly<Record<PortName, string>> = {
  postgres: 'PostgreSQL',
  exchange: 'the paper exchange',
  temporal: 'Temporal',
  temporalUi: "Temporal's Web UI",
  dashboard: 'the dashboard',
  metrics: 'the metrics',
  sdkMetrics: "the Temporal SDK's metrics",
};

const HIGHEST_BASE = 65_535 - Math.max(...Object.values(OFFSETS));

export const localUrl = (port: number): string => `http://127.0.0.1:${port}`;

export class PortTaken extends Error {
  readonly port: number;
  constructor(port: number, wantedBy: string) {
    super(`port ${port} for ${wantedBy} is taken by another program; --port-base N moves every port`);
    this.name = 'PortTaken';
    this.port = port;
  }
}

/**
 * The ports of a stack.
 * @throws RangeError for a base that isn't a whole number from 1024 to 65528.
 */
export function portsFrom(base: number): Ports {
  if (!Number.isInteger(base) || base < 1024 || base > HIGHEST_BASE) {
    throw new RangeError(`--port-base ${base}: it must be a whole number from 1024 to ${HIGHEST_BASE}`);
  }
  const names = Object.keys(OFFSETS) as PortName[];
  return Object.fromEntries(names.map((name) => [name, base + OFFSETS[name]])) as Record<PortName, number>;
}

/**
 * Makes sure, before anything is started, that these ports can be listened on.
 * @throws PortTaken naming the first that can't, and who wanted it.
 */
export async function assertPortsFree(ports: Ports, names: readonly PortName[]): Promise<void> {
  for (const name of names) await assertPortFree(ports[name], name);
}

/** @throws PortTaken unless this port of 127.0.0.1 can be listened on. */
export async function assertPortFree(port: number, name: PortName): Promise<void> {
  const free = await new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
  if (!free) throw new PortTaken(port, WANTED_BY[name]);
}
