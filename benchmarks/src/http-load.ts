import { once } from 'node:events'
import type { LoadReport } from './load.js'
import type { Era, Kind } from './requests.js'
import { cpuMicros } from './server-cpu.js'
import { loadCommand, type RunningServer, runForJson, type SubjectName, startServer } from './subjects.js'

export interface LoadOrder {
  readonly era: Era
  readonly kind: Kind
  readonly connections: number
  readonly requests: number
  readonly warmup: number
}

export interface MeasuredLoad extends LoadReport {
  readonly cpuMicros: number
}

const hasSchedulerFigures = cpuMicros(process.pid) !== undefined

/** Starts a subject over HTTP so that {@link measureLoad} can read its CPU on this system. */
export function startMeasured(name: SubjectName, args: readonly string[] = []): Promise<RunningServer> {
  const hook = new URL('cpu-hook.js', import.meta.url).href
  return startServer(name, args, hasSchedulerFigures ? [] : ['--import', hook])
}

async function askedCpuMicros({ child }: RunningServer): Promise<number> {
  const told = once(child, 'message')
  child.send('cpu')
  const [micros] = await told
  return Number(micros)
}

/**
 * Runs the load generator against a server. Where the scheduler's figures are absent the process is asked for its
 * own, and the warm-up is part of what is measured.
 */
export async function measureLoad(server: RunningServer, order: LoadOrder): Promise<MeasuredLoad> {
  const { kind, era, connections, requests, warmup } = order
  const before = hasSchedulerFigures ? 0 : await askedCpuMicros(server)
  const report = await runForJson<LoadReport>(
    loadCommand('load.js', [
      ...['--port', String(server.port), '--pid', String(server.pid)],
      ...['--kind', kind, '--era', era, '--connections', String(connections)],
      ...['--requests', String(requests), '--warmup', String(warmup)],
      ...(server.token === undefined ? [] : ['--token', server.token]),
    ]),
  )
  if (report.cpuMicros !== undefined) return { ...report, cpuMicros: report.cpuMicros }
  const used = (await askedCpuMicros(server)) - before
  return { ...report, cpuMicros: used / (report.requests + warmup) }
}
