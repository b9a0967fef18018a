import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fuzzRuns } from '../../test/fuzz-runs.js'
import type { Clock } from '../contracts/clock.js'
import { Bulkhead, type Overload, type Turn, type Visit } from './bulkhead.js'

/** Time in events: what is planned happens in the order of its time, and nothing happens in between. */
class World {
  at = 0
  readonly clock: Clock = { now: () => this.at, monotonic: () => this.at, after: () => () => undefined }
  #planned: { readonly at: number; readonly order: number; readonly happen: () => void }[] = []
  #order = 0

  plan(at: number, happen: () => void): void {
    this.#order += 1
    this.#planned.push({ at, order: this.#order, happen })
  }

  run(after: () => void = () => undefined): void {
    for (;;) {
      this.#planned.sort((left, right) => left.at - right.at || left.order - right.order)
      const next = this.#planned.shift()
      if (next === undefined) return
      this.at = Math.max(this.at, next.at)
      next.happen()
      after()
    }
  }
}

interface Job {
  readonly at: number
  readonly takes: number
  readonly within: number
  readonly cancelAfter: number | undefined
}

type Outcome = 'done' | 'refused at once' | 'refused later' | 'cancelled' | 'timed out'

interface Run {
  readonly job: Job
  outcome: Outcome | undefined
  startedAt: number | undefined
  starts: number
  enteredAt: number
  overload?: Overload
}

/** Sends jobs through a bulkhead as the middleware does: whoever is cancelled or meets his deadline leaves. */
function simulate(
  bulkhead: Bulkhead,
  world: World,
  jobs: readonly Job[],
): { readonly runs: readonly Run[]; readonly started: readonly Run[] } {
  const started: Run[] = []
  const waiting: Run[] = []
  let running = 0
  const runs = jobs.map((job): Run => {
    const run: Run = { job, outcome: undefined, startedAt: undefined, starts: 0, enteredAt: job.at }
    world.plan(job.at, () => {
      let visit: Visit | undefined
      const settle = (outcome: Outcome, done: boolean): void => {
        if (run.outcome !== undefined) return
        run.outcome = outcome
        if (run.starts > 0) running -= 1
        else if (waiting.includes(run)) waiting.splice(waiting.indexOf(run), 1)
        if (visit !== undefined) {
          bulkhead.leave(visit, done)
          // A second time is no second slot.
          bulkhead.leave(visit, done)
        }
      }
      const begin = (): void => {
        run.starts += 1
        run.startedAt = world.at
        running += 1
        started.push(run)
        world.plan(world.at + job.takes, () => settle('done', true))
      }
      const turn: Turn = {
        start() {
          // First come, first served: nobody who may still start waits before him.
          expect(waiting[0]).toBe(run)
          waiting.shift()
          begin()
        },
        refuse(overload) {
          expect(waiting[0]).toBe(run)
          waiting.shift()
          run.outcome = 'refused later'
          run.overload = overload
        },
      }
      const entered = bulkhead.enter(world.at + job.within, turn)
      if ('reason' in entered) {
        run.outcome = 'refused at once'
        run.overload = entered
        return
      }
      visit = entered
      if (entered.state === 'running') begin()
      else waiting.push(run)
      world.plan(world.at + job.within, () => settle('timed out', run.starts > 0))
      if (job.cancelAfter !== undefined)
        world.plan(world.at + job.cancelAfter, () => settle('cancelled', false))
    })
    return run
  })
  world.run(() => {
    expect(bulkhead.running).toBe(running)
    expect(bulkhead.queued).toBe(waiting.length)
    expect(running).toBeLessThanOrEqual(bulkhead.limit)
    expect(waiting.length).toBeLessThanOrEqual(bulkhead.queue)
    // No slot is free while somebody waits.
    if (waiting.length > 0) expect(running).toBe(bulkhead.limit)
  })
  return { runs, started }
}

