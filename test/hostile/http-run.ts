import fc from 'fast-check'
import type { Server } from 'holdfast'
import { serve } from 'holdfast/node'
import { healthRequest } from './envelope.js'
import { frames } from './frames.js'
import { type Around, type Carrier, carriers, clean, inSession, request } from './http-requests.js'
import { answersIn, expectedOf, faultsOf } from './oracle.js'
import { RawConnection, type RawResponse } from './raw-http.js'
import type { RunOptions, RunReport } from './stdio-run.js'
import { maxBodyBytes, stillRunning } from './target-server.js'
import { heapUsed, within } from './watch.js'

const framesARound = 500
const framesBetweenCancels = 5
const workers = 16
const versions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const

/** Sends `count` hostile requests to a real listener over keep-alive sockets and accounts for each. */
export async function runHttp(server: Server, { seed, count }: RunOptions): Promise<RunReport> {
  const report: RunReport = {
    frames: 0,
    requests: 0,
    answered: 0,
    refused: 0,
    cancelled: 0,
    health: 0,
    heap: [],
    faults: [],
  }
  const { port, close } = await serve(server, { transport: 'http', port: 0, args: [], drainMs: 5000 })
  const connections = Array.from({ length: workers }, () => new RawConnection(port))
  const opener = new RawConnection(port)
  const rounds = Math.ceil(count / framesARound)
  const every = Math.max(1, Math.floor(rounds / 12))
  for (let round = 0; round < rounds && report.faults.length === 0; round += 1) {
    const version = versions[round % versions.length] ?? '2025-11-25'
    const session = await openSession(opener, version)
    const sampled = fc.sample(fc.tuple(frames, carriers), { seed: seed + round, numRuns: framesARound })
    const work = sampled.values()
    const one = async (connection: RawConnection): Promise<void> => {
      for (const [frame, carrier] of work) {
        const at = `round ${round} (${version}, seed ${seed + round})`
        const what = `${at}, ${carrier.kind}: ${frame.toString('utf8').slice(0, 200)}`
        const sent = request(frame, carrier, { port, session, version })
        const faults: string[] = []
        const exchange = within(10_000, what, connection.exchange(sent.bytes, sent))
        if (
          carrier.carries === 'frame' &&
          carrier.session &&
          (frame.includes('"slow"') || report.frames % framesBetweenCancels === 0)
        ) {
          await cancel(frame, { port, session, version })
        }
        const responses = await exchange
        judge(frame, carrier, responses, report, faults)
        for (const fault of faults) if (report.faults.length < 20) report.faults.push(`${what} -> ${fault}`)
        report.frames += 1
        if (report.frames % 100 === 0) await checkHealth(port, report)
      }
    }
    await Promise.all(connections.map(one))
    await endSession(opener, session)
    const cancelled = server.stats().counters.cancelled
    // Sockets that ended in the middle of a call cancel too, so the server may count more than was left open.
    if (report.cancelled > cancelled)
      report.faults.push(`${report.cancelled} unanswered, ${cancelled} cancelled`)
    if (round % every === every - 1) report.heap.push(heapUsed())
  }
  for (const connection of [...connections, opener]) connection.close()
  await within(10_000, 'The end of the listener', close())
  report.faults.push(...(await stillRunning(server)))
  return report
}

async function openSession(connection: RawConnection, version: string): Promise<string> {
  const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: 'hostile', version: '1' } }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
  const [response] = await within(10_000, 'initialize', connection.exchange(clean(Buffer.from(body), [])))
  const id = response?.headers.get('mcp-session-id')
  if (id === undefined) throw new Error(`No session came: ${response?.status} ${response?.body}`)
  return id
}

async function endSession(connection: RawConnection, session: string): Promise<void> {
  const head = ['DELETE /mcp HTTP/1.1', 'Host: 127.0.0.1', `Mcp-Session-Id: ${session}`]
  const [response] = await within(
    10_000,
    'DELETE',
    connection.exchange(Buffer.from(`${head.join('\r\n')}\r\n\r\n`)),
  )
  if (response?.status !== 204) throw new Error(`DELETE was answered ${response?.status} ${response?.body}`)
}

