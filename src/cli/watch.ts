import { setTimeout as sleep } from 'node:timers/promises';
import { createLogUpdate } from 'log-update';
import { onStopSignal } from '../embedded/parent-link.ts';
import { CliError } from './errors.ts';
import { clock, colors } from './render.ts';

const EVERY_MS = 1_000;

/**
 * Shows something again each second until Ctrl-C: in place on a terminal, else a line each time. What can't be read
 * for a moment is said beside what was read last, and tried again.
 */
export async function watch(
  show: () => Promise<string>,
  { inPlace }: { readonly inPlace: boolean },
): Promise<void> {
  if (inPlace && !process.stdout.isTTY)
    throw new CliError('no-terminal', '--watch needs a terminal, or --json for a line each second');
  const stop = new AbortController();
  onStopSignal(() => stop.abort());
  const draw = inPlace
    ? createLogUpdate(process.stdout)
    : (text: string) => process.stdout.write(`${text}\n`);
  let shown = '';
  for (let isFirst = true; !stop.signal.aborted; isFirst = false) {
    let footer = `${clock(Date.now())}, Ctrl-C ends`;
    try {
      shown = await show();
      if (!inPlace) draw(shown);
    } catch (error) {
      if (isFirst) throw error;
      const [why] = (error instanceof Error ? error.message : String(error)).split('\n');
      footer = colors.red(`not read at ${clock(Date.now())}, tried again: ${why}`);
      if (!inPlace) draw(JSON.stringify({ error: { code: 'not-read', message: why } }));
    }
    if (inPlace) draw(`${shown}\n${colors.dim(footer)}`);
    await sleep(EVERY_MS, undefined, { signal: stop.signal }).catch(() => undefined);
  }
}
