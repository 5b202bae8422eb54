import {
  closeSync,
  existsSync,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/**
 * Append-only file of JSON lines, one line per change that must be seen whole or not at all.
 * A line is with the kernel when `append` returns (it outlives `kill -9`) and on the disk when `synced` resolves.
 */
export interface Journal {
  append(line: unknown): void;
  /** Resolves once everything appended before the call is on the disk. Calls share one fsync. */
  synced(): Promise<void>;
  close(): Promise<void>;
}

export const NO_JOURNAL: Journal = {
  append: () => undefined,
  synced: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** What a journal is read into, and written anew from when it has grown long. */
export interface Replayed {
  replay(line: unknown): void;
  lines(): Iterable<unknown>;
}

const COMPACT_FROM_BYTES = 32 * 1024 * 1024;

/**
 * Reads what is there, cuts off a torn last line, and opens the file for appending.
 * Throws when a line other than the last is broken: that is damage, not a crash.
 */
export function openJournal(file: string, state: Replayed, compactFromBytes = COMPACT_FROM_BYTES): Journal {
  mkdirSync(dirname(file), { recursive: true });
  let end = existsSync(file) ? replayFile(file, (line) => state.replay(line)) : 0;
  if (end >= compactFromBytes) end = compact(file, state);
  const descriptor = openSync(file, end === 0 ? 'w' : 'r+');
  ftruncateSync(descriptor, end);
  return new FileJournal(descriptor, end);
}

/** Replaces the file by one without what was overwritten since. Whole or not at all; returns its length. */
function compact(file: string, state: Replayed): number {
  const fresh = `${file}.new`;
  const descriptor = openSync(fresh, 'w');
  let length = 0;
  for (const line of state.lines()) length += writeSync(descriptor, `${JSON.stringify(line)}\n`);
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(fresh, file);
  return length;
}

/** Bytes up to the end of the last whole line. */
function replayFile(file: string, replay: (line: unknown) => void): number {
  const bytes = readFileSync(file);
  let start = 0;
  let number = 0;
  for (;;) {
    const newline = bytes.indexOf(0x0a, start);
    if (newline < 0) return start;
    number += 1;
    const line = bytes.toString('utf8', start, newline);
    let parsed: unknown;
    try {
      parsed = JSON.parse(line);
    } catch {
      if (bytes.indexOf(0x0a, newline + 1) < 0 && newline === bytes.length - 1) return start;
      throw new Error(`${file} is damaged at line ${number}: not JSON`);
    }
    replay(parsed);
    start = newline + 1;
  }
}

class FileJournal implements Journal {
  readonly #descriptor: number;
  #position: number;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(descriptor: number, position: number) {
    this.#descriptor = descriptor;
    this.#position = position;
  }

  append(line: unknown): void {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    let written = 0;
    while (written < bytes.length) {
      written += writeSync(
        this.#descriptor,
        bytes,
        written,
        bytes.length - written,
        this.#position + written,
      );
    }
    this.#position += bytes.length;
  }

  synced(): Promise<void> {
    if (!this.#running) {
      this.#running = this.#sync().finally(() => {
        this.#running = null;
      });
      return this.#running;
    }
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = null;
        return this.synced();
      });
    return this.#next;
  }

  async close(): Promise<void> {
    await this.synced();
    closeSync(this.#descriptor);
  }

  #sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#descriptor, (error) => (error ? reject(error) : resolve()));
    });
  }
}
