import { assertPortsFree, portsFrom, PortTaken, type PortName } from '../../src/embedded/ports.ts';

/** Below the ports that the system lends to outgoing connections, which come and go at any time. */
const LOWEST = 10_000;
const BLOCKS = 2_500;
const BLOCK_SIZE = 8;

/** Processes that test at the same time have neighbouring pids and begin at different blocks. */
let next = process.pid * 7;

/** A `--port-base` whose ports are all free, and that no other test is about to take. */
export async function freePortBase(): Promise<number> {
  for (;;) {
    const base = LOWEST + (next % BLOCKS) * BLOCK_SIZE;
    next += 1;
    const ports = portsFrom(base);
    try {
      await assertPortsFree(ports, Object.keys(ports) as PortName[]);
      return base;
    } catch (error) {
      if (!(error instanceof PortTaken)) throw error;
    }
  }
}

/** One free port of such a block. */
export async function freePort(): Promise<number> {
  return (await freePortBase()) + 1;
}
