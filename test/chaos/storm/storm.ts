import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import type { LogLine } from '../../../src/embedded/node-child.ts';
import { PaperControl } from '../../support/paper-control.ts';
import { flatten, openWithoutWorkflow, reconcileUntilSettled, tradesLeft, untilLearned } from './calm.ts';
import type { CalmParts } from './calm.ts';
import { readEvidence } from './evidence.ts';
import { exposuresOf } from './exposures.ts';
import { judgeStorm } from './invariants.ts';
import { StormMarket } from './market.ts';
import { planStorm, type Plan, type PlanOptions } from './plan.ts';
import { report, type StormReport } from './report.ts';
import type { TemporalKind } from './servers.ts';
import { STARTING_CASH, startStormStack, type StormStack } from './stack.ts';
import { Striker } from './strikes.ts';
import { Traders } from './traders.ts';
import { WatchLog } from './watch.ts';
import type { WatchLine } from './worker/report-watch.ts';

export interface StormOptions extends PlanOptions {
  readonly temporal: TemporalKind;
  /** Name of a build that is broken on purpose. */
  readonly broken: string | null;
  /** Keeps data and logs when all is well, too. */
  readonly keep: boolean;
  /** Progress, for people. */
  readonly say: (line: string) => void;
}

/** Trades while everything is struck down again and again, then calms down and judges by what is left. */
export async function runStorm(options: StormOptions): Promise<StormReport> {
  const startedMs = Date.now();
  const { say } = options;
  const plan = planStorm(options);
  const watch = new WatchLog();
  const decidedAtMs = new Map<string, number>();
  const logs = new Logs();
  const stack = await startStormStack({
    ...options,
    onLog: (part, line) => {
      if (line.event === 'watch') {
        const { atMs, positionIds } = line as unknown as WatchLine;
        watch.add(Number(part.replace('worker-', '')), atMs, positionIds);
        return;
      }
      if (line.event === 'exit-decided') decidedAtMs.set(String(line.positionId), Number(line.time));
      logs.add(part, line);
    },
  });
  logs.openIn(path.join(stack.directory, 'logs'));
  let isClean = false;
  try {
    // Never closed: trades that have not ended are asked after until the process ends with its verdict.
    const connection = await Connection.connect({ address: stack.addresses.temporal });
    const temporal = new Client({ connection });
    const control = new PaperControl(stack.addresses.exchangeUrl);
    const market = new StormMarket(control, options.seed);
    await market.start();
    say(`the stack is up in ${stack.directory}`);
    const striker = new Striker(stack, control);
    const traders = new Traders({
      temporal,
      market,
      pauseMs: plan.pauseMs,
      onOpened: striking(plan, striker, say),
    });
    await traders.openAll(plan.trades);
    const stormOverMs = Date.now();
    say('all trades are opened; waiting for the last faults to pass');
    await striker.calm();
    await allUp(stack);

    const tradeIds = plan.trades.map(({ tradeId }) => tradeId);
    const parts: CalmParts = { stack, control, temporal, traders, say };
    await reconcileUntilSettled(parts);
    const unwatched = await openWithoutWorkflow(parts, tradeIds);
    const flattenedAtMs = Date.now();
    await flatten(parts);
    const notEnded = await tradesLeft(parts);
    if (notEnded.length === 0) await untilLearned(parts);
    market.stop();
    traders.stop();

    const { databaseUrl } = stack.addresses;
    const evidence = await readEvidence({ startingCash: STARTING_CASH, control, databaseUrl, temporal });
    const violations = judgeStorm(evidence, {
      tradeIds,
      notEnded,
      openWithoutWorkflow: unwatched,
    });
    const exposures = exposuresOf(evidence.orders, tradeIds, {
      decidedAtMs,
      demandedAtMs: traders.demandedAtMs,
      flattenedAtMs,
    });
    const result = report({
      options,
      plan,
      strikes: striker.strikes,
      ends: traders.ends,
      violations,
      exposures,
      watch,
      evidence,
      startedMs,
      stormOverMs,
    });
    isClean = Object.values(violations).every((cases) => cases.length === 0);
    return result;
  } finally {
    await stack.close(options.keep || !isClean);
    logs.close();
    if (options.keep || !isClean) say(`data and logs are kept in ${stack.directory}`);
  }
}

function striking(plan: Plan, striker: Striker, say: (line: string) => void) {
  const waiting = [...plan.faults].sort((left, right) => left.afterTrades - right.afterTrades);
  const total = plan.trades.length;
  return (opened: number): void => {
    for (let [next] = waiting; next && next.afterTrades <= opened; [next] = waiting) {
      waiting.shift();
      say(`${opened}/${total} trades opened: ${describe(next)}`);
      void striker.strike(next);
    }
  };
}

function describe({ id, kind, afterTrades: _, ...rest }: Plan['faults'][number]): string {
  return `${id} ${kind} ${JSON.stringify(rest)}`;
}

async function allUp({ temporal, postgres, exchange, workers }: StormStack): Promise<void> {
  for (const part of [temporal, postgres, exchange, ...workers.map((slot) => slot.part)]) {
    await part.up();
    // A process that was just killed may not have been missed yet.
    await delay(100);
    await part.up();
  }
}

/** What every part says, a file each. */
class Logs {
  readonly #files = new Map<string, WriteStream>();
  readonly #early: (readonly [string, LogLine])[] = [];
  #directory: string | null = null;

  openIn(directory: string): void {
    mkdirSync(directory);
    this.#directory = directory;
    for (const [part, line] of this.#early.splice(0)) this.add(part, line);
  }

  add(part: string, line: LogLine): void {
    if (this.#directory === null) {
      this.#early.push([part, line]);
      return;
    }
    let file = this.#files.get(part);
    if (!file) {
      file = createWriteStream(path.join(this.#directory, `${part}.log`));
      file.on('error', () => undefined);
      this.#files.set(part, file);
    }
    file.write(`${JSON.stringify(line)}\n`);
  }

  close(): void {
    for (const file of this.#files.values()) file.end();
  }
}
