import { createServer, type HandlerContext, type ToolDefinition, toolsFor } from 'holdfast'
import { defineWorker, type WorkerContext } from 'holdfast/worker'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'

const description = 'Does much.'
const worker = new URL(import.meta.url)
const bare = () => createServer({ name: 'types', version: '1.0.0' })

describe('a tool with a worker', () => {
  const input = z.object({ id: z.string().describe('Number.') })

  it('has no handler, on a server, in a group and in a file of its own', () => {
    const server = bare()
    server.tool('a', { description, input, worker, timeout: '5s', concurrency: 2 })
    server.group({ prefix: 'b-' }).tool('a', { description, worker })
    const definition = toolsFor<{ readonly db: object }>()('c', { description, input, worker })
    expectTypeOf(definition).toEqualTypeOf<ToolDefinition<unknown>>()
    expect(server.add(definition).name).toBe('c')
  })

  it('is refused with a handler as well, and without both', () => {
    const server = bare()
    // @ts-expect-error: a tool has a handler or a worker, not both
    expect(() => server.tool('a', { description, worker }, () => 'done')).toThrow(/a handler; one of them/)
    // @ts-expect-error: the same in a file of its own
    const both = toolsFor<unknown>()('a', { description, worker }, () => 'done')
    expect(() => server.add(both)).toThrow(/a handler; one of them/)
    // @ts-expect-error: somebody must do the work
    expect(() => server.tool('a', { description })).toThrow(/or a "worker" in them/)
    // @ts-expect-error: a path says not what it is relative to
    expect(() => server.tool('a', { description, worker: './heavy.js' })).toThrow(/must be a URL/)
    // @ts-expect-error: a worker cannot ask its client
    expect(() => server.tool('a', { description, worker, requires: ['roots'] })).toThrow(/cannot ask/)
    const begins = { support: 'optional', begins: 'handler' } as const
    expect(() => server.tool('a', { description, worker, task: begins })).toThrow(/begins with a handler/)
  })

  it('leads to a file that is there', () => {
    const missing = new URL('./not-built.js', import.meta.url)
    expect(() => bare().tool('a', { description, worker: missing })).toThrow(
      /^The tool "a": "worker" leads to file:.*not-built\.js, and there is no such file; write new URL/,
    )
    expect(() => bare().tool('a', { description, worker: new URL('https://example.com/a.js') })).toThrow(
      /must be the URL of a file/,
    )
  })
})

describe('defineWorker', () => {
  it('types the function it is given', () => {
    const made = defineWorker(({ rows }: { readonly rows: readonly number[] }, ctx) => {
      expectTypeOf(ctx).toEqualTypeOf<WorkerContext>()
      ctx.progress(1, 2, 'half')
      if (ctx.signal.aborted) throw ctx.error('stopped', { message: 'It was stopped.' })
      // @ts-expect-error: a thread has no services
      ctx.services
      return { sum: rows.length }
    })
    expect(made).toBeTypeOf('object')
    // @ts-expect-error: it takes a function
    expect(() => defineWorker({})).toThrow(/takes a function/)
  })
})

describe('ctx.runWorker', () => {
  it('takes and gives what the module named does', () => {
    const made = defineWorker(async ({ rows }: { readonly rows: readonly number[] }) => ({
      sum: rows.length,
    }))
    interface Module {
      readonly default: typeof made
    }
    const runs = [
      (ctx: HandlerContext) => ctx.runWorker<Module>(worker, { rows: [1] }),
      // @ts-expect-error: the module's function takes numbers
      (ctx: HandlerContext) => ctx.runWorker<Module>(worker, { rows: ['1'] }),
      // @ts-expect-error: a path says not what it is relative to
      (ctx: HandlerContext) => ctx.runWorker<Module>('./heavy.js', { rows: [1] }),
    ] as const
    expectTypeOf(runs[0]).returns.resolves.toEqualTypeOf<{ sum: number }>()
    const unnamed = (ctx: HandlerContext) => ctx.runWorker(worker, 'anything')
    expectTypeOf(unnamed).returns.resolves.toEqualTypeOf<unknown>()
    // @ts-expect-error: the module's default is no worker
    const none = (ctx: HandlerContext) => ctx.runWorker<{ default: object }>(worker, 'anything')
    expect(none).toBeTypeOf('function')
    expect(runs).toHaveLength(3)
  })
})
