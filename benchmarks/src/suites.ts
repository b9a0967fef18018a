import { coldStart } from './cold-start.js'
import { measureLoad, startMeasured } from './http-load.js'
import { ERAS, type Era, KINDS, type Kind } from './requests.js'
import { BUDGETS, type Budget, type Row, rowsOf } from './rows.js'
import { residentBytes } from './server-cpu.js'
import { median } from './statistics.js'
import type { StdioReport } from './stdio-load.js'
import {
  loadCommand,
  onCore,
  type RunningServer,
  runForJson,
  type SubjectName,
  subjectCommand,
} from './subjects.js'

export interface Plan {
  readonly rounds: number
  readonly coldRounds: number
  readonly connections: number
  readonly warmup: number
  readonly requests: Readonly<Record<Kind, number>>
  readonly calls: number
  readonly subjects: readonly SubjectName[]
  /** Whether the server with everything on is measured too, over HTTP. */
  readonly full: boolean
  /** Told once per step, for a person who waits. */
  readonly progress: (what: string) => void
}

/** A wrong answer makes every figure meaningless, so it ends the run. */
export class WrongAnswers extends Error {
  override readonly name: string = 'WrongAnswers'
}

function requireClean(what: string, { errors, firstError }: { errors: number; firstError?: string }): void {
  if (errors > 0) throw new WrongAnswers(`${what}: ${errors} wrong answers, the first: ${firstError}`)
}

class Collected {
  readonly #values = new Map<SubjectName, number[]>()

  add(subject: SubjectName, value: number): void {
    const values = this.#values.get(subject) ?? []
    values.push(value)
    this.#values.set(subject, values)
  }

  get rounds(): ReadonlyMap<SubjectName, readonly number[]> {
    return this.#values
  }
}

interface Cell {
  readonly era: Era
  readonly kind: Kind
  readonly cpu: Collected
  readonly rate: Collected
  readonly p50: Collected
}

/** CPU per request over HTTP, in both eras, every subject in every round. */
export async function httpSuite(
  plan: Plan,
  eras: readonly Era[] = ERAS,
  kinds: readonly Kind[] = KINDS,
): Promise<Row[]> {
  const servers = new Map<SubjectName, RunningServer>()
  try {
    for (const name of plan.full ? [...plan.subjects, 'full' as const] : plan.subjects)
      servers.set(name, await startMeasured(name))
    const cells: Cell[] = eras.flatMap((era) =>
      kinds.map((kind) => ({ era, kind, cpu: new Collected(), rate: new Collected(), p50: new Collected() })),
    )
    for (let round = 0; round < plan.rounds; round++) {
      for (const cell of cells) {
        plan.progress(`HTTP round ${round + 1} of ${plan.rounds}: ${cell.kind}, ${cell.era}`)
        for (const [name, server] of servers) {
          // What the policies cost is told by one tool; lists and echoes pass the same.
          if (name === 'full' && cell.kind !== 'add') continue
          const first = Math.min(plan.warmup, plan.requests[cell.kind])
          const report = await measureLoad(server, {
            era: cell.era,
            kind: cell.kind,
            connections: plan.connections,
            requests: plan.requests[cell.kind],
            warmup: round === 0 ? first : Math.ceil(first / 10),
          })
          requireClean(`${name} ${cell.kind} ${cell.era}`, report)
          cell.cpu.add(name, report.cpuMicros)
          cell.rate.add(name, report.perSecond)
          cell.p50.add(name, report.p50Ms)
        }
      }
    }
    const memory = [...servers].map(([name, { pid }]) => {
      const resident = residentBytes(pid)
      return `${name} ${resident === undefined ? '?' : Math.round(resident / 2 ** 20)} MB`
    })
    plan.progress(`resident after the load: ${memory.join(', ')}`)
    return cells.flatMap(httpRows)
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()))
  }
}

function httpRows({ era, kind, cpu, rate, p50 }: Cell): Row[] {
  const budget: Budget | undefined = kind === 'echo' ? undefined : BUDGETS[kind]
  const notes = new Map(
    [...rate.rounds].map(([name, rates]) => {
      const latency = median(p50.rounds.get(name) ?? [])
      return [name, `${median(rates).toFixed(0)}/s, p50 ${latency.toFixed(1)} ms`]
    }),
  )
  const figure = {
    what: `HTTP ${kind} ${era}`,
    unit: 'us CPU',
    ...(budget === undefined ? {} : { budget }),
    fullBudget: BUDGETS.full,
  }
  return rowsOf(figure, cpu.rounds, notes)
}

