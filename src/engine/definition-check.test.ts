import { describe, expect, it } from 'vitest'
import { DefinitionError } from '../errors/definition-error.js'
import type { Annotations, Icon, ToolAnnotations } from '../protocol/types.js'
import { createServer } from '../server/create-server.js'
import { checkPromptOptions, checkResourceOptions, checkToolOptions } from './definition-check.js'
import type {
  ErrorDefinition,
  FixedResourceOptions,
  PromptOptions,
  TemplateResourceOptions,
  ToolOptions,
} from './definitions.js'

const description = 'Find one order by its number.'
const run = () => 'done'
const schema = { type: 'object', properties: {} } as const

/** `Required` at each level: an option that is added to a type and not here does not compile. */
const icon: Required<Icon> = { src: 'data:,', mimeType: 'image/png', sizes: ['any'], theme: 'light' }
const hints: Required<ToolAnnotations> = {
  title: 'Find',
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
}
const errorDefinition: Required<ErrorDefinition> = {
  message: 'None.',
  hint: 'Search.',
  retryable: true,
  data: schema,
}
const annotations: Required<Annotations> = {
  audience: ['user', 'assistant'],
  priority: 1,
  lastModified: '2025-01-12T15:00:58Z',
}
const shared = {
  title: 'A title',
  description,
  icons: [icon],
  meta: { 'a/b': 1 },
  timeout: '2s',
  permissions: { anyOf: ['orders:read', 'orders:admin'] },
  visible: () => true,
  authorize: () => true,
  rateLimit: { limit: 60, per: '1m', burst: 10, by: 'everyone' },
  concurrency: { limit: 8, queue: 80, by: 'principal' },
} as const
const cache = { ttl: '5m', scope: 'principal', staleWhileRevalidate: '1m', tags: () => ['orders'] } as const
const tool: Required<ToolOptions> = {
  ...shared,
  annotations: hints,
  input: schema,
  output: schema,
  errors: { order_not_found: errorDefinition },
  repair: false,
  sanitize: false,
  maxResult: { bytes: 100_000, tokens: 25_000, items: 100 },
  requires: ['elicitation', 'elicitation.url', 'sampling', 'sampling.tools', 'roots', 'tasks'],
  fallbacks: {
    elicitation: () => ({ action: 'decline' }),
    'elicitation.url': () => ({ action: 'decline' }),
    sampling: () => ({ role: 'assistant', content: { type: 'text', text: '' }, model: 'none' }),
    roots: () => [],
  },
  singleUse: true,
  task: { support: 'optional', begins: 'handler', ttl: '1h' },
  heartbeat: '10s',
  cost: 2,
  cache,
  idempotencyKey: () => 'key',
}
/** An answer that is kept can neither ask nor go on later, and needs no key. */
const unkept = { ...tool, cache: undefined, idempotencyKey: undefined }
const prompt: Required<PromptOptions> = { ...shared, input: schema, complete: { topic: () => [] } }
const base = {
  ...shared,
  mimeType: 'text/html; profile="mcp-app"; charset=utf-8',
  annotations,
  cache,
} as const
const fixed: Required<FixedResourceOptions> = { ...base, uri: 'app://config', size: 0 }
const template: Required<TemplateResourceOptions<string, unknown>> = {
  ...base,
  uriTemplate: 'data://{name}',
  list: () => [],
  complete: { name: () => [] },
}

const workers = { check: () => undefined, run: () => Promise.resolve(undefined) }
const checkTool = (options: object, name: unknown = 'find-order', handler: unknown = run) =>
  checkToolOptions(
    { kind: 'tool', name, options, handler } as Parameters<typeof checkToolOptions>[0],
    workers,
  )
const checkPrompt = (options: unknown) => checkPromptOptions('summarise', options, run)
const checkResource = (options: unknown) => checkResourceOptions('config', options, run)

function refusal(check: () => void): string {
  try {
    check()
  } catch (error) {
    if (error instanceof DefinitionError) return error.message
    throw error
  }
  throw new Error('Nothing was refused.')
}

describe('the tables of options', () => {
  it.each<[string, () => void]>([
    ['a tool', () => checkTool(unkept)],
    ['a prompt', () => checkPrompt(prompt)],
    ['a resource', () => checkResource(fixed)],
    ['a template', () => checkResource(template)],
  ])('know every option of %s', (_what, check) => {
    expect(check).not.toThrow()
  })

  it.each([
    ...Object.keys(tool).map((option) => [option, tool, checkTool] as const),
    ...Object.keys(prompt).map((option) => [option, prompt, checkPrompt] as const),
    ...Object.keys(fixed).map((option) => [option, fixed, checkResource] as const),
    ...Object.keys(template).map((option) => [option, template, checkResource] as const),
  ])('look at %s', (option, right, check) => {
    // Null is no option's value, so a table that lets it through does not look.
    expect(refusal(() => check({ ...right, [option]: null }))).toContain(`"${option}"`)
  })
})

