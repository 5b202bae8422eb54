import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { FAULT_KINDS } from '../../src/exchange/paper/faults.ts';
import { planStorm } from '../chaos/storm/plan.ts';

const OPERATIONS = new URL('../../docs/operations.md', import.meta.url);

/** The names in the first column of the run book's table of faults. */
function documented(): string[] {
  const [, section = ''] = readFileSync(OPERATIONS, 'utf8').split('### Each fault of the storm');
  const rows = (section.split('\n#')[0] ?? '').split('\n').filter((line) => line.startsWith('| '));
  return rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([\w-]+)`/g)].map(([, name = '']) => name),
  );
}

it('tells of every fault of the storm and of the paper exchange what is seen, done and left to do', () => {
  const { faults } = planStorm({ seed: 1, trades: 100, faults: 500, workers: 3 });
  const struck = [...new Set(faults.map(({ kind }) => kind))];
  expect(documented().toSorted()).toEqual(struck.toSorted());
  // The storm spells `error` by whether the call was carried out.
  const atExchange = FAULT_KINDS.flatMap((kind) =>
    kind === 'error' ? ['error-executed', 'error-refused'] : [kind],
  );
  expect(documented()).toEqual(expect.arrayContaining(atExchange));
});
