import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Places in a worker where a fault may strike: before and after each side effect of a trade. The storm arms one
 * by a file; the first worker that comes by takes it, and nobody else.
 */
export type FailPoint = `${string}:${'before' | 'after'}`;

export interface ArmedPoint {
  readonly id: string;
  readonly action: 'kill' | 'freeze';
}

export interface ClaimedPoint extends ArmedPoint {
  readonly point: FailPoint;
  readonly worker: number;
  readonly pid: number;
  /** Epoch ms. */
  readonly atMs: number;
}

/** Side effects of a trade by activity, then by call to the exchange, transaction and signal. */
const STEPS = [
  'reserve',
  'sendOrder',
  'lookUpOrder',
  'readOrder',
  'cancelOrder',
  'witnessExposure',
  'persistPosition',
  'recordClose',
  'releaseReservation',
  'handToLearning',
  'findGuard',
  'armPosition',
  'exitThroughGuard',
  'guardHasEnded',
  'announceGuardLost',
  'receiveOutcomes',
  'call-AddOrder',
  'call-CancelOrder',
  'call-QueryOrders',
  'call-OpenOrders',
  'commit-reserve',
  'commit-open',
  'commit-close',
  'tell-exitDecided',
  'tell-outcome',
  'tell-guardLost',
] as const;

export const FAIL_POINTS: readonly FailPoint[] = STEPS.flatMap((step): FailPoint[] => [
  `${step}:before`,
  `${step}:after`,
]);

const CLAIMED = '.claimed.';

export function armFailPoint(directory: string, point: FailPoint, armed: ArmedPoint): void {
  writeFileSync(path.join(directory, fileName(point)), JSON.stringify(armed));
}

export function isArmed(directory: string, point: FailPoint): boolean {
  return existsSync(path.join(directory, fileName(point)));
}

/** Takes an armed point, once among all workers. Null when there is nothing to take. */
export function claimFailPoint(
  directory: string,
  point: FailPoint,
  { worker, pid }: { readonly worker: number; readonly pid: number },
): ArmedPoint | null {
  const file = path.join(directory, fileName(point));
  if (!existsSync(file)) return null;
  const mine = `${file}${CLAIMED}${worker}.${pid}`;
  try {
    renameSync(file, mine);
  } catch {
    // Another worker was quicker.
    return null;
  }
  return JSON.parse(readFileSync(mine, 'utf8')) as ArmedPoint;
}

export function claimedPoints(directory: string): ClaimedPoint[] {
  return readdirSync(directory).flatMap((name): ClaimedPoint[] => {
    const [point = '', claimer] = name.split(CLAIMED);
    if (claimer === undefined) return [];
    const [worker, pid] = claimer.split('.').map(Number);
    const file = path.join(directory, name);
    const armed = JSON.parse(readFileSync(file, 'utf8')) as ArmedPoint;
    // Renaming changes nothing but this time.
    const atMs = Math.round(statSync(file).ctimeMs);
    return [
      {
        ...armed,
        point: point.replace('@', ':') as FailPoint,
        worker: worker ?? -1,
        pid: pid ?? -1,
        atMs,
      },
    ];
  });
}

/** Takes back what nobody has met. */
export function disarmFailPoints(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (!name.includes(CLAIMED)) rmSync(path.join(directory, name), { force: true });
  }
}

function fileName(point: FailPoint): string {
  return point.replace(':', '@');
}
