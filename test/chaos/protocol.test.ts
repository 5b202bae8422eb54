import { describe, expect, it } from 'vitest';
import { HANGING_FAULTS, QUICK_FAULTS, STREAM_FAULTS } from './support/fault-table.ts';
import { Lane } from './support/lane.ts';
import { leftovers } from './support/verdict.ts';
import { runWave, type Leg, type Outcome, type Wave, type WorkerFate } from './support/wave.ts';

/** Stories told side by side; each has an exchange, a database, a namespace and workers of its own. */
const LANES = 6;
const FATES: readonly WorkerFate[] = ['alive', 'killed', 'frozen'];
/** An entry and an exit at a time: an exit may overtake an entry that hangs, two entries wait for each other. */
const LEG_PAIRS: readonly (readonly Leg[])[] = [
  ['entry-market', 'exit-forced'],
  ['entry-limit', 'exit-mark'],
];

/**
 * Every way in which the answer to an order can be lost or late, on every leg, with the worker alive, killed,
 * and frozen until everything was settled elsewhere.
 */
describe('orders exactly once', () => {
  it('holds for every fault, leg and fate of the worker', { timeout: 1_800_000 }, async () => {
    const waiting = [...waves()];
    const outcomes: Outcome[] = [];
    const left: string[] = [];
    const failures: unknown[] = [];
    const tell = async () => {
      const lane = await Lane.open();
      try {
        for (let wave = waiting.shift(); wave; wave = waiting.shift())
          outcomes.push(...(await runWave(lane, wave)));
        left.push(...leftovers(await lane.paper.orders(), await lane.paper.account()));
      } catch (error) {
        failures.push(error);
      } finally {
        await lane.close();
      }
    };
    await Promise.all(Array.from({ length: LANES }, tell));

    console.log(summary(outcomes));
    expect(failures).toEqual([]);
    expect(outcomes.filter(({ wrong }) => wrong.length > 0).map(described)).toEqual([]);
    expect(left).toEqual([]);
    const perFate =
      LEG_PAIRS.flat().length * (QUICK_FAULTS.length + HANGING_FAULTS.length) + STREAM_FAULTS.length;
    expect(new Set(outcomes.map(nameOf)).size).toBe(FATES.length * perFate);
  });
});

function waves(): Wave[] {
  const each = FATES.flatMap((fate) => LEG_PAIRS.map((legs) => ({ fate, legs })));
  const quick = each.map(({ fate, legs }) => ({
    fate,
    combinations: QUICK_FAULTS.flatMap((fault) => legs.map((leg) => ({ fault, leg }))),
  }));
  const hanging = HANGING_FAULTS.flatMap((fault) =>
    each.map(({ fate, legs }) => ({ fate, combinations: legs.map((leg) => ({ fault, leg })) })),
  );
  const streams = STREAM_FAULTS.flatMap((fault) =>
    FATES.map((fate) => ({ fate, combinations: [{ fault, leg: 'exit-mark' as const }] })),
  );
  return [...quick, ...hanging, ...streams];
}

const nameOf = ({ fault, leg, fate }: Outcome) => `${fault.name} on ${leg}, worker ${fate}`;
const described = (outcome: Outcome) => `${nameOf(outcome)}: ${outcome.wrong.join('; ')}`;

function summary(outcomes: readonly Outcome[]): string {
  const counts = FATES.map((fate) => `${outcomes.filter((outcome) => outcome.fate === fate).length} ${fate}`);
  return `${outcomes.length} combinations of fault, leg and worker ran: ${counts.join(', ')}`;
}
