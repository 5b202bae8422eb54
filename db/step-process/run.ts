import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LearningState, LearningStep } from '../../src/domain/learning/step.ts';

export interface StepTask {
  readonly databaseUrl: string;
  readonly state: LearningState;
  readonly seed: string;
  /** How many of the studies kept last are read. */
  readonly newest: number;
}

/** `fault`: the computation itself failed and would fail again. */
export type StepAnswer = { readonly step: LearningStep } | { readonly fault: string };

/**
 * Computes one learning step over the studies in the database, away from the event loop that guards sell from.
 * Rejects when the process or the database fails, which is worth another try.
 */
export type StepRunner = (state: LearningState, seed: string) => Promise<StepAnswer>;

/** More than a step's window, so that it is full whatever the order in which studies were kept. */
const STUDIES_READ = 450;
const START = fileURLToPath(new URL('./start.js', import.meta.url));

/** Runs one step at a time, each in a process of its own. */
export function createStepRunner(databaseUrl: string): StepRunner {
  let last: Promise<unknown> = Promise.resolve();
  return (state, seed) => {
    const next = last.then(() => inProcess({ databaseUrl, state, seed, newest: STUDIES_READ }));
    last = next.catch(() => undefined);
    return next;
  };
}

/** A process, not a thread: whatever goes wrong in it can't take the guards of this one with it. */
function inProcess(task: StepTask): Promise<StepAnswer> {
  return new Promise((resolve, reject) => {
    const child = fork(START, { serialization: 'advanced', execArgv: [] });
    child.once('message', (answer) => resolve(answer as StepAnswer));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`a learning step's process ended with code ${code}`)));
    child.send(task);
  });
}
