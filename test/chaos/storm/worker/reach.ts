import { claimFailPoint, type FailPoint } from '../fail-points.ts';

const directory = process.env.STORM_FAIL_POINTS;
const me = { worker: Number(process.env.STORM_WORKER), pid: process.pid };

/** Meets the fault that is armed at this point, if there is one: dies, or stands still until it is woken. */
export function reach(point: FailPoint): void {
  if (directory === undefined) return;
  const armed = claimFailPoint(directory, point, me);
  if (armed) process.kill(process.pid, armed.action === 'kill' ? 'SIGKILL' : 'SIGSTOP');
}

/** Reaches the point when the work has succeeded; what is no promise is left alone. */
export function afterwards<T>(work: T, point: FailPoint): T {
  if (!(work instanceof Promise)) return work;
  return work.then((result: unknown) => {
    reach(point);
    return result;
  }) as T;
}
