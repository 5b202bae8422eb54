import {
  closeSync,
  existsSync,
  fdatasync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
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

/**
 * Reads what is there, cuts off a torn last line, and opens the file for appending.
 * Throws when a line other than the last is broken: that is damage, not a crash.
 */
export function openJournal(file: string, replay: (line: unknown) => void): Journal {
  mkdirSync(dirname(file), { recursive: true });
  const end = existsSync(file) ? replayFile(file, replay) : 0;
  const descriptor = openSync(file, end === 0 ? 'w' : 'r+');
  ftruncateSync(descriptor, end);
  return new FileJournal(descriptor, end);
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
