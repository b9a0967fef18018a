import { createServer, type FormAnswer, jsonSchema, type Root, type SamplingResult, toolsFor } from 'holdfast'
import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'

const server = createServer({ name: 'types', version: '1.0.0' })

describe('questions', () => {
  it('type the answer from the schema, and only when it was accepted', () => {
    server.tool('zod', { description: 'Asks.' }, async (_args, ctx) => {
      const schema = z.object({ age: z.number(), name: z.string().optional() })
      const answer = await ctx.elicit({ message: 'Who?', schema })
      // @ts-expect-error: there is no content as long as the user may have declined
      answer.content
      if (answer.action !== 'accept') {
        expectTypeOf(answer.action).toEqualTypeOf<'decline' | 'cancel'>()
        return answer.action
      }
      expectTypeOf(answer.content).toEqualTypeOf<{ age: number; name?: string | undefined }>()
      return 'yes'
    })
  })

  it('type it from plain JSON Schema written in place, and from a type given by hand', () => {
    server.tool('json', { description: 'Asks.' }, async (_args, ctx) => {
      const answer = await ctx.elicit({
        message: 'Which?',
        schema: {
          type: 'object',
          properties: { region: { type: 'string' }, count: { type: 'integer' } },
          required: ['region'],
        },
      })
      if (answer.action === 'accept') {
        expectTypeOf(answer.content.region).toEqualTypeOf<string>()
        expectTypeOf(answer.content.count).toEqualTypeOf<number | undefined>()
      }
      const given = await ctx.elicit({
        message: 'Which?',
        schema: jsonSchema<{ a: 1 }>({ type: 'object', properties: {} }),
      })
      expectTypeOf(given).toEqualTypeOf<FormAnswer<{ a: 1 }>>()
      return ''
    })
  })

  it('are there in tools in files of their own, resources and prompts, beside services and errors', () => {
    toolsFor<{ db: string }>()(
      'own',
      { description: 'Asks.', errors: { no: { message: 'No.' } } },
      async (_args, ctx) => {
        expectTypeOf(ctx.services.db).toEqualTypeOf<string>()
        expectTypeOf(await ctx.sample({ messages: [], maxTokens: 1 })).toEqualTypeOf<SamplingResult>()
        expectTypeOf(await ctx.roots()).toEqualTypeOf<readonly Root[]>()
        expectTypeOf(await ctx.once('key', () => 3)).toEqualTypeOf<number>()
        expectTypeOf(await ctx.once('key', async () => 'a')).toEqualTypeOf<string>()
        throw ctx.error('no')
      },
    )
    server.resource(
      'a',
      { description: 'Any.', uri: 'a://b' },
      async (_request, ctx) => (await ctx.roots())[0]?.uri,
    )
    server.prompt('a', { description: 'Any.' }, async (_args, ctx) => {
      const { action } = await ctx.elicitUrl({ message: 'Log in.', url: 'https://example.com' })
      expectTypeOf(action).toEqualTypeOf<'accept' | 'decline' | 'cancel'>()
      return action
    })
  })

  it('refuse what is no question, no fallback and no task', () => {
    server.tool('wrong', { description: 'Asks.' }, async (_args, ctx) => {
      // @ts-expect-error: a question has a message
      await ctx.elicit({ schema: z.object({ a: z.string() }) })
      // @ts-expect-error: sampling needs a limit
      await ctx.sample({ messages: [] })
      // @ts-expect-error: the heartbeat's own
      ctx.beat()
      return ''
    })
    type Options = Parameters<typeof server.tool>[1]
    const fallbacks: Options['fallbacks'] = {
      // @ts-expect-error: a fallback answers as a user would
      elicitation: () => ({ action: 'yes' }),
    }
    // @ts-expect-error: there are two kinds
    const task: Options['task'] = 'always'
    expectTypeOf(fallbacks).not.toBeAny()
    expectTypeOf(task).not.toBeAny()
  })
})
