import { createLogUpdate } from 'log-update';
import { colors } from './render.ts';

/** Where `up` tells what happens. */
export interface UpView {
  /** A line that stays. */
  tell(line: string): void;
  /** What is being started, until the next or until it is ready; told on a terminal only. */
  starting(what: string): void;
  /** Has `read` told once a second what stands below the lines, within so many rows; on a terminal only. */
  follow(read: (rows: number) => Promise<string>): void;
  close(): void;
}

/** A line each, for pipes and files. */
export function plainView(write: (text: string) => void): UpView {
  const nothing = () => undefined;
  return { tell: (line) => write(`${line}\n`), starting: nothing, follow: nothing, close: nothing };
}

const EVERY_MS = 1_000;
/** Kept free for the lines that tell what happens. */
const LINES_ABOVE = 6;

/** On a terminal: the newest state in place at the bottom, and above it what happened. */
export function liveView(terminal: NodeJS.WriteStream): UpView {
  const draw = createLogUpdate(terminal);
  let timer: NodeJS.Timeout | undefined;
  let isReading = false;
  let isClosed = false;
  let shown = '';
  const show = (text: string) => {
    if (isClosed) return;
    shown = text;
    draw(text);
  };
  return {
    tell(line) {
      if (isClosed) {
        terminal.write(`${line}\n`);
        return;
      }
      draw.persist(line);
      if (shown !== '') draw(shown);
    },
    starting: (what) => show(colors.dim(`starting ${what} …`)),
    follow(read) {
      show('');
      const look = async () => {
        if (isReading) return;
        isReading = true;
        try {
          show(await read(Math.max(1, terminal.rows - LINES_ABOVE)));
        } catch (error) {
          const [why] = (error instanceof Error ? error.message : String(error)).split('\n');
          show(colors.yellow(`positions can't be read: ${why}`));
        } finally {
          isReading = false;
        }
      };
      void look();
      timer = setInterval(() => void look(), EVERY_MS);
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      clearInterval(timer);
      draw.clear();
      draw.done();
    },
  };
}
