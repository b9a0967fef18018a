import { describe, expect, it } from 'vitest'
import type { KeptEvent } from '../../../src/contracts/event-store.js'
import { kinds } from './kinds.js'

const event = (sequence: number, text = `text ${sequence}`): KeptEvent => ({ sequence, text })

describe.each(kinds)('EventStore: $name', ({ make }) => {
  it('gives what came after an event, nothing after the last, and knows no other stream', async () => {
    const { events } = make()
    expect(await events.append('s', 'a', [event(1), event(2)])).toBe(true)
    expect(await events.append('s', 'a', [event(3)])).toBe(true)
    const beyond = (sequence: number) => events.after('s', sequence)
    expect(await beyond(0)).toEqual({ events: [event(1), event(2), event(3)], ended: false })
    expect(await beyond(2)).toEqual({ events: [event(3)], ended: false })
    expect(await beyond(3)).toEqual({ events: [], ended: false })
    expect(await beyond(99)).toEqual({ events: [], ended: false })
    expect(await events.after('t', 0)).toBeUndefined()
  })

  it('knows of a stream without events', async () => {
    const { events } = make()
    expect(await events.append('s', 'a', [])).toBe(true)
    expect(await events.after('s', 0)).toEqual({ events: [], ended: false })
    await events.append('s', 'a', [event(1)])
    expect(await events.after('s', 0)).toEqual({ events: [event(1)], ended: false })
  })

  it('carries any text', async () => {
    const { events } = make()
    const texts = ['', 'id: x_1\nevent: message\ndata: {"a":"\\u0000"}\n\n', '世界 😀', 'x'.repeat(100_000)]
    const kept = texts.map((text, at) => event(at + 1, text))
    await events.append('s', 'a', kept)
    expect((await events.after('s', 0))?.events).toEqual(kept)
  })

  it('says that a stream has ended, which adds nothing for the time', async () => {
    const { events } = make()
    await events.append('s', 'a', [event(1)])
    await events.end('s', 'b')
    expect(await events.after('s', 0)).toMatchObject({ ended: false })
    await events.end('s', 'a')
    await events.end('unknown', 'a')
    expect(await events.after('s', 0)).toEqual({ events: [event(1)], ended: true })
    expect(await events.after('unknown', 0)).toBeUndefined()
  })

  it('gives a stream to who takes it, and from that moment nobody else adds', async () => {
    const { events } = make()
    await events.append('s', 'a', [event(1)])
    expect(await events.after('s', 0, 'b')).toEqual({ events: [event(1)], ended: false })
    expect(await events.append('s', 'a', [event(2, 'late')])).toBe(false)
    expect(await events.append('s', 'b', [event(2)])).toBe(true)
    await events.end('s', 'a')
    expect(await events.after('s', 0)).toEqual({ events: [event(1), event(2)], ended: false })
    expect(await events.after('unknown', 0, 'b')).toBeUndefined()
    expect(await events.append('unknown', 'a', [event(1)])).toBe(true)
  })

  it('forgets, and then begins anew', async () => {
    const { events } = make()
    await events.append('s', 'a', [event(1)])
    await events.forget('s')
    await events.forget('s')
    expect(await events.after('s', 0)).toBeUndefined()
    // What was before is gone, and who misses it must hear that.
    await events.append('s', 'b', [event(5)])
    expect(await events.after('s', 3)).toBeUndefined()
    expect(await events.after('s', 4)).toEqual({ events: [event(5)], ended: false })
  })

  it('never gives a part for the whole when it is full', async () => {
    const { events } = make({ maxEventBytes: 20_000 })
    const long = 'x'.repeat(1000)
    for (let n = 1; n <= 40; n += 1) {
      for (const stream of ['s', 't', 'u']) await events.append(stream, 'a', [event(n, long)])
    }
    for (const stream of ['s', 't', 'u']) {
      for (const seen of [0, 20, 38, 39]) {
        const kept = await events.after(stream, seen)
        if (kept !== undefined) expect(kept.events).toHaveLength(40 - seen)
      }
    }
    expect(await events.after('s', 0)).toBeUndefined()
    expect(await events.after('u', 39)).toBeDefined()
  })
})
