import { describe, expect, it } from 'vitest'
import { systemClock } from '../contracts/clock.js'
import { anonymous } from '../contracts/principal.js'
import type { RequestId } from '../protocol/json-rpc.js'
import { revision20251125 } from '../protocol/revisions/2025-11-25.js'
import { Dialect } from './dialect.js'
import { Exchange, unknownClient } from './exchange.js'
import { InFlight } from './in-flight.js'

const dialect = new Dialect(revision20251125, { name: 'test-server', version: '1.0.0' })

function exchange(id: RequestId): Exchange {
  return new Exchange({
    id,
    method: 'tools/call',
    params: {},
    dialect,
    client: unknownClient,
    principal: anonymous,
    transport: 'memory',
    clock: systemClock,
  })
}

describe('InFlight', () => {
  it('tells 1 from "1", and one scope from another', () => {
    const calls = new InFlight('calls', 10)
    for (const id of [1, '1', -1, 'n1', '"1"', 1.5]) expect(calls.begin(exchange(id))).toBe('begun')
    expect(calls.begin(exchange(1), 'session')).toBe('begun')
    expect(calls.begin(exchange('1'))).toBe('duplicate')
    expect(calls.size).toBe(7)
    calls.finish('1')
    expect([calls.get('1'), calls.get(1)?.id, calls.get(1, 'session')?.id]).toEqual([undefined, 1, 1])
    expect(calls.begin(exchange('1'))).toBe('begun')
  })

  it('takes no more than its limit, counts what it refused, and takes again', () => {
    const calls = new InFlight('calls', 2)
    calls.begin(exchange(1))
    calls.begin(exchange(2))
    expect(calls.begin(exchange(2))).toBe('duplicate')
    expect(calls.begin(exchange(3))).toBe('full')
    expect(calls.stats()).toEqual({ name: 'calls', size: 2, limit: 2, unit: 'entries', dropped: 1 })
    calls.finish(1)
    expect(calls.begin(exchange(3))).toBe('begun')
  })

  it('keeps the one that began when a second with its id is refused', () => {
    const calls = new InFlight('calls', 2)
    const original = exchange(1)
    calls.begin(original)
    calls.begin(exchange(1))
    expect(calls.get(1)).toBe(original)
  })

  it('ends all, also when ending one finishes others', () => {
    const calls = new InFlight('calls', 10)
    const all = [1, 2, 3].map(exchange)
    for (const one of all) {
      calls.begin(one)
      one.whenEnded(() => {
        for (const { id } of all) calls.finish(id)
      })
    }
    calls.endAll('closing')
    expect(all.map(({ ended }) => ended)).toEqual(['closing', 'closing', 'closing'])
    expect(calls.size).toBe(0)
  })
})

describe('onceEmpty', () => {
  it('calls at once when nothing runs, and once when the last has finished', () => {
    const calls = new InFlight('calls', 10)
    const told: string[] = []
    calls.onceEmpty(() => told.push('at once'))
    expect(told).toEqual(['at once'])
    calls.begin(exchange(1))
    calls.begin(exchange(2), 'session')
    calls.onceEmpty(() => told.push('later'))
    calls.finish(1)
    expect(told).toEqual(['at once'])
    calls.finish(2, 'session')
    calls.begin(exchange(3))
    calls.finish(3)
    expect(told).toEqual(['at once', 'later'])
  })

  it('tells both of two that wait', () => {
    const calls = new InFlight('calls', 10)
    const told: string[] = []
    calls.begin(exchange(1))
    calls.onceEmpty(() => told.push('first'))
    calls.onceEmpty(() => told.push('second'))
    calls.finish(1)
    expect(told).toEqual(['first', 'second'])
  })

  it('forgets the later of two and still tells the earlier', () => {
    const calls = new InFlight('calls', 10)
    const told: string[] = []
    calls.begin(exchange(1))
    calls.onceEmpty(() => told.push('first'))
    const forget = calls.onceEmpty(() => told.push('second'))
    forget()
    calls.finish(1)
    expect(told).toEqual(['first'])
  })

  it('forgets the earlier of two and still tells the later', () => {
    const calls = new InFlight('calls', 10)
    const told: string[] = []
    calls.begin(exchange(1))
    const forget = calls.onceEmpty(() => told.push('first'))
    calls.onceEmpty(() => told.push('second'))
    forget()
    calls.finish(1)
    expect(told).toEqual(['second'])
  })

  it('tells nobody a second time who forgets after having been told', () => {
    const calls = new InFlight('calls', 10)
    const told: string[] = []
    calls.begin(exchange(1))
    calls.onceEmpty(() => told.push('first'))
    const forget = calls.onceEmpty(() => told.push('second'))
    calls.finish(1)
    forget()
    calls.begin(exchange(2))
    calls.finish(2)
    expect(told).toEqual(['first', 'second'])
  })
})
