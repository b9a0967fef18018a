import { describe, expect, it } from 'vitest'
import { kinds } from './kinds.js'

describe.each(kinds)('Bus: $name', ({ make }) => {
  it('tells its own listeners once for each publish, in order, and only those of the topic', async () => {
    const { bus } = make()
    const heard: string[] = []
    bus.subscribe('a', (message) => heard.push(message))
    bus.subscribe('b', (message) => heard.push(`b ${message}`))
    for (let n = 0; n < 50; n += 1) await bus.publish('a', String(n))
    expect(heard).toEqual(Array.from({ length: 50 }, (_, n) => String(n)))
  })

  it('carries any text', async () => {
    const { bus } = make()
    const heard: string[] = []
    bus.subscribe('a', (message) => heard.push(message))
    const texts = ['', ' ', '{"a":"\\u0000\\n"}', '世界 😀', 'x'.repeat(100_000)]
    for (const text of texts) await bus.publish('a', text)
    expect(heard).toEqual(texts)
  })

  it('tells a listener that subscribed twice twice, and one that left no more', async () => {
    const { bus } = make()
    const heard: string[] = []
    const listener = (message: string): void => void heard.push(message)
    const leave = bus.subscribe('a', listener)
    const leaveAgain = bus.subscribe('a', listener)
    await bus.publish('a', '1')
    leave()
    await bus.publish('a', '2')
    leaveAgain()
    leaveAgain()
    await bus.publish('a', '3')
    expect(heard).toEqual(['1', '1', '2'])
  })
})
