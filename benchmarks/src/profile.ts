/**
 * Shows where a warm server's CPU goes: `npm run bench:profile -- add|list|echo|cold [--zod] [--full] [--era 2025-11-25]
 * [--raw] [--top N] [--out FILE]`. `cold` profiles a process over stdio from its start to its first answered call.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Profiler } from 'node:inspector'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { LoadReport } from './load.js'
import { renderProfile } from './profile-report.js'
import { FIRST_ID, requestBody } from './requests.js'
import {
  loadCommand,
  onCore,
  runForJson,
  type SubjectName,
  startServer,
  subjectCommand,
  subjectEnv,
} from './subjects.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    era: { type: 'string', default: '2026-07-28' },
    zod: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    raw: { type: 'boolean', default: false },
    top: { type: 'string', default: '30' },
    requests: { type: 'string', default: '40000' },
    out: { type: 'string' },
  },
})
const kind = positionals[0] ?? 'add'
const subject: SubjectName = values.raw ? 'raw' : values.zod ? 'zod' : values.full ? 'full' : 'plain'

async function told(child: ChildProcess, message: 'start' | 'stop'): Promise<unknown> {
  const answered = once(child, 'message')
  child.send(message)
  const [answer] = await answered
  return answer
}

function isProfile(value: unknown): value is Profiler.Profile {
  return typeof value === 'object' && value !== null && 'nodes' in value
}

async function warmProfile(): Promise<Profiler.Profile> {
  const hook = new URL('profile-hook.js', import.meta.url).href
  const server = await startServer(subject, [], ['--import', hook])
  const load = (requests: string): Promise<LoadReport> =>
    runForJson(
      loadCommand('load.js', [
        ...['--port', String(server.port), '--pid', String(server.pid), '--kind', kind, '--era', values.era],
        ...['--requests', requests, '--warmup', '100'],
        ...(server.token === undefined ? [] : ['--token', server.token]),
      ]),
    )
  try {
    await load('10000')
    await told(server.child, 'start')
    const report = await load(values.requests)
    const profile = await told(server.child, 'stop')
    process.stdout.write(
      `${subject} ${kind} ${values.era}: ${report.requests} requests, ${report.errors} errors, `,
    )
    process.stdout.write(`${report.cpuMicros?.toFixed(1) ?? '?'} us CPU each with the profiler on\n`)
    if (!isProfile(profile)) throw new Error(`The profiler gave no profile: ${JSON.stringify(profile)}`)
    return profile
  } finally {
    await server.stop()
  }
}

async function coldProfile(): Promise<Profiler.Profile> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-profile-'))
  try {
    const options = ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=100']
    const [program, ...args] = onCore(0, subjectCommand(subject, ['--stdio'], options))
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env: subjectEnv() })
    child.stdin.write(`${requestBody('add', '2026-07-28', FIRST_ID, '')}\n`)
    await once(child.stdout, 'data')
    child.stdin.end()
    await once(child, 'exit')
    const [file] = readdirSync(folder)
    if (file === undefined) throw new Error('The process left no profile.')
    const profile: unknown = JSON.parse(readFileSync(join(folder, file), 'utf8'))
    if (!isProfile(profile)) throw new Error('The process left a file that is no profile.')
    return profile
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const profile = await (kind === 'cold' ? coldProfile() : warmProfile())
if (values.out !== undefined) writeFileSync(values.out, JSON.stringify(profile))
process.stdout.write(`${renderProfile(profile, Number(values.top))}\n`)
