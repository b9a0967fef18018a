import { describe, expect, it } from 'vitest'
import { EventLog } from './event-log.js'

const event = (sequence: number, text = 'x'.repeat(50)) => ({ sequence, text })
/** What one of the events above counts as. */
const cost = 200
/** What a stream counts as beside its events. */
const streamCost = 100

function filled(limit: number, count: number): EventLog {
  const log = new EventLog(limit)
  for (let sequence = 1; sequence <= count; sequence += 1) log.append('a', 'w', [event(sequence)])
  return log
}

describe('EventLog', () => {
  it('gives what came after an event, and nothing after the last', () => {
    const log = filled(10_000, 3)
    const sequences = (after: number) => log.after('a', after)?.events.map(({ sequence }) => sequence)
    expect([sequences(0), sequences(1), sequences(3), sequences(99)]).toEqual([[1, 2, 3], [2, 3], [], []])
  })

  it('drops the oldest events when it is full, and says so to who misses them', () => {
    const log = filled(cost * 3 + streamCost, 5)
    expect(log.stats()).toMatchObject({
      size: cost * 3 + streamCost,
      limit: cost * 3 + streamCost,
      unit: 'bytes',
      dropped: 2,
    })
    expect(log.after('a', 1)).toBeUndefined()
    expect(log.after('a', 2)?.events.map(({ sequence }) => sequence)).toEqual([3, 4, 5])
  })

  it('takes from the stream that began first', () => {
    const log = filled((cost + streamCost) * 2 + cost - 1, 2)
    log.append('b', 'w', [event(1)])
    log.append('b', 'w', [event(2)])
    expect(log.after('a', 0)).toBeUndefined()
    expect(log.after('b', 0)?.events).toHaveLength(2)
  })

  it('keeps no event that is larger than itself', () => {
    const log = new EventLog(cost)
    log.append('a', 'w', [event(1, 'x'.repeat(1000))])
    expect(log.stats().size).toBe(0)
    expect(log.after('a', 0)).toBeUndefined()
  })

  it('holds nothing of a stream that is forgotten', () => {
    const log = filled(10_000, 3)
    log.forget('a')
    log.forget('a')
    expect(log.stats().size).toBe(0)
    expect(log.after('a', 0)).toBeUndefined()
    log.append('a', 'w', [event(4)])
    expect(log.after('a', 3)?.events).toHaveLength(1)
  })
})
