import { setTimeout as delay } from 'node:timers/promises'
import { createServer, type Server, text } from 'holdfast'
import { z } from 'zod'

/** Stands in what handlers throw; it must never be seen on the wire. */
export const secret = 'INTERNAL-a41f'

/** Longer bodies are refused with 413. */
export const maxBodyBytes = 64 * 1024

export const toolNames = [
  'checked',
  'plain',
  'free',
  'throwing',
  'refusing',
  'slow',
  'deaf',
  'nonsense',
  'questioning',
  'lasting',
]

/** What a careless handler may return: each is the server's own fault and must stay its own. */
const nonsense: readonly (() => unknown)[] = [
  () => undefined,
  () => Number.NaN,
  () => 10n,
  () => new Date(Number.NaN),
  () => Symbol('nonsense'),
  () => () => secret,
  () => new Map([[1, 2]]),
  () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    return cycle
  },
  () => ({ toJSON: () => Promise.reject(new Error(secret)) }),
  () => ({
    toJSON() {
      throw new Error(secret)
    },
  }),
  () =>
    new Proxy(
      {},
      {
        ownKeys() {
          throw new Error(secret)
        },
      },
    ),
  () => Promise.reject(undefined),
  () => Promise.reject({ message: secret }),
  () => JSON.parse(`${'['.repeat(3000)}${']'.repeat(3000)}`),
  () => '\ud800 half a pair \u0000',
  () => [text('a'), 'b'],
]

/** A server with tools of every temper, small limits and a log that nobody reads. */
export function createTarget(): Server {
  const server = createServer({
    name: 'hostile',
    version: '1.0.0',
    timeout: '5s',
    keys: ['a key that only this test has, 32 chars'],
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    http: { maxBodyBytes, bodyTimeout: '2s' },
  })
  server.tool(
    'checked',
    {
      description: 'Checks with zod.',
      input: z.object({
        id: z.string().max(50).describe('Any.'),
        count: z.number().int().optional().describe('Any.'),
        nested: z
          .object({ list: z.array(z.string()).optional() })
          .optional()
          .describe('Any.'),
      }),
      output: z.object({ id: z.string() }),
    },
    ({ id }) => ({ id }),
  )
  server.tool(
    'plain',
    {
      description: 'Checks with plain JSON Schema.',
      input: {
        type: 'object',
        properties: {
          a: { type: 'number', description: 'Any.' },
          b: { type: 'number', description: 'Any.' },
        },
        required: ['a', 'b'],
        additionalProperties: false,
      },
    },
    ({ a, b }) => String(a + b),
  )
  server.tool('free', { description: 'Gives back anything.', input: { type: 'object' } }, (args) => args)
  server.tool('throwing', { description: 'Throws.' }, () => {
    throw new Error(`${secret} in /srv/app/handler.ts`, { cause: new TypeError(secret) })
  })
  server.tool('refusing', { description: 'Refuses.', errors: { no: { message: 'No.' } } }, (_args, ctx) => {
    throw ctx.error('no')
  })
  server.tool(
    'slow',
    { description: 'Waits and tells of it.', input: { type: 'object' } },
    async (_args, ctx) => {
      await ctx.progress(1, 2, 'half')
      await delay(15, undefined, { signal: ctx.signal })
      await ctx.progress(2, 2)
      return 'done'
    },
  )
  server.tool('deaf', { description: 'Waits, whatever its signal says.' }, async () => {
    await delay(3)
    return 'done'
  })
  server.tool('questioning', { description: 'Asks.', input: { type: 'object' } }, async (_args, ctx) => {
    const answer = await ctx.elicit({ key: 'ok', message: 'Go on?', schema: z.object({ ok: z.boolean() }) })
    return answer.action
  })
  server.tool(
    'lasting',
    { description: 'Goes on.', input: { type: 'object' }, task: { support: 'optional', ttl: 50 } },
    async (_args, ctx) => {
      await delay(3, undefined, { signal: ctx.signal })
      return 'done'
    },
  )
  let turn = 0
  server.tool('nonsense', { description: 'Returns what cannot be sent.' }, () => {
    turn += 1
    return nonsense[turn % nonsense.length]?.()
  })
  server.resource('fixed', { description: 'Any.', uri: 'app://fixed' }, () => 'fixed')
  server.resource(
    'row',
    { description: 'Any.', uriTemplate: 'data://{table}/{+path}', complete: { table: (value) => [value] } },
    ({ params }) => {
      if (params.table === 'throw') throw new Error(secret)
      return params
    },
  )
  server.prompt(
    'ask',
    {
      description: 'Asks.',
      input: z.object({ topic: z.string().describe('Any.') }),
      complete: { topic: (value) => [value] },
    },
    ({ topic }) => topic,
  )
  return server
}

/** What runs on by the server's own account, although every client has gone. Tasks outlive them, for a few milliseconds. */
export async function stillRunning(server: Server): Promise<readonly string[]> {
  const running = (): readonly string[] =>
    server
      .stats()
      .bounded.filter(({ name, size }) => size > 0 && /in flight|deadline|tasks that run/.test(name))
      .map(({ name, size }) => `${size} ${name} after the end`)
  for (const end = performance.now() + 2000; running().length > 0 && performance.now() < end; ) await delay(5)
  return running()
}