/** Cancels what a frame asks, while it runs or too late for it, on a connection of its own. */
async function cancel(frame: Buffer, around: Around): Promise<void> {
  for (const key of expectedOf(frame).asked) {
    const params = { requestId: JSON.parse(key) as unknown }
    const body = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params })
    const bytes = clean(Buffer.from(body), inSession(around))
    const [response] = await within(
      10_000,
      body,
      new RawConnection(around.port).exchange(bytes, { close: true }),
    )
    if (response?.status !== 202)
      throw new Error(`A cancel was answered ${response?.status} ${response?.body}`)
  }
}

async function checkHealth(port: number, report: RunReport): Promise<void> {
  const id = `health-${report.health}`
  const headers = ['MCP-Protocol-Version: 2026-07-28', 'Mcp-Method: tools/call', 'Mcp-Name: plain']
  const bytes = clean(Buffer.from(healthRequest(id)), headers)
  const [response] = await within(
    10_000,
    `The request ${id} on port ${port}`,
    new RawConnection(port).exchange(bytes, { close: true }),
  )
  report.health += 1
  if (response?.status !== 200 || !response.body.includes('"42"')) {
    report.faults.push(`${id} was answered ${response?.status} ${response?.body}`)
  }
}

/** The JSON texts that a response carries: its body, or the data of its events. */
function textsOf(response: RawResponse): string[] {
  if (response.body === '') return []
  if (response.headers.get('content-type') !== 'text/event-stream') return [response.body]
  return response.body.split('\n\n').flatMap((event) => {
    const data = /^data: (.*)$/m.exec(event)?.[1]
    // An event without data only says from where to go on.
    return data === undefined || data === '' ? [] : [data]
  })
}

const knownStatus = new Set([
  200, 202, 204, 400, 403, 404, 405, 406, 408, 413, 414, 415, 417, 431, 500, 501, 503, 505,
])

function judge(
  frame: Buffer,
  carrier: Carrier,
  responses: readonly RawResponse[],
  report: RunReport,
  faults: string[],
): void {
  const expected = expectedOf(frame)
  if (responses.length < carrier.responses)
    faults.push(`${responses.length} of ${carrier.responses} responses`)
  for (const response of responses) {
    if (!knownStatus.has(response.status) || response.status === 500) faults.push(`status ${response.status}`)
    if (response.body !== '' && response.headers.get('content-type') === undefined)
      faults.push('a body without a type')
    const texts = textsOf(response)
    for (const text of texts)
      for (const fault of faultsOf(text)) faults.push(`it ${fault}: ${text.slice(0, 300)}`)
    if (faults.length > 0 || carrier.carries === 'nothing') continue
    const ids = texts.flatMap(answersIn).filter((id) => id !== undefined)
    for (const id of ids)
      if (!expected.asked.includes(id)) faults.push(`an answer to ${id}, which was not asked`)
    if (carrier.carries !== 'frame') continue
    report.requests += expected.asked.length
    report.answered += ids.length
    if (ids.length === expected.asked.length) continue
    // A batch in a revision without batches is refused as one POST, and a cancelled call is answered with 202 alone.
    const tooLarge = frame.length > maxBodyBytes && response.status === 413
    if (tooLarge || (expected.batch && response.status >= 400)) {
      report.refused += expected.asked.length
      continue
    }
    // Cancelled after it told of its progress: the stream ends without an answer.
    const endedStream = response.status === 200 && ids.length === 0 && texts.length > 0
    if (carrier.session && (endedStream || (response.status === 202 && texts.length === 0)))
      report.cancelled += expected.asked.length
    else if (expected.batch && carrier.session) report.cancelled += expected.asked.length - ids.length
    else
      faults.push(
        `${ids.length} of ${expected.asked.length} answers: ${response.status} ${response.body.slice(0, 300)}`,
      )
  }
}
