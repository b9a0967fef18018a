// Runs the official MCP conformance suite, stable and alpha, against the fixture server in examples/conformance,
// and compares the result with test/conformance/expected-failures.json.
//
//   node scripts/conformance.mjs [--suite stable|alpha] [--revision 2026-07-28] [--verbose]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { judge, readExpectations } from '../test/conformance/judge.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FIXTURE = join(ROOT, 'examples/conformance/dist/server.js')
const EXPECTED = join(ROOT, 'test/conformance/expected-failures.json')
const SUITE_NODE = '24.21.0'
const START_MS = 20_000
const STOP_MS = 10_000
const RUN_MS = 300_000

/** The suite freezes the scenarios of the released revisions it knows; for an older one it filters by date. */
const RUNS = [
  { suite: 'alpha', revision: '2025-03-26', select: ['--suite', 'all', '--spec-version', '2025-03-26'] },
  { suite: 'stable', revision: '2025-06-18', select: ['--suite', 'all', '--spec-version', '2025-06-18'] },
  { suite: 'stable', revision: '2025-11-25', select: ['--suite', 'all', '--spec-version', '2025-11-25'] },
  { suite: 'alpha', revision: '2025-06-18', select: ['--suite', 'all', '--spec-version', '2025-06-18'] },
  { suite: 'alpha', revision: '2025-11-25', select: ['--requirements', '2025-11-25'] },
  { suite: 'alpha', revision: '2026-07-28', select: ['--requirements', '2026-07-28'] },
]

/** The suite's client always offers 2025-11-25 first: only a server that knows no newer one answers 2025-06-18. */
const NARROWED = new Set(['2025-03-26', '2025-06-18'])

const children = new Set()
const directories = new Set()

