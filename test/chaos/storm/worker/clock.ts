import { readFileSync } from 'node:fs';

/** The machine's own clock, whatever offset the process lives with. */
export const trueNow = Date.now.bind(Date);

const LOOK_EVERY_MS = 250;

/** Gives the process another clock: the offset in ms that the file named by `STORM_CLOCK` holds, read anew all the time. */
export function installClock(file = process.env.STORM_CLOCK): void {
  if (file === undefined) return;
  let offsetMs = read(file);
  setInterval(() => (offsetMs = read(file)), LOOK_EVERY_MS).unref();
  const RealDate = Date;
  class OffsetDate extends RealDate {
    constructor(...args: [] | ConstructorParameters<typeof Date>) {
      if (args.length === 0) super(OffsetDate.now());
      else super(...args);
    }

    static override now(): number {
      return trueNow() + offsetMs;
    }
  }
  globalThis.Date = OffsetDate as DateConstructor;
}

function read(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}
