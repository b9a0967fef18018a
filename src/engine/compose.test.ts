import { describe, expect, it } from 'vitest'
import type { Call, Middleware } from './call.js'
import { compose } from './compose.js'

/** A middleware is handed the call as it is and reads nothing of it here. */
function callOf(input: unknown): Call {
  return { kind: 'tool', name: 'echo', input } as Call
}

function noting(name: string, notes: string[]): Middleware {
  return async (_call, next) => {
    notes.push(`${name} in`)
    const result = await next()
    notes.push(`${name} out`)
    return result
  }
}

describe('compose', () => {
  it('runs them outermost first, and back', async () => {
    const notes: string[] = []
    const chain = compose([noting('a', notes), noting('b', notes)], () => {
      notes.push('handler')
      return 'done'
    })
    expect(await chain(callOf(1))).toBe('done')
    expect(notes).toEqual(['a in', 'b in', 'handler', 'b out', 'a out'])
  })

  it('is the handler itself without middlewares', () => {
    const handler = (call: Call): unknown => call.input
    expect(compose([], handler)).toBe(handler)
  })

  it('stays synchronous when all of them are', () => {
    const chain = compose(
      [(_call, next) => next(), (call, next) => [call.name, next()]],
      ({ input }) => input,
    )
    expect(chain(callOf(7))).toEqual(['echo', 7])
  })

  it('lets one refuse, answer in its place, change the input and change what comes back', async () => {
    let ran = 0
    const handler = ({ input }: Call): unknown => {
      ran += 1
      return input
    }
    const refuse: Middleware = () => {
      throw new Error('not you')
    }
    expect(() => compose([refuse], handler)(callOf(1))).toThrow('not you')
    expect(compose([() => 'cached'], handler)(callOf(1))).toBe('cached')
    expect(ran).toBe(0)
    const change: Middleware = async (call, next) => {
      call.input = 2
      return [await next()]
    }
    expect(await compose([change], handler)(callOf(1))).toEqual([2])
  })

  it('carries what the handler throws or rejects with through every one', async () => {
    const notes: string[] = []
    const watching: Middleware = async (_call, next) => {
      try {
        return await next()
      } catch (error) {
        notes.push(String(error))
        throw error
      }
    }
    const failure = new Error('broken')
    const thrown = compose([watching, watching], () => {
      throw failure
    })
    await expect(thrown(callOf(1))).rejects.toBe(failure)
    await expect(compose([watching], () => Promise.reject(failure))(callOf(1))).rejects.toBe(failure)
    expect(notes).toEqual(['Error: broken', 'Error: broken', 'Error: broken'])
  })

  it.each<[string, Middleware]>([
    [
      'twice',
      async function twice(_call, next) {
        await next()
        return next()
      },
    ],
    ['anonymous', (() => async (_call, next) => [await next(), await next()])() as Middleware],
  ])('refuses a second next() by name (%s), and runs the handler once', async (name, middleware) => {
    let ran = 0
    const chain = compose([middleware], () => (ran += 1))
    await expect(chain(callOf(1))).rejects.toThrow(`The middleware "${name}" called next() twice.`)
    expect(ran).toBe(1)
  })

  it('refuses a second next() also when the first failed', async () => {
    const retrying: Middleware = async function retrying(_call, next) {
      try {
        return await next()
      } catch {
        return next()
      }
    }
    const chain = compose([retrying], () => Promise.reject(new Error('broken')))
    await expect(chain(callOf(1))).rejects.toThrow('The middleware "retrying" called next() twice.')
  })

  it('makes a promise of a thenable that is none, such as a query builder', async () => {
    const query = { then: (resolve: (rows: string[]) => void) => resolve(['row']) }
    const result = compose([(_call, next) => next()], () => query)(callOf(1))
    expect(result).toBeInstanceOf(Promise)
    expect(await result).toEqual(['row'])
  })

  it('keeps calls that run at once apart', async () => {
    const later: Middleware = async (_call, next) => {
      await new Promise((resolve) => setImmediate(resolve))
      return next()
    }
    const chain = compose([later, later], ({ input }) => input)
    const all = Array.from({ length: 50 }, (_, at) => at)
    expect(await Promise.all(all.map((input) => chain(callOf(input))))).toEqual(all)
  })
})
