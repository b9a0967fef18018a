import fc from 'fast-check'
import type { Outcome } from 'holdfast'
import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { mapItems } from '../../src/concurrency/map-items.js'
import { systemClock } from '../../src/contracts/clock.js'
import { gate, open, testServer, textOf } from '../protocol/support.js'
import { cell, keys, runs } from './one-call.js'

describe('ctx.map', () => {
  it('gives the values in the order of the items, with no more at once than it may', async () => {
    let running = 0
    let most = 0
    const { text } = await runs(async (_args, ctx) => {
      const values = await ctx.map(
        keys(40, 40),
        async (n) => {
          running += 1
          most = Math.max(most, running)
          await new Promise((resolve) => setImmediate(resolve))
          running -= 1
          return n * 2
        },
        { concurrency: 5 },
      )
      return String(values)
    })
    expect(text).toBe(String(keys(40, 40).map((n) => n * 2)))
    expect(most).toBe(5)
  })

  it('stops at the first failure, tells the others, and waits for them', async () => {
    let begun = 0
    let ended = 0
    const { text } = await runs(async (_args, ctx) => {
      const work = ctx.map(keys(100, 100), async (n, { signal }) => {
        begun += 1
        if (n === 3) throw ctx.error('broken', { message: 'Item 3 is broken.' })
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
        ended += 1
      })
      return work.catch((error: Error) => `${error.message} ${begun} ${ended}`)
    })
    expect(text).toBe('Item 3 is broken. 8 7')
  })

  it('collects an outcome for each item, and shows nothing internal', async () => {
    const outcomes: Outcome<number>[] = []
    const { logged } = await runs(async (_args, ctx) => {
      const collected = await ctx.map(
        keys(30, 30),
        (n) => {
          if (n === 2)
            throw ctx.error('not_here', { message: 'There is no 2.', hint: 'Take 1.', retryAfterMs: 5 })
          if (n > 4) throw new Error('password=hunter2secret')
          return n
        },
        { onError: 'collect' },
      )
      outcomes.push(...collected)
      return 'done'
    })
    expect(outcomes.slice(0, 4)).toEqual([
      { index: 0, ok: true, value: 0 },
      { index: 1, ok: true, value: 1 },
      {
        index: 2,
        ok: false,
        error: {
          code: 'not_here',
          message: 'There is no 2.',
          hint: 'Take 1.',
          retryable: false,
          retryAfterMs: 5,
        },
      },
      { index: 3, ok: true, value: 3 },
    ])
    expect(outcomes).toHaveLength(30)
    expect(outcomes[9]).toMatchObject({ ok: false, error: { code: 'internal', retryable: false } })
    expect(JSON.stringify(outcomes)).not.toContain('hunter2')
    // Ten of them whole, and how many there were.
    expect(logged.map(({ level }) => level)).toEqual(Array.from({ length: 11 }, () => 'error'))
    expect(logged.at(-1)?.fields).toMatchObject({ failed: 25 })
  })

  it('tells the client how many are done', async () => {
    const { server } = testServer()
    server.tool('run', { description: 'Runs.' }, async (_args, ctx) => {
      await ctx.map(keys(5, 5), (n) => n)
      return 'done'
    })
    const client = await open(cell, server)
    await client.callTool('run', {}, { meta: { progressToken: 'p' } })
    const progress = client.notifications.filter(({ method }) => method === 'notifications/progress')
    expect(progress.at(-1)).toMatchObject({ params: { progress: 5, total: 5 } })
  })

  it('goes on after a question to the client, and does not take it for a failure', async () => {
    const [stateless] = cells({ transports: ['memory'], revisions: ['2026-07-28'] })
    if (stateless === undefined) throw new Error('There is no such cell.')
    const { server } = testServer()
    const schema = { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] } as const
    server.tool('run', { description: 'Runs.' }, async (_args, ctx) => {
      const outcomes = await ctx.map(
        ['a', 'b'],
        async (name) => (await ctx.elicit({ key: name, message: `Take ${name}?`, schema })).action,
        { onError: 'collect' },
      )
      return JSON.stringify(outcomes.map((outcome) => outcome.ok && outcome.value))
    })
    const answers = { 'elicitation/create': () => ({ action: 'accept', content: { ok: true } }) }
    const client = await open(stateless, server, { capabilities: { elicitation: {} }, answers })
    expect(textOf(await client.callTool('run'))).toBe('["accept","accept"]')
  })

  it('takes no item of an asynchronous source before there is room, and ends the source', async () => {
    let made = 0
    let most = 0
    let done = 0
    let returned = false
    async function* source(): AsyncGenerator<number> {
      try {
        for (;;) {
          made += 1
          yield made
        }
      } finally {
        returned = true
      }
    }
    const { text } = await runs(async (_args, ctx) =>
      ctx
        .map(
          source(),
          async (n) => {
            await new Promise((resolve) => setImmediate(resolve))
            done += 1
            most = Math.max(most, made - done)
            if (n === 50) throw ctx.error('enough', { message: 'Enough.' })
          },
          { concurrency: 4 },
        )
        .then(
          () => 'never',
          (error: Error) => error.message,
        ),
    )
    expect(text).toBe('Enough.')
    expect(most).toBeLessThanOrEqual(4)
    expect(returned).toBe(true)
  })

  it('ends with its call', async () => {
    const { server } = testServer()
    const { opened: begun, open: begin } = gate<undefined>()
    const { opened: over, open: end } = gate<string>()
    server.tool('run', { description: 'Runs.' }, async (_args, ctx) => {
      await ctx
        .map(keys(100, 100), async (_n, { signal }) => {
          begin(undefined)
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
        })
        .catch((error: Error) => end(error.name))
    })
    const client = await open(cell, server)
    const call = client.callTool('run', {}, { id: 5 })
    call.catch(() => undefined)
    await begun
    await client.notify('notifications/cancelled', { requestId: 5 })
    expect(await over).toBe('AbortError')
  })

  it('lets other work have its turn while items and work wait for nothing', async () => {
    async function* endless(): AsyncGenerator<number> {
      for (let n = 0; n < 20_000; n += 1) yield n
    }
    for (const items of [endless(), keys(20_000, 20_000)]) {
      let turns = 0
      const { text } = await runs(async (_args, ctx) => {
        let timer: NodeJS.Immediate
        const count = (): void => {
          turns += 1
          timer = setImmediate(count)
        }
        timer = setImmediate(count)
        const { length } = await ctx.map(items, (n) => n)
        clearImmediate(timer)
        return String(length)
      })
      expect(text).toBe('20000')
      expect(turns).toBeGreaterThan(50)
    }
  })

  it('throws what failed, and not how the source took its end', async () => {
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: 1 }),
        return: () => Promise.reject(new Error('the source is no better')),
      }),
    }
    const { text } = await runs(async (_args, ctx) =>
      ctx
        .map(source, () => {
          throw ctx.error('enough', { message: 'Enough.' })
        })
        .then(
          () => 'never',
          (error: Error) => error.message,
        ),
    )
    expect(text).toBe('Enough.')
  })

  it('refuses a number at once that is none', async () => {
    const { logged } = await runs(async (_args, ctx) => ctx.map([1], (n) => n, { concurrency: 0 }))
    expect(
      JSON.stringify(logged[0]?.fields, (_key, value: unknown) =>
        value instanceof Error ? value.message : value,
      ),
    ).toContain('must be a whole number from 1, received 0')
  })

  it('whatever fails when: every item has its one outcome, in order, and never more run than may', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ turns: fc.nat(4), fails: fc.boolean() }), { maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        async (items, concurrency, lazily) => {
          let running = 0
          let most = 0
          const run = {
            signal: new AbortController().signal,
            clock: systemClock,
            concurrency,
            onProgress: undefined,
            nextTurn: () => Promise.resolve(),
          }
          const collect = (thrown: unknown, index: number) => ({
            code: String(thrown),
            message: String(index),
            retryable: false,
          })
          async function* slowly(): AsyncGenerator<(typeof items)[number]> {
            for (const item of items) {
              await null
              yield item
            }
          }
          const outcomes = await mapItems(
            lazily ? slowly() : items,
            async ({ turns, fails }, { index }) => {
              running += 1
              most = Math.max(most, running)
              for (let n = 0; n < turns; n += 1) await null
              running -= 1
              if (fails) throw 'failed'
              return index
            },
            { ...run, collect },
          )
          expect(most).toBeLessThanOrEqual(concurrency)
          expect(outcomes).toEqual(
            items.map(({ fails }, index) =>
              fails
                ? { index, ok: false, error: { code: 'failed', message: String(index), retryable: false } }
                : { index, ok: true, value: index },
            ),
          )
        },
      ),
    )
  })
})
