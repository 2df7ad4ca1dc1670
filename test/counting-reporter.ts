/** Counts what vitest ran; a file that could not even be loaded is a failure, not nothing. */
import type { Reporter, TestCase, TestModule } from 'vitest/node'

export class CountingReporter implements Reporter {
  readonly counts = { passed: 0, failed: 0, skipped: 0 }

  onTestCaseResult(test: TestCase): void {
    const { state } = test.result()
    if (state === 'passed') this.counts.passed++
    else if (state === 'skipped') this.counts.skipped++
    else this.counts.failed++
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    this.counts.failed += unhandled.length
    this.counts.failed += modules.filter(module => module.state() === 'failed' && module.errors().length > 0).length
  }
}
