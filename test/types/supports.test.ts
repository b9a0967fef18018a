import { type Context, createServer, type HandlerContext } from 'holdfast'
import { describe, expectTypeOf, it } from 'vitest'

const services: { limit: number } = { limit: 3 }
const server = createServer({ name: 'types', version: '1.0.0', services })

describe('ctx.supports', () => {
  it('narrows what the client is known to have', () => {
    server.tool('a', { description: 'Asks back.', errors: { no: { message: 'No.' } } }, (_args, ctx) => {
      // @ts-expect-error: before the question the capability may be missing
      ctx.client.capabilities.elicitation.form
      if (!ctx.supports('elicitation')) {
        // @ts-expect-error: after a no there is nothing to rely on
        ctx.client.capabilities.elicitation.form
        return 'no'
      }
      expectTypeOf(ctx.client.capabilities.elicitation).not.toBeNullable()
      // What the context had, it keeps.
      expectTypeOf(ctx.services.limit).toEqualTypeOf<number>()
      expectTypeOf(ctx.error).parameter(0).toEqualTypeOf<'no'>()
      expectTypeOf(ctx.client.info).toEqualTypeOf<typeof ctx.client.info>()
      return 'yes'
    })
  })

  it('narrows finer features and several at once', () => {
    server.tool('b', { description: 'Asks back.' }, (_args, ctx) => {
      if (ctx.supports('elicitation.url'))
        expectTypeOf(ctx.client.capabilities.elicitation.url).toExtend<object>()
      if (ctx.supports('sampling.tools'))
        expectTypeOf(ctx.client.capabilities.sampling.tools).toExtend<object>()
      if (ctx.supports('roots')) expectTypeOf(ctx.client.capabilities.roots).not.toBeNullable()
      if (ctx.supports('sampling') && ctx.supports('elicitation')) {
        expectTypeOf(ctx.client.capabilities.sampling).not.toBeNullable()
        expectTypeOf(ctx.client.capabilities.elicitation).not.toBeNullable()
      }
      return ''
    })
  })

  it('refuses a feature that no revision has', () => {
    server.tool('c', { description: 'Asks back.' }, (_args, ctx) => {
      // @ts-expect-error: there is no such feature
      return String(ctx.supports('telepathy'))
    })
  })

  it('narrows in resources, prompts and middleware alike', () => {
    server.resource('a', { description: 'Any.', uri: 'a://b' }, (_request, ctx) => {
      if (ctx.supports('roots')) expectTypeOf(ctx.client.capabilities.roots).not.toBeNullable()
      return ''
    })
    server.use((call, next) => {
      if (call.ctx.supports('elicitation'))
        expectTypeOf(call.ctx.client.capabilities.elicitation).not.toBeNullable()
      return next()
    })
    expectTypeOf<Context>().toExtend<Pick<HandlerContext, 'supports' | 'client' | 'signal'>>()
  })
})