describe('checkToolOptions', () => {
  it.each<[object, string]>([
    [{ descripton: 'x' }, '"descripton" is no option of a tool; use "description".'],
    [{ titel: 'x' }, 'use "title".'],
    [{ iconss: [] }, 'use "icons".'],
    [{ time_out: 1 }, 'use "timeout".'],
    [{ inputt: schema }, 'use "input".'],
    [{ tilt: 'x' }, 'drop it; there are'],
    [{ inputSchema: schema }, '"inputSchema" is no option of a tool; use "input".'],
    [{ parameters: schema }, 'use "input".'],
    [{ outputSchema: schema }, 'use "output".'],
    [{ handler: run }, '"handler" is no option of a tool; give the function after the options.'],
    [{ _meta: {} }, 'use "meta".'],
    [{ name: 'a' }, 'give the name before the options.'],
    [{ readOnlyHint: true }, 'use "annotations.readOnlyHint".'],
    [{ colour: 1 }, '"colour" is no option of a tool; drop it; there are title, description'],
    [{ ['__proto__']: 1 }, '"__proto__" is no option of a tool'],
    [{ title: '' }, '"title" must be one line of text'],
    [{ description: 5 }, '"description" must be a text, received 5; say in a sentence what it is for.'],
    [{ icons: [{ src: 'file:///i.png' }] }, '"icons[0].src" must be an https: or data: URL, received "file:'],
    [{ meta: [] }, '"meta" must be an object, received an array'],
    [{ timeout: '0s' }, '"timeout" must be a positive number of milliseconds'],
    [
      { annotations: { readOnlyHint: 'yes' } },
      '"annotations.readOnlyHint" must be true or false, received "yes"',
    ],
    [
      { annotations: { readonlyHint: true } },
      '"annotations.readonlyHint" is no option of a tool\'s annotations; use "annotations.readOnlyHint".',
    ],
    [{ errors: ['a'] }, '"errors" must be an object, received an array; write { order_not_found:'],
    [
      { errors: { '': { message: 'No.' } } },
      '"" in "errors" cannot be an error\'s code; use one that is not empty',
    ],
    [{ errors: { __a: { message: 'No.' } } }, '"__a" in "errors" cannot be an error\'s code'],
    [{ errors: { a: 'No.' } }, '"errors.a" must be an object, received "No."; write { message:'],
    [{ errors: { a: {} } }, '"errors.a.message" must be a text that is not empty, received nothing'],
    [
      { errors: { a: { message: ' ' } } },
      '"errors.a.message" must be a text that is not empty, received " "',
    ],
    [{ errors: { a: { message: 'No.', retry: true } } }, '"errors.a.retry" is no option of an error;'],
    [{ errors: { a: { message: 'No.', data: 'x' } } }, '"errors.a.data" must be a schema, received "x"'],
    [{ requires: 'elicitation' }, '"requires" must be an array, received "elicitation"'],
    [
      { requires: ['roots', 'elicitaton'] },
      '"requires[1]" must be a client\'s feature, received "elicitaton"; use "elicitation".',
    ],
    [{ requires: ['toString'] }, 'there are elicitation, elicitation.url, sampling'],
    [{ sanitize: 1 }, '"sanitize" must be true or false, received 1'],
    [{ repair: 1 }, '"repair" must be true or false, received 1'],
  ])('refuses %j: %s', (wrong, sentence) => {
    const message = refusal(() => checkTool({ description, ...wrong }))
    expect(message).toContain(sentence)
    expect(message).toMatch(/^The tool "find-order": [^\n]+\.$/)
  })

  it.each(['', 'find order', 'x'.repeat(129), 5, undefined])('refuses the name %j', (name) => {
    expect(refusal(() => checkTool({ description }, name === undefined ? null : name))).toContain(
      'cannot name a tool; use 1 to 128 letters, digits',
    )
  })

  it.each([{}, { description: undefined }, { description: ' \n' }])(
    'refuses %j, without a description',
    (options) => {
      expect(refusal(() => checkTool(options))).toContain(
        'has no description; say in a sentence what it is for',
      )
    },
  )

  it('refuses hints that contradict each other', () => {
    const contradiction = { readOnlyHint: true, destructiveHint: true }
    expect(refusal(() => checkTool({ description, annotations: contradiction }))).toContain('so drop one.')
  })

  it('refuses what is no handler, and what are no options', () => {
    expect(refusal(() => checkTool({ description }, 'a', 'text'))).toBe(
      'The tool "a" needs a function as its handler, received "text"; give it after the options, or a "worker" in them.',
    )
    expect(refusal(() => checkTool(run))).toContain(
      'needs an object of options after its name, received a function',
    )
  })
})