const job = fc.record({
  at: fc.integer({ min: 0, max: 500 }),
  takes: fc.integer({ min: 0, max: 120 }),
  within: fc.integer({ min: 0, max: 400 }),
  cancelAfter: fc.option(fc.integer({ min: 0, max: 200 }), { nil: undefined }),
})

describe('Bulkhead', () => {
  it('lets in no more than its limit, in order, loses no slot and settles everybody once', () => {
    const shape = { limit: fc.integer({ min: 1, max: 5 }), queue: fc.integer({ min: 0, max: 8 }) }
    fc.assert(
      fc.property(fc.record(shape), fc.array(job, { maxLength: 60 }), ({ limit, queue }, jobs) => {
        const world = new World()
        const bulkhead = new Bulkhead({ limit, queue, clock: world.clock })
        const { runs, started } = simulate(bulkhead, world, jobs)
        expect([bulkhead.running, bulkhead.queued]).toEqual([0, 0])
        for (const run of runs) {
          expect(run.outcome).toBeDefined()
          expect(run.starts).toBeLessThanOrEqual(1)
          if (run.outcome === 'refused at once' || run.outcome === 'refused later') expect(run.starts).toBe(0)
          if (run.overload !== undefined) {
            expect(run.overload.limit).toBe(limit)
            expect(run.overload.retryAfterMs).toBeGreaterThanOrEqual(1)
            expect(run.overload.retryAfterMs).toBeLessThanOrEqual(60_000)
          }
        }
        const refused = runs.filter(({ outcome }) => outcome?.startsWith('refused') === true)
        expect(bulkhead.refused).toBe(refused.length)
        const arrivals = started
          .map((run) => runs.indexOf(run))
          .map((index) => [runs[index]?.enteredAt ?? 0, index])
        expect(arrivals).toEqual([...arrivals].sort(([a = 0, i = 0], [b = 0, j = 0]) => a - b || i - j))
        // All slots are there again.
        const turn: Turn = { start: () => undefined, refuse: () => undefined }
        for (let slot = 0; slot < limit; slot += 1) {
          expect(bulkhead.enter(world.at + 1e9, turn)).toMatchObject({ state: 'running' })
        }
        expect(bulkhead.running).toBe(limit)
      }),
      { numRuns: fuzzRuns(500) },
    )
  })

  it('gives a free slot whatever the estimate says, so that a wrong one mends itself', () => {
    const world = new World()
    const bulkhead = new Bulkhead({ limit: 1, queue: 5, clock: world.clock })
    const slow: Job[] = [{ at: 0, takes: 10_000, within: 20_000, cancelAfter: undefined }]
    const fast = Array.from({ length: 60 }, (_, n) => ({
      ...{ at: 20_000 + n * 100, takes: 10, within: 50, cancelAfter: undefined },
    }))
    const { runs } = simulate(bulkhead, world, [...slow, ...fast])
    expect(runs.map(({ outcome }) => outcome)).toEqual(runs.map(() => 'done'))
    expect(bulkhead.service.meanMs).toBeLessThan(50)
  })

  it('sends away at once who could not be done in time, and nobody else: even work, an open loop', () => {
    const world = new World()
    const bulkhead = new Bulkhead({ limit: 4, queue: 40, clock: world.clock })
    const jobs = Array.from({ length: 2400 }, (_, n) => ({
      ...{ at: n * 12.5, takes: 200, within: 1000, cancelAfter: undefined },
    }))
    const { runs } = simulate(bulkhead, world, jobs)
    const count = (outcome: Outcome): number => runs.filter((run) => run.outcome === outcome).length
    // 4 at once of 200 ms each are 20 a second; the rest of 80 is refused, and at once.
    expect(count('done')).toBeGreaterThanOrEqual(20 * 30 - 1)
    expect(count('timed out') + count('refused later')).toBe(0)
    expect(count('done') + count('refused at once')).toBe(2400)
  })

  it.each([1, 2])('stays useful where work is uneven (seed %i)', (seed) => {
    const world = new World()
    const bulkhead = new Bulkhead({ limit: 4, queue: 40, clock: world.clock })
    let state = seed
    const random = (): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
      return state / 0x7fffffff
    }
    let at = 0
    const jobs = Array.from({ length: 4000 }, () => {
      at += -Math.log(1 - random() * 0.9999) * 12.5
      return { at, takes: -Math.log(1 - random() * 0.9999) * 200, within: 1000, cancelAfter: undefined }
    })
    const { runs } = simulate(bulkhead, world, jobs)
    const count = (outcome: Outcome): number => runs.filter((run) => run.outcome === outcome).length
    const perSecond = count('done') / (at / 1000)
    expect(perSecond).toBeGreaterThan(18)
    expect(count('timed out') + count('refused later')).toBeLessThan(0.15 * count('done'))
  })

  it('names each who is refused a later time than the one before, so that they do not all come back at once', () => {
    const world = new World()
    const bulkhead = new Bulkhead({ limit: 2, queue: 0, clock: world.clock })
    bulkhead.service.add(100)
    const turn: Turn = { start: () => undefined, refuse: () => undefined }
    const enter = () => bulkhead.enter(world.at + 1000, turn)
    enter()
    enter()
    const named = Array.from({ length: 5 }, () => {
      const refused = enter()
      return 'reason' in refused ? refused.retryAfterMs : 0
    })
    expect(named).toEqual([100, 150, 200, 250, 300])
  })

  it('a storm of retries that come when they were told is over as soon as it can be', () => {
    const world = new World()
    const bulkhead = new Bulkhead({ limit: 4, queue: 8, clock: world.clock })
    let done = 0
    let attempts = 0
    const attempt = (): void => {
      attempts += 1
      let visit: Visit | undefined
      const begin = (): void => {
        world.plan(world.at + 50, () => {
          done += 1
          if (visit !== undefined) bulkhead.leave(visit, true)
        })
      }
      const again = ({ retryAfterMs }: Overload): void => world.plan(world.at + retryAfterMs, attempt)
      const entered = bulkhead.enter(world.at + 1000, { start: begin, refuse: again })
      if ('reason' in entered) {
        again(entered)
        return
      }
      visit = entered
      if (entered.state === 'running') begin()
    }
    for (let n = 0; n < 400; n += 1) world.plan(0, attempt)
    world.run()
    // 400 calls of 50 ms, four at once, are done in 5 s at best.
    expect(done).toBe(400)
    expect(world.at).toBeLessThan(7500)
    expect(attempts).toBeLessThan(400 * 5)
  })

  it('who cancels and comes again stands last', () => {
    const world = new World()
    const bulkhead = new Bulkhead({ limit: 1, queue: 10, clock: world.clock })
    const started: string[] = []
    const enter = (name: string): Visit => {
      const entered = bulkhead.enter(1e6, { start: () => started.push(name), refuse: () => undefined })
      if ('reason' in entered) throw new Error(`${name} was refused`)
      return entered
    }
    let first = enter('first')
    const restless = enter('restless')
    const patient = enter('patient')
    bulkhead.leave(restless, false)
    const again = enter('restless again')
    bulkhead.leave(first, true)
    expect(started).toEqual(['patient'])
    first = patient
    bulkhead.leave(first, true)
    expect(started).toEqual(['patient', 'restless again'])
    bulkhead.leave(again, true)
    expect([bulkhead.running, bulkhead.queued]).toEqual([0, 0])
  })

  it('10,000 visits that are given up leave nothing behind', () => {
    const world = new World()
    const bulkhead = new Bulkhead({ limit: 3, queue: 10_000, clock: world.clock })
    const turn: Turn = { start: () => undefined, refuse: () => undefined }
    const visits = Array.from({ length: 10_000 }, () => bulkhead.enter(1e9, turn))
    expect([bulkhead.running, bulkhead.queued]).toEqual([3, 9997])
    for (const visit of visits.reverse()) if ('state' in visit) bulkhead.leave(visit, false)
    expect([bulkhead.running, bulkhead.queued]).toEqual([0, 0])
  })
})
