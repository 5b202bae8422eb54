import pg from 'pg';
import { Worker, type WorkerOptions } from '@temporalio/worker';
import { HoldfastClient } from '../../../../src/client.ts';
import { SignedApi } from '../../../../src/exchange/kraken/private-api.ts';
import { MarketHub } from '../../../../src/market/hub.ts';
import { breakBuild } from './broken.ts';
import { afterwards, reach } from './reach.ts';
import { reportWatch } from './report-watch.ts';

/**
 * The storm's hooks, put around the real parts from outside: fail points before and after every side effect, a
 * report of what is under watch, and the broken builds that prove that the storm can fail.
 */
export async function installHooks(): Promise<void> {
  hookActivities();
  hookExchangeCalls();
  hookTransactions();
  hookSignals();
  const arm = method(MarketHub.prototype, 'arm');
  MarketHub.prototype.arm = function (...args) {
    reportWatch(this);
    return arm.apply(this, args);
  };
  breakBuild(process.env.STORM_BROKEN ?? '');
}

type AnyFunction = (...args: never[]) => unknown;
type AsyncFunction = (...args: unknown[]) => Promise<unknown>;

function method<T extends object, Name extends keyof T>(owner: T, name: Name): T[Name] {
  return owner[name];
}

/** Also gives every worker of a storm the same bundle of workflows, which takes seconds to make. */
function hookActivities(): void {
  const create = Worker.create.bind(Worker);
  const codePath = process.env.STORM_WORKFLOW_BUNDLE;
  Worker.create = async ({ workflowsPath, ...options }: WorkerOptions) =>
    create({
      ...options,
      ...(workflowsPath === undefined
        ? {}
        : codePath === undefined
          ? { workflowsPath }
          : { workflowBundle: { codePath } }),
      activities: Object.fromEntries(
        Object.entries(options.activities ?? {}).map(([name, activity]) => [
          name,
          around(name, activity as AsyncFunction),
        ]),
      ),
    });
}

function around(step: string, work: AsyncFunction): AsyncFunction {
  return async (...args) => {
    reach(`${step}:before`);
    const result = await work(...args);
    reach(`${step}:after`);
    return result;
  };
}

/** Orders that a guard sends from memory pass here too; a batch of them reaches the same points as one. */
function hookExchangeCalls(): void {
  const call = method(SignedApi.prototype, 'call');
  SignedApi.prototype.call = function (name, params) {
    const step = name === 'AddOrderBatch' ? 'AddOrder' : name;
    reach(`call-${step}:before`);
    return afterwards(call.call(this, name, params), `call-${step}:after`);
  };
}

/** What a transaction writes tells which one it is. */
const WRITES: readonly (readonly [transaction: string, statement: string])[] = [
  ['commit-close', 'INSERT INTO "TradeOutcome"'],
  ['commit-reserve', 'INSERT INTO "CapitalReservation"'],
  ['commit-open', 'INSERT INTO "ManagedPosition"'],
];

function hookTransactions(): void {
  const prototype = pg.Client.prototype as unknown as { query: AnyFunction };
  const query = prototype.query as (...args: unknown[]) => unknown;
  const running = new WeakMap<object, string>();
  prototype.query = function (this: object, ...args: unknown[]) {
    const [statement] = args;
    const text = typeof statement === 'string' ? statement : (statement as { text?: string }).text;
    if (text === 'BEGIN') running.delete(this);
    const written = WRITES.find(([, part]) => text?.includes(part) === true)?.[0];
    if (written !== undefined && running.get(this) !== 'commit-close') running.set(this, written);
    const transaction = running.get(this);
    if (text !== 'COMMIT' || transaction === undefined) return query.apply(this, args);
    reach(`${transaction}:before`);
    return afterwards(query.apply(this, args), `${transaction}:after`);
  };
}

function hookSignals(): void {
  const { prototype } = HoldfastClient;
  const exitDecided = method(prototype, 'signalExitDecided');
  prototype.signalExitDecided = function (...args) {
    reach('tell-exitDecided:before');
    return afterwards(exitDecided.apply(this, args), 'tell-exitDecided:after');
  };
  const outcome = method(prototype, 'recordOutcome');
  prototype.recordOutcome = function (...args) {
    reach('tell-outcome:before');
    return afterwards(outcome.apply(this, args), 'tell-outcome:after');
  };
  const guardLost = method(prototype, 'signalGuardLost');
  prototype.signalGuardLost = function (...args) {
    reach('tell-guardLost:before');
    return afterwards(guardLost.apply(this, args), 'tell-guardLost:after');
  };
}
