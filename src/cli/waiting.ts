import { createLogUpdate } from 'log-update';
import type { CommonOptions } from './program.ts';
import { colors, duration } from './render.ts';

const EVERY_MS = 1_000;

/** What a command waits for, said on a terminal from the first second on, and gone with the answer. */
export async function waiting<T>(options: CommonOptions, what: string, answer: Promise<T>): Promise<T> {
  if (options.json === true || !process.stderr.isTTY) return answer;
  const draw = createLogUpdate(process.stderr);
  const startedMs = Date.now();
  const timer = setInterval(
    () => draw(colors.dim(`${what} … ${duration(Date.now() - startedMs)}`)),
    EVERY_MS,
  );
  try {
    return await answer;
  } finally {
    clearInterval(timer);
    draw.clear();
    draw.done();
  }
}
