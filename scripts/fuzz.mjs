// npm run fuzz [-- --scale 100] [-- folder...]: every property test, so many times longer. Put `time` before it for what it cost.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { listFiles } from './source-tree.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { scale: { type: 'string', default: '100' } },
})
const files = ['src', 'test', 'examples']
  .flatMap((folder) => listFiles(root, folder, /\.test\.ts$/))
  .filter(
    (path) => !path.includes('node_modules') && readFileSync(join(root, path), 'utf8').includes('fuzzRuns('),
  )
  .filter((path) => positionals.length === 0 || positionals.some((part) => path.includes(part)))
const hour = String(60 * 60 * 1000)
const { status } = spawnSync(
  'npx',
  ['vitest', 'run', '--testTimeout', hour, '--hookTimeout', hour, ...files],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, FUZZ_SCALE: values.scale },
  },
)
process.stdout.write(`fuzz: ${files.length} files, ${values.scale} times as long\n`)
process.exitCode = status ?? 1
