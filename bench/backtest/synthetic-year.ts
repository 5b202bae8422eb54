import { createRandom } from '../../src/domain/random.ts';

export const YEAR_MINUTES = 525_600;

const START = 30_000;
/** A tenth above the start from the third minute on: what was bought at the start stays in profit all year. */
const CENTRE = 33_000;

/** A year of minute candles as Kraken's download writes them: seeded noise that returns to its centre. */
export function yearOfMinutes(seed: number): Buffer {
  const random = createRandom(`year:${seed}`);
  const lines: string[] = [];
  let away = 0;
  let open = START;
  for (let minute = 0; minute < YEAR_MINUTES; minute += 1) {
    const step = () => {
      away = away * 0.9995 + 0.00035 * random.normal();
      return minute < 2 ? START : CENTRE * Math.exp(away);
    };
    if (minute === 2) open = CENTRE;
    const path = [open, step(), step()];
    const close = path[2] ?? open;
    const figures = [open, Math.max(...path), Math.min(...path), close].map((value) => value.toFixed(1));
    open = Number(figures[3]);
    lines.push(`${1_546_300_800 + minute * 60},${figures.join(',')},1.5,12`);
  }
  return Buffer.from(lines.join('\n'));
}
