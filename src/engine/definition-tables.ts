import { DefinitionError } from '../errors/definition-error.js'
import { shown } from '../errors/shown.js'
import type { ClientFeature } from '../protocol/revisions/revision.js'
import type { Annotations, ToolAnnotations } from '../protocol/types.js'
import type {
  ErrorDefinition,
  FixedResourceOptions,
  PromptOptions,
  TaskOptions,
  TemplateResourceOptions,
  WorkerToolOptions,
} from './definitions.js'
import type { Fallbacks } from './interaction.js'
import {
  checkOptions,
  duration,
  flag,
  icons,
  isMimeType,
  isObject,
  line,
  listOf,
  nearest,
  type OptionTable,
  oneOf,
  options,
  type Rule,
  recordOf,
  refuse,
  rule,
  text,
  whole,
} from './option-rules.js'
import { accessRules, cacheTable, concurrency, rateLimitTable } from './policy-tables.js'
import { resultLimit } from './result-limit.js'

const isFunction = (value: unknown): boolean => typeof value === 'function'

const title = line(1000, 'write the name that people read, or leave it out')
const meta = rule(isObject, 'an object', "write { 'com.example/key': value }")
/** The rest is said where it is compiled. */
const schema = rule(
  (value) => value !== null,
  'a schema',
  'give one of your library or plain JSON Schema, or leave it out',
)
const completers = recordOf(
  rule(isFunction, 'a function', 'write (value, ctx) => [...]'),
  'write { name: (value, ctx) => [...] }',
)

const authorize = rule(isFunction, 'a function', 'write (principal, input) => true or false')

const shared = {
  title,
  description: text('say in a sentence what it is for'),
  icons,
  meta,
  timeout: duration,
  ...accessRules,
  authorize,
  rateLimit: options(rateLimitTable),
  concurrency,
}

const toolAnnotations: OptionTable = {
  what: "a tool's annotations",
  example: '{ readOnlyHint: true }',
  rules: {
    title,
    readOnlyHint: flag,
    destructiveHint: flag,
    idempotentHint: flag,
    openWorldHint: flag,
  } satisfies Record<keyof ToolAnnotations, Rule>,
}

const errorDefinition: OptionTable = {
  what: 'an error',
  example: "{ message: 'No order has this number.' }",
  required: ['message'],
  rules: {
    message: rule(isText, 'a text that is not empty', 'say in a sentence what was wrong'),
    hint: rule(isText, 'a text that is not empty', 'say what to do next, or leave it out'),
    retryable: flag,
    data: rule(
      (value) => isObject(value) || typeof value === 'function',
      'a schema',
      'give one of your library or plain JSON Schema, or leave it out',
    ),
  } satisfies Record<keyof ErrorDefinition, Rule>,
}

const features: Readonly<Record<ClientFeature, true>> = {
  elicitation: true,
  'elicitation.url': true,
  sampling: true,
  'sampling.tools': true,
  roots: true,
  tasks: true,
}

const answering = rule(isFunction, 'a function', "write (question) => ({ action: 'decline' })")

const fallbackTable: OptionTable = {
  what: "a tool's fallbacks",
  example: "{ elicitation: () => ({ action: 'decline' }) }",
  rules: {
    elicitation: answering,
    'elicitation.url': answering,
    sampling: answering,
    roots: answering,
  } satisfies Record<keyof Fallbacks, Rule>,
}

const taskSupport = oneOf(['optional', 'required'], 'say whether clients without tasks are served')

const taskTable: OptionTable = {
  what: "a tool's task",
  example: "{ support: 'optional' }",
  required: ['support'],
  rules: {
    support: taskSupport,
    begins: oneOf(['call', 'handler'], 'leave it out for "call"'),
    ttl: duration,
  } satisfies Record<keyof TaskOptions, Rule>,
}

export const toolTable: OptionTable = {
  what: 'a tool',
  example: "{ description: 'Find one order by its number.' }",
  rules: {
    ...shared,
    annotations: options(toolAnnotations),
    input: schema,
    output: schema,
    errors: errorCatalogue,
    repair: flag,
    sanitize: flag,
    maxResult: resultLimit,
    requires: listOf(feature, "write ['elicitation']"),
    fallbacks: options(fallbackTable),
    singleUse: flag,
    task,
    heartbeat: duration,
    cost: rule(
      (value) => isFunction(value) || (typeof value === 'number' && value > 0 && Number.isFinite(value)),
      'a number above 0 or a function',
      'write 1, or (input) => input.ids.length',
    ),
    cache: options(cacheTable),
    idempotencyKey: rule(isFunction, 'a function', 'write (input) => input.requestId'),
    // What it leads to is looked at where files are known (src/server/workers.ts).
    worker: rule((value) => value instanceof URL, 'a URL', "write new URL('./heavy.js', import.meta.url)"),
  } satisfies Record<keyof WorkerToolOptions | 'requires' | 'fallbacks' | 'singleUse', Rule>,
  instead(name) {
    if (Object.hasOwn(toolAnnotations.rules, name)) return `use "annotations.${name}"`
    return byHabit(name)
  },
}

