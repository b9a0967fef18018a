import { createServer } from 'holdfast'
import { describe, it } from 'vitest'
import { z } from 'zod'

const server = createServer({ name: 'types', version: '1.0.0' })
const output = z.array(z.object({ id: z.number() }))

describe('a tool whose output is an array', () => {
  it('may return a source of its items, and of nothing else', () => {
    server.tool('right', { description: 'Lists.', output }, async function* () {
      yield { id: 1 }
    })
    async function* names(): AsyncGenerator<{ id: string }> {
      yield { id: 'one' }
    }
    async function* items(): AsyncGenerator<{ id: number }> {
      yield { id: 1 }
    }
    // @ts-expect-error: an item is none of the output's
    server.tool('wrong-item', { description: 'Lists.', output }, () => names())
    const one = z.object({ id: z.number() })
    // @ts-expect-error: the output is no array
    server.tool('no-array', { description: 'Lists.', output: one }, () => items())
    server.tool('any', { description: 'Lists.' }, async function* () {
      yield 1
    })
  })

  it('spills texts and bytes', () => {
    server.tool('spill', { description: 'Spills.' }, (_args, ctx) => {
      // @ts-expect-error: numbers are neither
      const numbers = () => ctx.spill([1, 2], { name: 'numbers' })
      // @ts-expect-error: a link has a name
      const nameless = () => ctx.spill('text', {})
      return ctx.spill(new Uint8Array(3), { name: numbers.name + nameless.name })
    })
  })
})
