import { setTimeout as delay } from 'node:timers/promises';
import type { PaperControl } from '../../support/paper-control.ts';
import type { TcpProxy } from '../../support/tcp-proxy.ts';
import { armFailPoint, claimedPoints, disarmFailPoints, isArmed, type FailPoint } from './fail-points.ts';
import { kill, type Part } from './part.ts';
import type { Cut, PlannedFault } from './plan.ts';
import type { StormStack, WorkerSlot } from './stack.ts';

/** A fault that has really struck. */
export interface Strike {
  readonly id: string;
  readonly kind: PlannedFault['kind'];
  /** Index of the worker it struck; null when it struck a server or everybody. */
  readonly worker: number | null;
  /** Of a fault at a step. */
  readonly point: FailPoint | null;
  readonly fromMs: number;
  /** When it was over: the process up again, the way whole. */
  untilMs: number;
}

const LOOK_EVERY_MS = 100;

/** Carries faults out, keeps those of one part apart from each other, and remembers what really struck. */
export class Striker {
  readonly strikes: Strike[] = [];
  readonly #stack: StormStack;
  readonly #control: PaperControl;
  readonly #queues = new Map<string, Promise<void>>();
  readonly #seen = new Set<string>();
  readonly #armed = new Map<string, PlannedFault>();
  readonly #looking: NodeJS.Timeout;

  constructor(stack: StormStack, control: PaperControl) {
    this.#stack = stack;
    this.#control = control;
    this.#looking = setInterval(() => this.#lookForClaims(), LOOK_EVERY_MS);
  }

  /** Settles when the fault is over. */
  strike(fault: PlannedFault): Promise<void> {
    const name = queueOf(fault);
    const waiting = this.#queues.get(name) ?? Promise.resolve();
    const done = waiting.then(() => this.#carryOut(fault));
    this.#queues.set(name, done);
    return done;
  }

  /** Takes back what has not struck; settles when everything that has is over. */
  async calm(): Promise<void> {
    await Promise.all(this.#queues.values());
    disarmFailPoints(this.#stack.failPoints);
    this.#lookForClaims();
    await Promise.all(this.#queues.values());
    clearInterval(this.#looking);
    await untilDone(async () => {
      this.#forgetUnmet(await this.#control.armed());
      await this.#control.disarm();
    });
    for (const slot of this.#stack.workers) {
      const { part } = slot;
      slot.setClock(0);
      for (const link of Object.values(slot.links)) {
        link.heal();
        link.delay(0);
      }
      if (part.pid !== null) kill(part.pid, 'SIGCONT');
    }
  }

  async #carryOut(fault: PlannedFault): Promise<void> {
    const { temporal, postgres, exchange, failPoints } = this.#stack;
    switch (fault.kind) {
      case 'worker-kill':
        return this.#lasting(fault, fault.worker, () =>
          this.#slot(fault.worker).part.strike('SIGKILL', fault.downMs),
        );
      case 'worker-freeze':
        return this.#lasting(fault, fault.worker, () => freeze(this.#slot(fault.worker).part, fault.forMs));
      case 'kill-at-step':
      case 'freeze-at-step':
        if (isArmed(failPoints, fault.point)) return;
        this.#armed.set(fault.id, fault);
        armFailPoint(failPoints, fault.point, {
          id: fault.id,
          action: fault.kind === 'kill-at-step' ? 'kill' : 'freeze',
        });
        return;
      case 'temporal-kill':
        return this.#lasting(fault, null, () => temporal.strike('SIGKILL', fault.downMs));
      case 'postgres-stop':
        return this.#lasting(fault, null, () => postgres.strike('SIGQUIT', fault.downMs));
      case 'postgres-kill':
        return this.#lasting(fault, null, () => postgres.strike('SIGKILL', fault.downMs));
      case 'exchange-kill':
        await untilDone(async () => this.#forgetUnmet(await this.#control.armed()));
        return this.#lasting(fault, null, () => exchange.strike('SIGKILL', fault.downMs));
      case 'cut-temporal':
      case 'cut-postgres':
      case 'cut-exchange':
        return this.#lasting(fault, fault.worker, async () => {
          await cut(this.#slot(fault.worker).links[fault.link], fault.how, fault.forMs);
        });
      case 'slow-temporal':
      case 'slow-postgres':
      case 'slow-exchange':
        return this.#lasting(fault, fault.worker, async () => {
          const way = this.#slot(fault.worker).links[fault.link];
          way.delay(fault.delayMs);
          await delay(fault.forMs);
          way.delay(0);
        });
      case 'clock-offset':
        return this.#lasting(fault, fault.worker, async () => {
          this.#slot(fault.worker).setClock(fault.offsetMs);
          await delay(fault.forMs);
          this.#slot(fault.worker).setClock(0);
        });
      default: {
        const { armed } = fault;
        return this.#lasting(fault, null, () => untilDone(() => this.#control.arm({ times: 1, ...armed })));
      }
    }
  }

  async #lasting(fault: PlannedFault, worker: number | null, work: () => Promise<void>): Promise<void> {
    const strike = newStrike(fault, worker, null, Date.now());
    this.strikes.push(strike);
    await work();
    strike.untilMs = Date.now();
  }

  /** Faults armed at the exchange that nothing has met are no strikes. */
  #forgetUnmet(unmet: readonly { readonly kind: string }[]): void {
    for (const { kind } of unmet) {
      const isOfKind = (strike: Strike) => strike.kind === kind || strike.kind.startsWith(`${kind}-`);
      const last = this.strikes.findLast((strike) => strike.worker === null && isOfKind(strike));
      if (last) this.strikes.splice(this.strikes.indexOf(last), 1);
    }
  }

  #lookForClaims(): void {
    for (const { id, point, worker, pid, atMs } of claimedPoints(this.#stack.failPoints)) {
      if (this.#seen.has(id)) continue;
      this.#seen.add(id);
      const fault = this.#armed.get(id);
      if (!fault) continue;
      const strike = newStrike(fault, worker, point, atMs);
      this.strikes.push(strike);
      this.#queues.set(`claim-${id}`, this.#end(fault, pid, worker, strike));
    }
  }

  /** A killed worker is started again by its part; one that stands still is woken. */
  async #end(fault: PlannedFault, pid: number, worker: number, strike: Strike): Promise<void> {
    if (fault.kind === 'freeze-at-step') {
      await delay(fault.forMs);
      kill(pid, 'SIGCONT');
    } else await this.#stack.workers[worker]?.part.up();
    strike.untilMs = Date.now();
  }

  #slot(worker: number): WorkerSlot {
    const slot = this.#stack.workers[worker];
    if (!slot) throw new Error(`there is no worker ${worker}`);
    return slot;
  }
}

