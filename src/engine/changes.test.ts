import { describe, expect, it } from 'vitest'
import type { Bus } from '../contracts/bus.js'
import { createMemoryBus } from '../stores/memory/memory-bus.js'
import { type Change, Changes } from './changes.js'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function rig(bus: Bus = createMemoryBus()) {
  const logged: string[] = []
  const log = (message: string): void => void logged.push(message)
  const changes = new Changes(bus, { debug: log, info: log, warn: log, error: log })
  const heard: Change[] = []
  const stop = changes.listen((change) => void heard.push(change))
  return { changes, heard, stop, logged }
}

describe('Changes', () => {
  it('announces what changed within one turn once', async () => {
    const { changes, heard } = rig()
    changes.open()
    changes.announce({ kind: 'tools' })
    changes.announce({ kind: 'resource', uri: 'app://a' })
    await Promise.resolve()
    changes.announce({ kind: 'tools' })
    changes.announce({ kind: 'resource', uri: 'app://b' })
    changes.announce({ kind: 'resource', uri: 'app://a' })
    await turn()
    expect(heard).toEqual([
      { kind: 'tools' },
      { kind: 'resource', uri: 'app://a' },
      { kind: 'resource', uri: 'app://b' },
    ])
    changes.announce({ kind: 'tools' })
    await turn()
    expect(heard).toHaveLength(4)
  })

  it('tells what waits at once when the server closes, and not once more', async () => {
    const { changes, heard } = rig()
    changes.open()
    changes.announce({ kind: 'tools' })
    changes.flush()
    expect(heard).toEqual([{ kind: 'tools' }])
    await turn()
    expect(heard).toHaveLength(1)
  })

  it('says nothing before it is opened, and nothing to who has left', async () => {
    const { changes, heard, stop } = rig()
    changes.announce({ kind: 'tools' })
    await turn()
    changes.open()
    stop()
    changes.announce({ kind: 'tools' })
    await turn()
    expect(heard).toEqual([])
  })

  it('tells the clients of this node when the bus does not take it, and logs that', async () => {
    for (const publish of [
      () => Promise.reject(new Error('down')),
      () => {
        throw new Error('down')
      },
    ]) {
      const { changes, heard, logged } = rig({ publish, subscribe: () => () => undefined })
      changes.open()
      changes.announce({ kind: 'prompts' })
      await turn()
      expect(heard).toEqual([{ kind: 'prompts' }])
      expect(logged).toEqual([expect.stringContaining('only clients of this node')])
    }
  })

  it('logs an outage of the bus once, and the next one again', async () => {
    const how = { down: true }
    const publish = async () => {
      if (how.down) throw new Error('down')
    }
    const { changes, logged } = rig({ publish, subscribe: () => () => undefined })
    changes.open()
    for (const down of [true, true, true, false, true, true]) {
      how.down = down
      changes.announce({ kind: 'tools' })
      await turn()
    }
    expect(logged).toHaveLength(2)
  })

  it('reads what other nodes say with care', async () => {
    const bus = createMemoryBus()
    const { heard } = rig(bus)
    for (const message of ['', '{', 'null', '7', '{}', '[null, 7, {"kind":"resource"}, {"kind":"new"}]']) {
      await bus.publish('holdfast:changes', message)
    }
    await bus.publish('holdfast:changes', '[{"kind":"task","id":"t"}]')
    expect(heard).toEqual([{ kind: 'task', id: 't' }])
  })

  it('bounds what one turn may announce, and counts the rest', async () => {
    const { changes, heard } = rig()
    changes.open()
    for (let index = 0; index < 10_050; index += 1)
      changes.announce({ kind: 'resource', uri: `app://${index}` })
    expect(changes.stats()).toMatchObject({ size: 10_000, dropped: 50 })
    await turn()
    expect([heard.length, changes.stats().size]).toEqual([10_000, 0])
  })
})
