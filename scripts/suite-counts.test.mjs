import { expect, it } from 'vitest'
import { suiteCounts } from './suite-counts.mjs'

it.each([
  [{ numPassedTests: 7, numFailedTests: 0 }, 0, 7, 0],
  [{ numPassedTests: 7, numFailedTests: 2 }, 1, 7, 2],
  // An unhandled rejection: every test passed and the run failed.
  [{ numPassedTests: 7, numFailedTests: 0 }, 1, 7, 1],
  [{ numPassedTests: 7, numFailedTests: 0, numPendingTests: 1 }, 0, 7, 1],
  [{ numPassedTests: 0, numFailedTests: 0 }, 0, 0, 1],
  [undefined, 1, 0, 1],
])('%j with exit code %i counts %i and %i', (report, exitCode, passed, failed) => {
  const text = report === undefined ? undefined : JSON.stringify(report)
  expect(suiteCounts(text, exitCode)).toEqual({ passed, failed })
})
