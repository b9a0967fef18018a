import { expect, it } from 'vitest'
import { keepingLogger } from '../../test/protocol/support.js'
import { systemClock } from '../contracts/clock.js'
import type { Exchange } from '../engine/exchange.js'
import { Spill } from './spill.js'

it('ends what is on its way into a file when the server closes', async () => {
  const spill = new Spill(
    {},
    {
      clock: systemClock,
      logger: keepingLogger(),
      sealer: { seal: async () => '', open: async () => undefined },
      callerOf: () => 'a',
    },
  )
  const exchange = { principal: { kind: 'anonymous' }, whenEnded: () => () => undefined }
  let ended = false
  const source: AsyncIterable<string> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => undefined),
      return: async () => {
        ended = true
        return { done: true, value: undefined }
      },
    }),
  }
  const written = spill.write(exchange as unknown as Exchange, source, { name: 'endless' })
  const closed = spill.close()
  await expect(written).rejects.toThrow('closing')
  await closed
  expect(ended).toBe(true)
})
