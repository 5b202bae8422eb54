import type { Logger } from 'pino';
import type { LogLine } from './node-child.ts';
import type { ReadyLine } from './ready.ts';

export interface StackOptions {
  readonly dataDir: string;
  /** What it names (TEMPORAL_ADDRESS, DATABASE_URL, KRAKEN_API_URL or HOLDFAST_LIVE) is used, not started. */
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  /** Trade the recorded tape, with `scan`. */
  readonly demo: boolean;
  readonly scan: boolean;
  /** `port = base + offset`, see ports.ts; 7230 by default. */
  readonly portBase?: number;
  /** Of the paper account, in USD: a decimal. */
  readonly balance?: string;
  /** Tape time over life, with `demo`. */
  readonly speed?: number;
  /** The tape's file, with `demo`. */
  readonly tape?: string;
  readonly workers?: number;
  /** Every line of every child's log. */
  readonly onLog?: (child: string, line: LogLine) => void;
  /** Once, with every address, before `startStack` returns. */
  readonly onReady?: (ready: ReadyLine) => void;
  /** One line about long work. */
  readonly onProgress?: (line: string) => void;
  /** The script to run in place of the CLI, for tests. */
  readonly cliScript?: string;
  /** For Temporal, `key=JSON value`. */
  readonly dynamicConfig?: readonly string[];
  /** What is being started now. */
  readonly onStarting?: (what: string) => void;
  /** Gives up a start that is under way; what has started is stopped. */
  readonly signal?: AbortSignal;
}
