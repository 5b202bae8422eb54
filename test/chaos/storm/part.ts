import { setTimeout as delay } from 'node:timers/promises';

/** A process of the stack. */
export interface Process {
  readonly pid: number;
  /** Settles when it has ended, however. */
  readonly ended: Promise<unknown>;
  stop(): Promise<unknown>;
}

const RETRY_MS = 500;

/** A part of the stack that can be struck down and is started again, on the same data and the same address. */
export class Part {
  readonly name: string;
  readonly #start: () => Promise<Process>;
  readonly #say: (line: string) => void;
  #running: Process | null = null;
  #wanted = true;
  /** Of the fault that strikes next: how long the part then stays down. */
  #downMs: number | null = null;
  #watching: Promise<void> = Promise.resolve();
  #up: Promise<void> = Promise.resolve();

  constructor(name: string, start: () => Promise<Process>, say: (line: string) => void) {
    this.name = name;
    this.#start = start;
    this.#say = say;
  }

  get pid(): number | null {
    return this.#running?.pid ?? null;
  }

  /** The first start must work; every later one is tried until it does. */
  async start(): Promise<void> {
    this.#running = await this.#start();
    this.#watching = this.#keepUp(this.#running);
  }

  /** Sends the signal that ends the process; it is started again after `downMs`. Settles when it is up again. */
  async strike(signal: NodeJS.Signals, downMs: number): Promise<void> {
    const { pid } = this;
    if (pid === null) return this.up();
    this.#downMs = downMs;
    const ended = this.#running?.ended;
    kill(pid, signal);
    await ended;
    await this.up();
  }

  /** Resolves when it is up. */
  async up(): Promise<void> {
    // The start of the next process begins a moment after the end of the last.
    await delay(0);
    await this.#up;
  }

  async stop(): Promise<void> {
    this.#wanted = false;
    await this.#up;
    if (this.pid !== null) kill(this.pid, 'SIGCONT');
    await this.#running?.stop();
    await this.#watching;
  }

  async #keepUp(first: Process): Promise<void> {
    for (let current: Process | null = first; current !== null; current = this.#running) {
      await current.ended;
      this.#running = null;
      if (!this.#wanted) return;
      this.#up = this.#startAgain();
      await this.#up;
    }
  }

  async #startAgain(): Promise<void> {
    await delay(this.#downMs ?? RETRY_MS);
    this.#downMs = null;
    while (this.#wanted) {
      try {
        this.#running = await this.#start();
        return;
      } catch (error) {
        this.#say(`${this.name} did not start: ${error instanceof Error ? error.message : String(error)}`);
        await delay(RETRY_MS);
      }
    }
  }
}

/** To a process that may have gone meanwhile. */
export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
