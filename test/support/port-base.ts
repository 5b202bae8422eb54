import getPort from 'get-port';
import { assertPortsFree, portsFrom, PortTaken, type PortName } from '../../src/embedded/ports.ts';

/** A `--port-base` whose ports are all free just now. */
export async function freePortBase(): Promise<number> {
  for (;;) {
    const base = (await getPort()) - 1;
    if (base > 65_000) continue;
    const ports = portsFrom(base);
    try {
      await assertPortsFree(ports, Object.keys(ports) as PortName[]);
      return base;
    } catch (error) {
      if (!(error instanceof PortTaken)) throw error;
    }
  }
}
