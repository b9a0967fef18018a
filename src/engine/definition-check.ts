import { DefinitionError } from '../errors/definition-error.js'
import { shown } from '../errors/shown.js'
import type { JsonSchema } from '../schema/json-schema.js'
import { fixedTable, isText, promptTable, templateTable, toolTable } from './definition-tables.js'
import type { ToolDefinition, ToolOptions } from './definitions.js'
import type { Environment } from './environment.js'
import { checkOptions, isLine, isObject, type OptionTable } from './option-rules.js'
import type { Workers } from './workers.js'

type Kind = 'tool' | 'resource' | 'prompt'

/** Specification 2025-11-25, server/tools, "Tool Names". */
const toolName = /^[A-Za-z0-9_.-]{1,128}$/

/**
 * What can be told before the schemas are read.
 * @throws DefinitionError with the sentence that mends the definition.
 */
export function checkToolOptions(definition: ToolDefinition, workers: Workers): void {
  const { name, handler } = definition
  if (typeof name !== 'string' || !toolName.test(name)) {
    throw new DefinitionError(
      `${shown(name)} cannot name a tool; use 1 to 128 letters, digits, "_", "-" and ".", such as "find-order".`,
    )
  }
  checkDefinition('tool', name, definition.options, toolTable, handler)
  if (definition.options.worker !== undefined) checkWorker(definition, workers)
  const { readOnlyHint, destructiveHint } = definition.options.annotations ?? {}
  if (readOnlyHint === true && destructiveHint === true) {
    throw new DefinitionError(
      `The tool "${name}" says both readOnlyHint and destructiveHint; a tool that destroys is not read-only, so drop one.`,
    )
  }
  checkPolicies(name, definition.options)
}

/** A tool has a handler or a worker, and a worker has no way to its client but progress. */
function checkWorker({ name, options, handler }: ToolDefinition, workers: Workers): void {
  const subject = `The tool "${name}" has a "worker"`
  if (handler !== undefined) {
    throw new DefinitionError(`${subject} and a handler; one of them does the work, so drop the other.`)
  }
  const asks = (['requires', 'fallbacks', 'singleUse'] as const).find((one) => options[one] !== undefined)
  if (asks !== undefined) {
    throw new DefinitionError(
      `${subject} and "${asks}"; a worker cannot ask its client, so drop it, or use a handler.`,
    )
  }
  if (typeof options.task === 'object' && options.task.begins === 'handler') {
    throw new DefinitionError(
      `${subject} and a "task" that begins with a handler, which it has not; leave "begins" out for "call".`,
    )
  }
  const wrong = workers.check(options.worker)
  if (wrong !== undefined) throw new DefinitionError(`The tool "${name}": ${wrong}`)
}

/** What cannot stand together, because one of them would be wrong. */
function checkPolicies(
  name: string,
  { cache, annotations, idempotencyKey, requires, task }: ToolOptions,
): void {
  if (cache !== undefined) {
    if (annotations?.readOnlyHint !== true) {
      throw new DefinitionError(
        `The tool "${name}" has a "cache" but does not say readOnlyHint: true; only what changes nothing may be answered from a cache, so say it or drop the cache.`,
      )
    }
    if ((requires ?? []).some((feature) => feature !== 'tasks')) {
      throw new DefinitionError(
        `The tool "${name}" has a "cache" and asks its client ("requires"); an answer made with one client's help is no other call's answer, so drop one.`,
      )
    }
    if (task !== undefined) {
      throw new DefinitionError(
        `The tool "${name}" has a "cache" and a "task"; a call that is made once for many cannot be one caller's task, so drop one.`,
      )
    }
  }
  if (idempotencyKey !== undefined && annotations?.readOnlyHint === true) {
    throw new DefinitionError(
      `The tool "${name}" is read-only and has an "idempotencyKey"; reading twice changes nothing, so drop it, or use "cache".`,
    )
  }
}

/** Gives advice for the log on what is only doubtful about a tool. */
export function adviseOnTool(definition: ToolDefinition, input: JsonSchema, environment: Environment): void {
  const { name } = definition
  const { readOnlyHint, idempotentHint } = definition.options.annotations ?? {}
  if (readOnlyHint === true && idempotentHint === false) {
    const message = `The tool "${name}" is read-only but says idempotentHint: false; reading twice changes nothing, so drop the hint.`
    environment.advise(() => [message])
  }
  environment.advise(async () => {
    const { adviseOnInput } = await import('../schema/advice.js')
    return adviseOnInput(input, `The tool ${JSON.stringify(name)}`)
  })
}

/** @throws DefinitionError with the sentence that mends the definition. */
export function checkPromptOptions(name: unknown, given: unknown, handler: unknown): void {
  checkDefinition('prompt', checkName('prompt', name, 'summarise'), given, promptTable, handler)
}

/** @throws DefinitionError with the sentence that mends the definition. */
export function checkResourceOptions(name: unknown, given: unknown, handler: unknown): void {
  const table = isObject(given) && given['uriTemplate'] !== undefined ? templateTable : fixedTable
  checkDefinition('resource', checkName('resource', name, 'config'), given, table, handler)
}

/** Prompts and resources may be named in any script; what could forge a line of a log or a list may not. */
function checkName(kind: Kind, name: unknown, example: string): string {
  if (isLine(name, 128)) return name
  throw new DefinitionError(
    `${shown(name)} cannot name a ${kind}; use one line of 1 to 128 characters, such as "${example}".`,
  )
}

function checkDefinition(
  kind: Kind,
  name: string,
  given: unknown,
  table: OptionTable,
  handler: unknown,
): void {
  const subject = `The ${kind} ${JSON.stringify(name)}`
  // The commonest slip: the options were left out, and the handler stands in their place.
  if (!isObject(given)) {
    throw new DefinitionError(
      `${subject} needs an object of options after its name, received ${shown(given)}; write ${table.example}.`,
    )
  }
  checkOptions(given, table, '', `${subject}: `)
  const { description } = given
  if (!isText(description)) {
    throw new DefinitionError(
      `${subject} has no description; say in a sentence what it is for, because models choose by it.`,
    )
  }
  const isWorker = kind === 'tool' && handler === undefined && given['worker'] !== undefined
  if (typeof handler !== 'function' && !isWorker) {
    throw new DefinitionError(
      `${subject} needs a function as its handler, received ${shown(handler)}; give it after the options${kind === 'tool' ? ', or a "worker" in them' : ''}.`,
    )
  }
}