/** Calls per second over stdio with 64 in flight, on a fresh process and on a warm one. */
export async function stdioSuite(plan: Plan): Promise<Row[]> {
  const rows: Row[] = []
  for (const era of ERAS) {
    const phases = { fresh: new Collected(), warm: new Collected() }
    const cpu = { fresh: new Collected(), warm: new Collected() }
    for (let round = 0; round < plan.rounds; round++) {
      plan.progress(`stdio round ${round + 1} of ${plan.rounds}: ${era}`)
      for (const name of plan.subjects) {
        const command = onCore(0, subjectCommand(name, ['--stdio']))
        const args = ['--era', era, '--calls', String(plan.calls), '--', ...command]
        const report = await runForJson<StdioReport>(loadCommand('stdio-load.js', args))
        requireClean(`${name} stdio ${era}`, report)
        for (const phase of ['fresh', 'warm'] as const) {
          phases[phase].add(name, report[phase].callsPerSecond)
          cpu[phase].add(name, report[phase].cpuMicros ?? Number.NaN)
        }
      }
    }
    for (const phase of ['fresh', 'warm'] as const) {
      const notes = new Map(
        [...cpu[phase].rounds].map(([name, all]) => [name, `${median(all).toFixed(1)} us CPU`]),
      )
      const figure = { what: `stdio ${phase} ${era}`, unit: 'calls/s', budget: BUDGETS.stdio }
      rows.push(...rowsOf(figure, phases[phase].rounds, notes))
    }
  }
  return rows
}

/** From spawn to the first answer over stdio. */
export async function coldSuite(plan: Plan): Promise<Row[]> {
  const rows: Row[] = []
  for (const [kind, budget] of [
    ['list', BUDGETS.coldList],
    ['add', BUDGETS.coldCall],
  ] as const) {
    const wall = new Collected()
    const cpu = new Collected()
    for (let round = 0; round < plan.coldRounds; round++) {
      plan.progress(`cold start round ${round + 1} of ${plan.coldRounds}: ${kind}`)
      for (const name of plan.subjects) {
        const { wallMs, cpuMs } = await coldStart(name, kind)
        wall.add(name, wallMs)
        if (cpuMs !== undefined) cpu.add(name, cpuMs)
      }
    }
    const floor = median(cpu.rounds.get('raw') ?? [])
    const notes = new Map(
      [...cpu.rounds].map(([name, all]) => {
        const used = median(all)
        return [name, `${used.toFixed(0)} ms CPU, x ${(used / floor).toFixed(2)}`]
      }),
    )
    rows.push(...rowsOf({ what: `cold start to ${kind}`, unit: 'ms', budget }, wall.rounds, notes))
  }
  return rows
}

/** The median latency of `add` with 5,000 tools against 50, one connection each so that no queue adds to it. */
export async function manyToolsSuite(plan: Plan): Promise<Row[]> {
  const few = await startMeasured('plain')
  const many = await startMeasured('plain', ['--tools', '5000']).catch(async (error: unknown) => {
    await few.stop()
    throw error
  })
  try {
    const order = { era: '2026-07-28', kind: 'add', connections: 1, requests: plan.requests.add } as const
    const p50: number[] = []
    const ratios: number[] = []
    const cpuRatios: number[] = []
    for (let round = 0; round < plan.rounds; round++) {
      plan.progress(`5,000 tools, round ${round + 1} of ${plan.rounds}`)
      const warmup = round === 0 ? plan.warmup : Math.ceil(plan.warmup / 10)
      const base = await measureLoad(few, { ...order, warmup })
      const full = await measureLoad(many, { ...order, warmup })
      requireClean('50 tools', base)
      requireClean('5,000 tools', full)
      p50.push(full.p50Ms * 1000)
      ratios.push(full.p50Ms / base.p50Ms)
      cpuRatios.push(full.cpuMicros / base.cpuMicros)
    }
    const ratio = median(ratios)
    const holds = ratio <= BUDGETS.manyTools.limit
    const note = `against 50 tools; CPU x ${median(cpuRatios).toFixed(2)}`
    const what = 'HTTP add, 5,000 tools, p50'
    return [
      {
        what,
        subject: 'plain',
        unit: 'us',
        value: median(p50),
        ratio,
        ratios,
        budget: BUDGETS.manyTools,
        holds,
        note,
      },
    ]
  } finally {
    await Promise.all([few.stop(), many.stop()])
  }
}
