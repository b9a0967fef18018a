import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import type { Server } from 'holdfast'
import { serveStreams } from 'holdfast/node'
import { healthRequest } from './envelope.js'
import { frames } from './frames.js'
import { answersIn, expectedOf, faultsOf, idKey } from './oracle.js'
import { stillRunning } from './target-server.js'
import { heapUsed, within } from './watch.js'

const framesAConnection = 500
const framesBetweenHealth = 50
const framesBetweenCancels = 5
const maxMessageBytes = 64 * 1024
const openings = [undefined, '2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const

export interface RunReport {
  frames: number
  requests: number
  answered: number
  /** Requests whose batch or body was refused as a whole, with one answer for all. */
  refused: number
  cancelled: number
  health: number
  heap: number[]
  /** One sentence for each thing that was not as it must be; cut at 20. */
  faults: string[]
}

export interface RunOptions {
  readonly seed: number
  readonly count: number
}

/** Sends `count` hostile frames over lines, in connections of 500, and accounts for every request in them. */
export async function runStdio(server: Server, { seed, count }: RunOptions): Promise<RunReport> {
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
  const connections = Math.ceil(count / framesAConnection)
  const every = Math.max(1, Math.floor(connections / 12))
  for (let index = 0; index < connections; index += 1) {
    await runConnection(server, { seed: seed + index, index }, report)
    if (index % every === every - 1) report.heap.push(heapUsed())
    if (report.faults.length > 0) break
  }
  return report
}

async function runConnection(
  server: Server,
  { seed, index }: { seed: number; index: number },
  report: RunReport,
): Promise<void> {
  const input = new PassThrough()
  const output = new PassThrough()
  const { closed } = serveStreams(server, { input, output, maxMessageBytes, endDrainMs: 5000 })
  const sent: Buffer[] = []
  const received: string[] = []
  const waiting = new Map<string, () => void>()
  let rest = ''
  output.setEncoding('utf8')
  output.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      received.push(line)
      const id = /"id":"(health-\d+)"/.exec(line)?.[1]
      if (id !== undefined) waiting.get(id)?.()
    }
  })
  const send = async (bytes: Buffer): Promise<void> => {
    sent.push(bytes)
    // In pieces that respect neither lines nor characters.
    for (let at = 0; at < bytes.length; at += 701) {
      if (!input.write(bytes.subarray(at, at + 701)))
        await new Promise((resolve) => input.once('drain', resolve))
    }
  }
  const ask = async (id: string, text: string): Promise<void> => {
    const answered = new Promise<void>((resolve) => waiting.set(id, resolve))
    await send(Buffer.from(`${text}\n`))
    await within(10_000, `The request ${id} on connection ${index} (seed ${seed})`, answered)
    report.health += 1
  }

  const version = openings[index % openings.length]
  const cancelledBefore = server.stats().counters.cancelled
  if (version !== undefined) {
    const params = {
      protocolVersion: version,
      capabilities: {},
      clientInfo: { name: 'hostile', version: '1' },
    }
    await ask('health-0', JSON.stringify({ jsonrpc: '2.0', id: 'health-0', method: 'initialize', params }))
  }
  const batch = fc.sample(frames, { seed, numRuns: framesAConnection })
  for (const [at, frame] of batch.entries()) {
    await send(Buffer.concat([frame, Buffer.from('\n')]))
    if (at % framesBetweenCancels === 0) await send(cancelling(frame))
    if (at % framesBetweenHealth === 0) await ask(`health-${at + 1}`, healthRequest(`health-${at + 1}`))
  }
  await ask('health-9999', healthRequest('health-9999'))
  input.end()
  const end = await within(10_000, `The end of connection ${index} (seed ${seed})`, closed)
  output.end()
  report.frames += batch.length
  const where = (fault: string): string =>
    `connection ${index} (${version ?? 'not opened'}, seed ${seed}): ${fault}`
  const fault = (sentence: string): void => {
    if (report.faults.length < 20) report.faults.push(where(sentence))
  }
  if (end.reason !== 'input ended' || end.aborted > 0 || !end.flushed)
    fault(`it ended as ${JSON.stringify(end)}`)
  for (const line of received) {
    for (const found of faultsOf(line)) fault(`an answer ${found}: ${line.slice(0, 300)}`)
  }
  account(Buffer.concat(sent), received, server.stats().counters.cancelled - cancelledBefore, report, fault)
  for (const sentence of await stillRunning(server)) fault(sentence)
}

/** A line for each id that a frame asks under: it ends the call before its answer, or comes too late for it. */
function cancelling(frame: Buffer): Buffer {
  const lines = expectedOf(frame).asked.map((key) => {
    const params = { requestId: JSON.parse(key) as unknown }
    return `${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params })}\n`
  })
  return Buffer.from(lines.join(''))
}

/** Each request has one answer with its id, except those that were cancelled while they ran. */
function account(
  sent: Buffer,
  received: readonly string[],
  cancelled: number,
  report: RunReport,
  fault: (sentence: string) => void,
): void {
  const open = new Map<string, number>()
  const asking = new Map<string, string>()
  const mayBeCancelled = new Map<string, number>()
  const raise = (map: Map<string, number>, key: string, by: number): void =>
    void map.set(key, (map.get(key) ?? 0) + by)
  for (let at = 0; at < sent.length; ) {
    const end = sent.indexOf(0x0a, at)
    const line = sent.subarray(at, end)
    at = end + 1
    if (line.length > maxMessageBytes) continue
    const expected = expectedOf(line)
    report.requests += expected.asked.length
    for (const key of expected.asked) {
      raise(open, key, 1)
      asking.set(key, line.toString('utf8').slice(0, 300))
    }
    for (const key of expected.cancelled) raise(mayBeCancelled, key, 1)
  }
  for (const key of received.flatMap((line) => (faultsOf(line).length > 0 ? [] : answersIn(line)))) {
    if (key === undefined) continue
    report.answered += 1
    raise(open, key, -1)
  }
  let missing = 0
  for (const [key, count] of open) {
    if (count < 0) fault(`${-count} answers too many to the id ${key.slice(0, 80)}`)
    if (count > (mayBeCancelled.get(key) ?? 0))
      fault(`${count} requests unanswered, such as ${asking.get(key)}`)
    missing += Math.max(0, count)
  }
  report.cancelled += missing
  if (missing !== cancelled)
    fault(`${missing} requests unanswered, but the server counts ${cancelled} cancelled`)
  if (!open.has(idKey('health-9999') ?? '')) fault('the last health request was lost')
}