export const promptTable: OptionTable = {
  what: 'a prompt',
  example: "{ description: 'Summarise a dataset.' }",
  rules: { ...shared, input: schema, complete: completers } satisfies Record<keyof PromptOptions, Rule>,
  instead: byHabit,
}

const resourceAnnotations: OptionTable = {
  what: "a resource's annotations",
  example: "{ audience: ['user'] }",
  rules: {
    audience: listOf(oneOf(['user', 'assistant'], 'name both to mean both'), "write ['user']"),
    priority: rule(
      (value) => typeof value === 'number' && value >= 0 && value <= 1,
      'a number from 0 to 1',
      'write 1 for what is required and 0 for what matters least',
    ),
    lastModified: rule(isIsoTime, 'a time as ISO 8601 writes it', 'write it as "2025-01-12T15:00:58Z"'),
  } satisfies Record<keyof Annotations, Rule>,
}

const resourceBase = {
  ...shared,
  mimeType: rule(isMimeType, 'a media type', 'write it as type/subtype, such as "text/plain"'),
  annotations: options(resourceAnnotations),
  cache: options(cacheTable),
}

export const fixedTable: OptionTable = {
  what: 'a resource with a fixed "uri"',
  example: "{ uri: 'app://config', description: 'The settings.' }",
  required: ['uri'],
  rules: {
    ...resourceBase,
    uri: rule(isText, 'a URI', 'write it in full, such as "app://config", or give a "uriTemplate"'),
    size: whole(0, Number.MAX_SAFE_INTEGER, 'count bytes, or leave it out'),
  } satisfies Record<keyof FixedResourceOptions, Rule>,
  instead: (name) => onlyWith(name, templateTable, 'give a "uriTemplate" for it'),
}

export const templateTable: OptionTable = {
  what: 'a resource with a "uriTemplate"',
  example: "{ uriTemplate: 'data://{name}', description: 'One table.' }",
  required: ['uriTemplate'],
  rules: {
    ...resourceBase,
    uriTemplate: rule(isText, 'a URI template', 'write it in full, such as "data://{name}"'),
    list: rule(isFunction, 'a function', 'write (ctx) => [{ uri, name }]'),
    complete: completers,
  } satisfies Record<keyof TemplateResourceOptions<string, unknown>, Rule>,
  instead: (name) => onlyWith(name, fixedTable, 'drop it, because it belongs to one fixed URI'),
}

/** What other frameworks call our options. */
function byHabit(name: string): string | undefined {
  switch (name) {
    case 'inputSchema':
    case 'argsSchema':
    case 'paramsSchema':
    case 'parameters':
    case 'params':
    case 'args':
    case 'arguments':
    case 'schema':
      return 'use "input"'
    case 'outputSchema':
      return 'use "output"'
    case '_meta':
      return 'use "meta"'
    case 'handler':
    case 'execute':
    case 'run':
    case 'load':
    case 'cb':
    case 'callback':
      return 'give the function after the options'
    case 'name':
      return 'give the name before the options'
    case 'ttl':
    case 'cacheScope':
      return "use \"cache\", such as { ttl: '5m', scope: 'public' }"
    case 'scopes':
    case 'roles':
      return 'use "permissions"'
    default:
      return undefined
  }
}

function onlyWith(name: string, other: OptionTable, mend: string): string | undefined {
  return Object.hasOwn(other.rules, name) ? mend : byHabit(name)
}

function errorCatalogue(value: unknown, path: string, owner: string): void {
  if (!isObject(value)) {
    refuse(owner, path, 'an object', value, `write { order_not_found: ${errorDefinition.example} }`)
  }
  for (const [code, definition] of Object.entries(value)) {
    if (code.trim() === '' || code.startsWith('__')) {
      throw new DefinitionError(
        `${owner}${shown(code)} in "${path}" cannot be an error's code; use one that is not empty and does not begin with "__", such as "order_not_found".`,
      )
    }
    checkOptions(definition, errorDefinition, `${path}.${code}`, owner)
  }
}

function task(value: unknown, path: string, owner: string): void {
  if (isObject(value)) checkOptions(value, taskTable, path, owner)
  else taskSupport(value, path, owner)
}

function feature(value: unknown, path: string, owner: string): void {
  if (typeof value === 'string' && Object.hasOwn(features, value)) return
  const known = Object.keys(features)
  const near = typeof value === 'string' ? nearest(value, known) : undefined
  const mend = near === undefined ? `there are ${known.join(', ')}` : `use "${near}"`
  refuse(owner, path, "a client's feature", value, mend)
}

/** A text with more in it than white space. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

/** A date, with a time and a zone or without; a 30th of February is none. */
function isIsoTime(value: unknown): boolean {
  if (typeof value !== 'string') return false
  const match = /^(\d{4})-(\d\d)-(\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?$/.exec(
    value,
  )
  if (match === null || Number.isNaN(Date.parse(value))) return false
  const [, year, month, day] = match
  return new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day)
}
