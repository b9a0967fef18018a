/**
 * Drives one server over stdio, from a process of its own: `node stdio-load.js --era 2026-07-28 -- COMMAND...`.
 * It makes `--calls` calls of `add` twice, first on the fresh process, then on the warm one, with `--window` of them
 * in flight, and prints one line of JSON, a {@link StdioReport}.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { answerFault, type Era, FIRST_ID, initializeBody, initializedBody, requestBody } from './requests.js'
import { cpuMicros, residentBytes } from './server-cpu.js'

export interface StdioPhase {
  readonly callsPerSecond: number
  /** CPU of the server per call in microseconds; absent off Linux. */
  readonly cpuMicros?: number
}

export interface StdioReport {
  readonly fresh: StdioPhase
  readonly warm: StdioPhase
  readonly errors: number
  readonly firstError?: string
  readonly residentBytes?: number
}

const NEWLINE = 10
/** No phase lasts longer than this, whatever the server does. */
const PHASE_LIMIT_MS = 60_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    era: { type: 'string', default: '2026-07-28' },
    calls: { type: 'string', default: '20000' },
    window: { type: 'string', default: '64' },
    'sample-every': { type: 'string', default: '50' },
  },
})
const era: Era = values.era === '2025-11-25' ? '2025-11-25' : '2026-07-28'
const calls = Number(values.calls)
const sampleEvery = Number(values['sample-every'])
const [program, ...args] = positionals
if (program === undefined) throw new Error('Give the command of the server after --.')

const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
const { stdin, stdout, stderr } = child
let errors = 0
let complaint = ''
let hasEnded = false
let firstError: string | undefined
let rest: Buffer = Buffer.alloc(0)
let onLine: (line: Buffer) => void = () => {}
let onChunkEnd = (): void => {}
let onEnd = (): void => {}

function noteError(what: string): void {
  errors++
  firstError ??= what
}

stdout.on('data', (chunk: Buffer) => {
  const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
  let start = 0
  for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
    onLine(bytes.subarray(start, end))
    start = end + 1
  }
  rest = bytes.subarray(start)
  onChunkEnd()
})
stderr.on('data', (chunk: Buffer) => {
  complaint = (complaint + chunk.toString()).slice(-2048)
})
child.on('exit', (code) => {
  hasEnded = true
  noteError(`the server ended with code ${code}: ${complaint}`)
  onEnd()
})
stdin.on('error', (error) => noteError(error.message))

const [head = '', middle = '', tail = ''] = requestBody('add', era, FIRST_ID, '').split(String(FIRST_ID))

function sampledId(line: Buffer): number | undefined {
  const id = Number(/"id":(\d+)/.exec(line.toString())?.[1])
  return Number.isNaN(id) ? undefined : id
}

async function phase(firstId: number): Promise<StdioPhase> {
  let issued = 0
  let answered = 0
  let batch = ''
  const issue = (): void => {
    if (issued === calls) return
    const id = firstId + issued++
    batch += `${head}${id}${middle}${id}${tail}\n`
  }
  const flush = (): void => {
    if (batch !== '') stdin.write(batch)
    batch = ''
  }
  const { pid } = child
  const cpuBefore = pid === undefined ? undefined : cpuMicros(pid)
  const started = performance.now()
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      noteError(`only ${answered} of ${calls} calls were answered in ${PHASE_LIMIT_MS} ms`)
      resolve()
    }, PHASE_LIMIT_MS)
    onEnd = () => {
      clearTimeout(timer)
      resolve()
    }
    onLine = (line) => {
      if (++answered % sampleEvery === 0) {
        const fault = answerFault('add', sampledId(line) ?? -1, '', line.toString())
        if (fault !== undefined) noteError(fault)
      }
      issue()
    }
    onChunkEnd = () => {
      flush()
      if (answered === calls) onEnd()
    }
    if (hasEnded) {
      onEnd()
      return
    }
    for (let i = 0; i < Number(values.window); i++) issue()
    flush()
  })
  const seconds = (performance.now() - started) / 1000
  const cpuAfter = pid === undefined ? undefined : cpuMicros(pid)
  const used = cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore
  return { callsPerSecond: answered / seconds, ...(used === undefined ? {} : { cpuMicros: used / answered }) }
}

async function open(): Promise<void> {
  const first = era === '2025-11-25' ? `${initializeBody(1)}\n` : `${requestBody('list', era, 1, '')}\n`
  const answered = new Promise<void>((resolve) => {
    onLine = () => resolve()
    onEnd = resolve
  })
  stdin.write(first)
  await answered
  if (era === '2025-11-25') stdin.write(`${initializedBody}\n`)
}

await open()
const fresh = await phase(FIRST_ID)
const warm = await phase(FIRST_ID + calls)
const resident = child.pid === undefined ? undefined : residentBytes(child.pid)
child.removeAllListeners('exit')
const ended = once(child, 'exit')
stdin.end()
const killer = setTimeout(() => {
  noteError('the server did not end within five seconds of the end of its input')
  child.kill('SIGKILL')
}, 5000)
if (!hasEnded) await ended
clearTimeout(killer)
const report: StdioReport = {
  fresh,
  warm,
  errors,
  ...(firstError === undefined ? {} : { firstError }),
  ...(resident === undefined ? {} : { residentBytes: resident }),
}
process.stdout.write(`${JSON.stringify(report)}\n`)
