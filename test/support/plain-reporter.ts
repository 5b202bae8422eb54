import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** Tells a failure when it happens, and ends a run with the plain line that CI reads: `N passed, N failed`. */
export default class PlainReporter implements Reporter {
  onTestCaseResult(test: TestCase): void {
    const { state, errors } = test.result();
    if (state !== 'failed') return;
    console.log(`FAILED ${test.module.relativeModuleId} > ${test.fullName}`);
    for (const error of errors) console.log(error.diff ?? error.stack ?? error.message);
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let passed = 0;
    let failed = unhandledErrors.length;
    let skipped = 0;
    for (const module of modules) {
      failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed += 1;
        else if (state === 'failed') failed += 1;
        else skipped += 1;
      }
    }
    const tail = skipped > 0 ? `, ${skipped} skipped` : '';
    console.log(`${passed} passed, ${failed} failed${tail}`);
  }
}