function newStrike(
  { id, kind }: PlannedFault,
  worker: number | null,
  point: FailPoint | null,
  fromMs: number,
): Strike {
  return { id, kind, worker, point, fromMs, untilMs: Infinity };
}

/** One fault at a time on one part; those of the exchange's calls wait for nobody. */
function queueOf(fault: PlannedFault): string {
  switch (fault.kind) {
    case 'worker-kill':
    case 'worker-freeze':
      return `worker-${fault.worker}`;
    case 'temporal-kill':
      return 'temporal';
    case 'postgres-stop':
    case 'postgres-kill':
      return 'postgres';
    case 'exchange-kill':
      return 'exchange';
    case 'clock-offset':
      return `clock-${fault.worker}`;
    default:
      return 'link' in fault ? `${fault.link}-${fault.worker}` : fault.id;
  }
}

async function freeze(part: Part, forMs: number): Promise<void> {
  await part.up();
  const { pid } = part;
  if (pid === null) return;
  kill(pid, 'SIGSTOP');
  await delay(forMs);
  kill(pid, 'SIGCONT');
}

const RESET_EVERY_MS = 100;

async function cut(way: TcpProxy, how: Cut, forMs: number): Promise<void> {
  if (how === 'reset') {
    const resetting = setInterval(() => way.reset(), RESET_EVERY_MS);
    await delay(forMs);
    clearInterval(resetting);
    return;
  }
  way.cut(how === 'silent' ? 'both' : 'to-client');
  await delay(forMs);
  way.heal();
}

/** The exchange may be down: asks until it answers. */
async function untilDone(work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await work();
      return;
    } catch {
      await delay(250);
    }
  }
}
