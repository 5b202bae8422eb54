import { CancellationScope } from '@temporalio/workflow';

/**
 * Undo steps of a trade. Each is registered *before* the call it undoes, so that a crash in between
 * can't leave it out; they run last first, in a scope that no cancellation reaches, and a failing
 * step fails the trade loudly.
 */
export class Compensations {
  readonly #steps: { readonly name: string; readonly run: () => Promise<void> }[] = [];

  register(name: string, run: () => Promise<void>): void {
    this.#steps.push({ name, run });
  }

  async run(): Promise<void> {
    await CancellationScope.nonCancellable(async () => {
      for (const step of this.#steps.splice(0).reverse()) await step.run();
    });
  }
}