describe('checkPromptOptions', () => {
  it.each<[object, string]>([
    [{ argsSchema: schema }, '"argsSchema" is no option of a prompt; use "input".'],
    [{ output: schema }, '"output" is no option of a prompt'],
    [{ complete: [] }, '"complete" must be an object, received an array'],
    [
      { complete: { topic: ['a'] } },
      '"complete.topic" must be a function, received an array; write (value, ctx)',
    ],
  ])('refuses %j: %s', (wrong, sentence) => {
    expect(refusal(() => checkPrompt({ description, ...wrong }))).toContain(
      `The prompt "summarise": ${sentence}`,
    )
  })

  it.each(['', ' ', 'a\nb', 'a\u007f', 'x'.repeat(129), 5])('refuses the name %j', (name) => {
    expect(refusal(() => checkPromptOptions(name, { description }, run))).toContain(
      'cannot name a prompt; use one line of 1 to 128 characters, such as "summarise".',
    )
  })

  it('takes names in any script', () => {
    expect(() => checkPromptOptions('Résumé von 表', { description }, run)).not.toThrow()
  })
})

describe('checkResourceOptions', () => {
  it.each<[object, string]>([
    [{ uri: 5 }, '"uri" must be a URI, received 5'],
    [
      { uri: undefined },
      '"uri" must be a URI, received nothing; write it in full, such as "app://config", or',
    ],
    [
      { uriTemplate: 5, uri: undefined },
      '"uriTemplate" must be a URI template, received 5; write it in full',
    ],
    [
      { uriTemplate: 'a://{b}' },
      '"uri" is no option of a resource with a "uriTemplate"; drop it, because it bel',
    ],
    [
      { list: () => [] },
      '"list" is no option of a resource with a fixed "uri"; give a "uriTemplate" for it.',
    ],
    [{ size: -1 }, '"size" must be a whole number from 0, received -1; count bytes'],
    [{ mimetype: 'text/plain' }, 'use "mimeType".'],
    [{ mimeType: 'text' }, '"mimeType" must be a media type, received "text"; write it as type/subtype'],
    [{ mimeType: 'text/plain\r\nx: y' }, '"mimeType" must be a media type'],
    [{ cache: { ttl: -1 } }, '"cache.ttl" must be a positive number of milliseconds'],
    [
      { cache: { ttl: 1, scope: 'shared' } },
      '"cache.scope" must be "principal" or "public", received "shared"',
    ],
    [{ annotations: { audience: 'user' } }, '"annotations.audience" must be an array, received "user"'],
    [{ annotations: { audience: ['model'] } }, '"annotations.audience[0]" must be "user" or "assistant"'],
    [{ annotations: { priority: 5 } }, '"annotations.priority" must be a number from 0 to 1, received 5'],
    [
      { annotations: { priority: Number.NaN } },
      '"annotations.priority" must be a number from 0 to 1, received NaN',
    ],
    [{ annotations: { lastModified: 'yesterday' } }, '"annotations.lastModified" must be a time as ISO 8601'],
    [{ annotations: { lastModified: '2025-02-30' } }, '"annotations.lastModified"'],
    [{ annotations: { lastModified: '2025-01-12T25:00:00Z' } }, '"annotations.lastModified"'],
    [{ annotations: { readOnlyHint: true } }, "is no option of a resource's annotations"],
  ])('refuses %j: %s', (wrong, sentence) => {
    const message = refusal(() => checkResource({ uri: 'app://config', description, ...wrong }))
    expect(message).toContain(sentence)
    expect(message).toMatch(/^The resource "config": [^\n]+\.$/)
  })

  it.each(['2025-01-12', '2024-02-29T23:59:59.123+02:00', '2025-01-12T15:00'])(
    'takes %s for a time',
    (time) => {
      const options = { uri: 'a://b', description, annotations: { lastModified: time } }
      expect(() => checkResource(options)).not.toThrow()
    },
  )

  it('takes undefined as left out', () => {
    const options = { uri: 'a://b', uriTemplate: undefined, list: undefined, description }
    const server = createServer({ name: 'orders', version: '1.0.0' })
    // What a program without types may write.
    expect(() => server.resource('config', options as unknown as FixedResourceOptions, run)).not.toThrow()
  })

  it('refuses a list and a completer that are no functions', () => {
    const wrong = (more: object) =>
      refusal(() => checkResource({ uriTemplate: 'a://{b}', description, ...more }))
    expect(wrong({ list: [] })).toContain('"list" must be a function, received an array')
    expect(wrong({ complete: { b: undefined } })).toContain(
      '"complete.b" must be a function, received nothing',
    )
  })
})

describe('a server', () => {
  const server = createServer({ name: 'orders', version: '1.0.0' })

  it('asks before it reads the schemas', () => {
    const inputSchema = { type: 'object' }
    // @ts-expect-error: there is no such option
    expect(() => server.tool('a', { description, inputSchema }, run)).toThrow('use "input"')
    // @ts-expect-error: nor here
    expect(() => server.prompt('a', { description, inputSchema }, run)).toThrow('use "input"')
    // @ts-expect-error: nor here
    expect(() => server.resource('a', { uri: 'a://b', description, inputSchema }, run)).toThrow('use "input"')
  })

  it('refuses a definition without a handler', () => {
    // @ts-expect-error: the handler is missing
    expect(() => server.tool('a', { description })).toThrow(
      'needs a function as its handler, received nothing',
    )
  })
})
