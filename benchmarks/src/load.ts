/**
 * The load generator, a process of its own: `node load.js --port N --kind add --era 2026-07-28 --pid SERVER`.
 * It prints one line of JSON, a {@link LoadReport}. Loopback only, bounded by requests and by time.
 */
import { parseArgs } from 'node:util'
import { type HttpAnswer, HttpConnection } from './http-connection.js'
import {
  answerFault,
  type Era,
  echoText,
  FIRST_ID,
  ID_DIGITS,
  initializeBody,
  initializedBody,
  type Kind,
  requestBody,
  requestHeaders,
} from './requests.js'
import { cpuMicros } from './server-cpu.js'
import { percentile } from './statistics.js'

export interface LoadReport {
  readonly requests: number
  readonly errors: number
  readonly firstError?: string
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU of the server process per request; absent without `--pid` or off Linux. */
  readonly cpuMicros?: number
  /** How busy the server's process was while measured, 1 = one core. */
  readonly serverBusy?: number
  readonly answerBytes: number
}

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    path: { type: 'string', default: '/mcp' },
    kind: { type: 'string', default: 'add' },
    era: { type: 'string', default: '2026-07-28' },
    connections: { type: 'string', default: '64' },
    requests: { type: 'string', default: '10000' },
    warmup: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '20' },
    'echo-bytes': { type: 'string', default: '65536' },
    'sample-every': { type: 'string', default: '50' },
    pid: { type: 'string' },
    token: { type: 'string' },
  },
})

function kindOf(name: string): Kind {
  if (name === 'add' || name === 'list' || name === 'echo') return name
  throw new Error(`--kind must be add, list or echo, not ${name}.`)
}

function eraOf(name: string): Era {
  if (name === '2026-07-28' || name === '2025-11-25') return name
  throw new Error(`--era must be 2026-07-28 or 2025-11-25, not ${name}.`)
}

const port = Number(values.port)
const kind = kindOf(values.kind)
const era = eraOf(values.era)
const sampleEvery = Number(values['sample-every'])
const text = kind === 'echo' ? echoText(Number(values['echo-bytes'])) : ''

const authorization = values.token === undefined ? '' : `Authorization: Bearer ${values.token}\r\n`

function httpBytes(body: string, headers: string): Buffer {
  const head =
    `POST ${values.path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
    `Accept: application/json, text/event-stream\r\n${authorization}${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`
  return Buffer.from(head + body)
}

/** A request whose id is written over the places where the first id stands. */
class PatchedRequest {
  readonly bytes: Buffer
  readonly #places: number[] = []

  constructor(sessionId: string | undefined) {
    const body = requestBody(kind, era, FIRST_ID, text)
    this.bytes = httpBytes(body, requestHeaders(kind, era, sessionId))
    const bodyStart = this.bytes.length - Buffer.byteLength(body)
    const mark = String(FIRST_ID)
    for (
      let at = this.bytes.indexOf(mark, bodyStart);
      at !== -1;
      at = this.bytes.indexOf(mark, at + ID_DIGITS)
    ) {
      this.#places.push(at)
    }
  }

  patch(id: number): Buffer {
    for (const place of this.#places) {
      let rest = id
      for (let digit = ID_DIGITS - 1; digit >= 0; digit--) {
        this.bytes[place + digit] = 48 + (rest % 10)
        rest = Math.floor(rest / 10)
      }
    }
    return this.bytes
  }
}

interface Lane {
  readonly connection: HttpConnection
  readonly request: PatchedRequest
  broken: boolean
}

async function openLane(index: number): Promise<Lane> {
  const connection = await HttpConnection.open(port)
  let sessionId: string | undefined
  if (era === '2025-11-25') {
    const opened = await connection.ask(httpBytes(initializeBody(index), ''))
    if (opened.status !== 200) throw new Error(`initialize was answered with ${opened.head}\n${opened.body}`)
    sessionId = /\r\nmcp-session-id: *([^\r]+)/i.exec(opened.head)?.[1]
    const headers = requestHeaders('list', era, sessionId)
    const told = await connection.ask(httpBytes(initializedBody, headers))
    if (told.status !== 202) throw new Error(`initialized was answered with ${told.head}\n${told.body}`)
  }
  return { connection, request: new PatchedRequest(sessionId), broken: false }
}

let nextId = FIRST_ID
let errors = 0
let firstError: string | undefined
let answerBytes = 0

function noteError(what: string): void {
  errors++
  firstError ??= what
}

function check(id: number, answer: HttpAnswer): void {
  answerBytes = answer.body.length
  if (answer.status !== 200) noteError(`status ${answer.status}: ${answer.body.toString('utf8', 0, 300)}`)
  else if (id % sampleEvery === 0) {
    const fault = answerFault(kind, id, text, answer.body.toString())
    if (fault !== undefined) noteError(fault)
  } else if (!answer.body.includes(`"id":${id}`)) noteError(`the answer to ${id} has another id`)
}

/** Sends `count` requests over all lanes and returns their latencies in milliseconds. */
function phase(lanes: readonly Lane[], count: number, deadline: number): Promise<Float64Array> {
  const latencies = new Float64Array(count)
  let issued = 0
  let answered = 0
  let active = 0
  return new Promise((resolve) => {
    const end = (): void => {
      if (active === 0) resolve(latencies.subarray(0, answered))
    }
    const send = (lane: Lane): void => {
      const started = performance.now()
      if (lane.broken || issued >= count || started >= deadline) {
        end()
        return
      }
      issued++
      active++
      const id = nextId++
      lane.connection.exchange(
        lane.request.patch(id),
        (answer) => {
          latencies[answered++] = performance.now() - started
          active--
          check(id, answer)
          send(lane)
        },
        (error) => {
          active--
          lane.broken = true
          noteError(error.message)
          end()
        },
      )
    }
    for (const lane of lanes) send(lane)
  })
}

const lanes = await Promise.all(
  Array.from({ length: Number(values.connections) }, (_, index) => openLane(index + 1)),
)
const bound = Number(values.seconds) * 1000
await phase(lanes, Number(values.warmup), performance.now() + bound)

const pid = values.pid === undefined ? undefined : Number(values.pid)
const cpuBefore = pid === undefined ? undefined : cpuMicros(pid)
const started = performance.now()
const latencies = await phase(lanes, Number(values.requests), started + bound)
const elapsedMs = performance.now() - started
const cpuAfter = pid === undefined ? undefined : cpuMicros(pid)
for (const lane of lanes) lane.connection.close()

const used = cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore
const report: LoadReport = {
  requests: latencies.length,
  errors,
  ...(firstError === undefined ? {} : { firstError }),
  perSecond: latencies.length / (elapsedMs / 1000),
  p50Ms: percentile(latencies, 0.5),
  p99Ms: percentile(latencies, 0.99),
  ...(used === undefined ? {} : { cpuMicros: used / latencies.length, serverBusy: used / 1000 / elapsedMs }),
  answerBytes,
}
process.stdout.write(`${JSON.stringify(report)}\n`)
