// node scripts/suite-counts.mjs <vitest report.json> <exit code>: prints "<passed> <failed>".
// A run that failed without a failed test (a file that does not load, a crash, no test at all) counts as one failure.
import { existsSync, readFileSync } from 'node:fs'
import { isMain } from './source-tree.mjs'

/**
 * @param {string | undefined} text the JSON report; undefined when the run wrote none
 * @param {number} exitCode the runner's
 * @returns {{ passed: number, failed: number }}
 */
export function suiteCounts(text, exitCode) {
  const report = text === undefined ? {} : JSON.parse(text)
  const passed = report.numPassedTests ?? 0
  // A skipped test proves nothing, and nobody reads the number of them.
  const skipped = (report.numPendingTests ?? 0) + (report.numTodoTests ?? 0)
  const failed = (report.numFailedTests ?? 0) + skipped
  const fellShort = exitCode !== 0 || passed === 0
  return { passed, failed: failed === 0 && fellShort ? 1 : failed }
}

if (isMain(import.meta)) {
  const [path, exitCode] = process.argv.slice(2)
  const text = existsSync(path) ? readFileSync(path, 'utf8') : undefined
  const { passed, failed } = suiteCounts(text, Number(exitCode))
  process.stdout.write(`${passed} ${failed}\n`)
}