function start(command, args, options) {
  const child = spawn(command, args, { cwd: ROOT, ...options })
  children.add(child)
  const output = []
  const keep = (chunk) => {
    output.push(String(chunk))
    if (output.length > 2000) output.shift()
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not start: ${error.message}`))
    child.once('close', (code, signal) => resolve(signal ?? code))
  }).then((how) => {
    children.delete(child)
    return how
  })
  return { child, ended, text: () => output.join('') }
}

async function stop({ child, ended }) {
  if (!children.has(child)) return
  child.kill('SIGTERM')
  const late = await Promise.race([ended.then(() => false), sleep(STOP_MS, true, { ref: false })])
  if (!late) return
  child.kill('SIGKILL')
  await ended
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    for (const child of children) child.kill('SIGKILL')
    for (const directory of directories) rmSync(directory, { recursive: true, force: true })
    process.exit(1)
  })
}

/** The suite needs Node 22 or newer, while the server under test runs on whatever runs this script. */
async function nodeForSuite() {
  if (Number.parseInt(process.versions.node, 10) >= 22) return process.execPath
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${platform}-${process.arch}`
  const cache = join(ROOT, 'node_modules/.cache', `node-${SUITE_NODE}`)
  const binary = join(cache, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (existsSync(binary)) return binary
  console.log(`Fetching Node ${SUITE_NODE} for the suite into ${cache.slice(ROOT.length)}.`)
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const args = ['install', '--prefix', cache, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
  const install = start(npm, [...args, `${name}@${SUITE_NODE}`], { timeout: RUN_MS, cwd: tmpdir() })
  const how = await install.ended
  if (how !== 0 || !existsSync(binary)) {
    throw new Error(
      `The suite needs Node 22 or newer, and ${name}@${SUITE_NODE} did not install:\n${install.text()}`,
    )
  }
  return binary
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}

async function accepts(port) {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function startFixture(revision) {
  const port = await freePort()
  const env = { ...process.env }
  delete env.PORT
  if (NARROWED.has(revision)) env.CONFORMANCE_REVISIONS = revision
  const server = start(process.execPath, [FIXTURE, '--port', String(port)], { env })
  const deadline = Date.now() + START_MS
  while (!(await accepts(port))) {
    if (!children.has(server.child)) throw new Error(`The fixture server ended:\n${server.text()}`)
    if (Date.now() > deadline) {
      await stop(server)
      throw new Error(`The fixture server took no connection within ${START_MS / 1000} s:\n${server.text()}`)
    }
    await sleep(50)
  }
  return { server, url: `http://127.0.0.1:${port}/mcp` }
}

/** One directory per scenario, `server-<scenario>-<time>/checks.json`; the file is missing when it crashed. */
function readResults(directory, { suite, revision }) {
  return readdirSync(directory)
    .sort()
    .map((name) => {
      const scenario = name.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '')
      const file = join(directory, name, 'checks.json')
      const crashed = [{ id: 'crashed', status: 'FAILURE', errorMessage: 'the scenario did not finish' }]
      const checks = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : crashed
      return { suite, revision, scenario, checks }
    })
}

async function runSuite(run, { node, verbose }) {
  const cli = join(ROOT, 'node_modules', `conformance-${run.suite}`, 'dist/index.js')
  if (!existsSync(cli)) throw new Error(`The package conformance-${run.suite} is not installed: run npm ci.`)
  const { server, url } = await startFixture(run.revision)
  const directory = mkdtempSync(join(tmpdir(), 'conformance-'))
  directories.add(directory)
  try {
    const args = [cli, 'server', '--url', url, '-o', directory, ...run.select]
    const suite = start(node, args, { timeout: RUN_MS, killSignal: 'SIGKILL' })
    const how = await suite.ended
    if (verbose) console.log(suite.text())
    if (how !== 0 && how !== 1)
      throw new Error(`The ${run.suite} suite did not finish (${how}):\n${suite.text()}`)
    if (!children.has(server.child)) throw new Error(`The fixture server died meanwhile:\n${server.text()}`)
    const outcomes = readResults(directory, run)
    if (outcomes.length === 0) throw new Error(`The ${run.suite} suite ran no scenario:\n${suite.text()}`)
    return outcomes
  } finally {
    await stop(server)
    rmSync(directory, { recursive: true, force: true })
    directories.delete(directory)
  }
}

function printTable(judgements, runs) {
  const word = { passed: 'ok', expected: 'waits', empty: 'empty', failed: 'FAILED' }
  const scenarios = [...new Set(judgements.map(({ scenario }) => scenario))].sort()
  const width = Math.max(...scenarios.map((scenario) => scenario.length))
  const row = (head, cells) =>
    console.log(`${head.padEnd(width)}  ${cells.map((c) => c.padEnd(10)).join('  ')}`.trimEnd())
  row(
    '',
    runs.map(({ suite }) => suite),
  )
  row(
    'scenario',
    runs.map(({ revision }) => revision),
  )
  for (const scenario of scenarios) {
    const cells = runs.map(({ suite, revision }) => {
      const found = judgements.find(
        (j) => j.scenario === scenario && j.suite === suite && j.revision === revision,
      )
      return found ? word[found.verdict] : '-'
    })
    row(scenario, cells)
  }
}

const { values } = parseArgs({
  options: {
    suite: { type: 'string' },
    revision: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
})
const wanted = ({ suite, revision }) =>
  (values.suite ?? suite) === suite && (values.revision ?? revision) === revision
const runs = RUNS.filter(wanted)
if (runs.length === 0) {
  console.error(`No such run. There are: ${RUNS.map((r) => `${r.suite} ${r.revision}`).join(', ')}.`)
  process.exit(2)
}
if (!existsSync(FIXTURE)) {
  console.error('The fixture server is not built: run npm run build.')
  process.exit(2)
}

const expectations = readExpectations(readFileSync(EXPECTED, 'utf8'))
const node = await nodeForSuite()
const outcomes = []
const broken = []
for (const run of runs) {
  try {
    outcomes.push(...(await runSuite(run, { node, verbose: values.verbose })))
  } catch (error) {
    broken.push(`${run.suite} ${run.revision}: ${error.message}`)
  }
}

const { judgements, outdated } = judge(outcomes, expectations.filter(wanted))
if (judgements.length > 0) printTable(judgements, runs)
const failures = judgements.filter(({ verdict }) => verdict === 'failed')
for (const { suite, revision, scenario, notes } of failures) {
  console.log(`\nFAILED ${suite} ${revision} ${scenario}`)
  for (const note of notes) console.log(`  ${note.length > 400 ? `${note.slice(0, 400)}...` : note}`)
}
for (const { suite, revision, scenario, check } of outdated) {
  const what = check ? `${scenario}, check ${check}` : scenario
  console.log(
    `\nOUT OF DATE ${suite} ${revision} ${what}: it no longer fails; remove it from expected-failures.json.`,
  )
}
for (const sentence of broken) console.log(`\nBROKEN ${sentence}`)

const count = (verdict) => judgements.filter((j) => j.verdict === verdict).length
const failed = failures.length + outdated.length + broken.length
console.log(`\n${count('expected')} expected to fail, ${count('empty')} that the suite leaves empty`)
console.log(`${count('passed')} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
