import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'
import { fileUrlsInTests } from './scripts/file-urls-in-tests.mjs'

const root = fileURLToPath(new URL('.', import.meta.url))
const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  exports: Record<string, unknown>
}

// The package's own names lead to its sources, so that tests need no build and never see a stale one.
const alias = Object.keys(manifest.exports)
  .filter((entry) => !entry.endsWith('.json'))
  .map((entry) => ({
    find: new RegExp(`^holdfast${entry.slice(1).replaceAll('/', '\\/')}$`),
    replacement: `${root}src${entry.slice(1)}/index.ts`,
  }))

/** What waits or computes for ten seconds and more; `npm run test:slow` runs it, and CI does. */
const slow = [
  'test/load/**',
  'test/security/requests/regular-expressions.test.ts',
  'test/workers/blocking.test.ts',
  'test/fleet/{policies,reruns}.test.ts',
]

// The mode is `test` where nothing else is said.
export default defineConfig(({ mode }) => ({
  resolve: { alias },
  plugins: [fileUrlsInTests(root)],
  test: {
    include: [
      '{src,test}/**/*.test.ts',
      '{examples/*,benchmarks}/{src,test}/**/*.test.ts',
      'scripts/**/*.test.mjs',
    ],
    exclude: [...configDefaults.exclude, ...(mode === 'test' ? slow : [])],
    environment: 'node',
    globalSetup: 'test/stores.ts',
    // Two processes are what a small CI machine can keep busy; more make the time limits below lie.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    allowOnly: false,
    passWithNoTests: false,
    silent: 'passed-only',
    unstubEnvs: true,
    restoreMocks: true,
  },
}))
