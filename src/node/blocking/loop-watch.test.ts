import { expect, it } from 'vitest'
import { keepingLogger } from '../../../test/protocol/support.js'
import type { CallWatcher, CallWatcherHost } from '../../engine/call-watch.js'
import { startLoopWatch } from './loop-watch.js'
import { hookKey } from './sighting.js'

async function started(): Promise<CallWatcher> {
  const host: Pick<CallWatcherHost, 'afterMs' | 'logger'> = { afterMs: 10_000, logger: keepingLogger() }
  return (await startLoopWatch(host as CallWatcherHost)) ?? expect.unreachable()
}

/** As V8 is asked for it. */
function running(): unknown {
  const ask: unknown = Reflect.get(globalThis, Symbol.for(hookKey))
  return typeof ask === 'function' ? ask() : undefined
}

it('who is watched can still be named when another server of the process has closed', async () => {
  const [one, other] = [await started(), await started()]
  await one.stop()
  expect(other.enter('tool', 'slow', running)).toBe('tool slow')
  await other.stop()
  expect(Reflect.has(globalThis, Symbol.for(hookKey))).toBe(false)
})
