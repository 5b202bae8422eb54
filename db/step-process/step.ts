import { once } from 'node:events';
import { learningStep } from '../../src/domain/learning/step.ts';
import { openDatabase, poolOf } from '../data-source.ts';
import { createLearningStore } from '../repositories/learning.ts';
import type { StepAnswer, StepTask } from './run.ts';

/** The process of one step: reads the studies itself, since their market paths are large, and answers once. */

const { databaseUrl, state, seed, newest } = ((await once(process, 'message')) as [StepTask])[0];

async function answer(): Promise<StepAnswer> {
  const database = await openDatabase(databaseUrl, {
    poolSize: 1,
    applicationName: 'holdfast-learning-step',
  });
  try {
    const learning = createLearningStore(poolOf(database));
    const studies = await learning.studies(newest);
    const knownVersions = await learning.knownVersions();
    try {
      return { step: learningStep(studies, state, seed, { knownVersions }) };
    } catch (error) {
      return { fault: error instanceof Error ? error.message : String(error) };
    }
  } finally {
    await database.destroy();
  }
}

process.send?.(await answer(), () => process.disconnect());
