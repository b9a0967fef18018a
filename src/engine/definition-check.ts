import { DefinitionError } from '../errors/definition-error.js'
import type { JsonSchema } from '../schema/json-schema.js'
import type { ToolDefinition } from './definitions.js'
import type { Environment } from './environment.js'

/** Specification 2025-11-25, server/tools, "Tool Names". */
const toolName = /^[A-Za-z0-9_.-]{1,128}$/

/** @throws DefinitionError with the sentence that mends the definition; what is only doubtful is logged. */
export function checkToolDefinition(
  definition: ToolDefinition,
  input: JsonSchema,
  environment: Environment,
): void {
  const { name, options } = definition
  if (!toolName.test(name)) {
    throw new DefinitionError(
      `${JSON.stringify(name)} cannot name a tool; use 1 to 128 letters, digits, "_", "-" and ".", such as "find-order".`,
    )
  }
  checkDescription('tool', name, options.description)
  const { readOnlyHint, destructiveHint, idempotentHint } = options.annotations ?? {}
  if (readOnlyHint === true && destructiveHint === true) {
    throw new DefinitionError(
      `The tool "${name}" says both readOnlyHint and destructiveHint; a tool that destroys is not read-only, so drop one.`,
    )
  }
  if (readOnlyHint === true && idempotentHint === false) {
    const message = `The tool "${name}" is read-only but says idempotentHint: false; reading twice changes nothing, so drop the hint.`
    environment.advise(() => [message])
  }
  environment.advise(async () => {
    const { adviseOnInput } = await import('../schema/advice.js')
    return adviseOnInput(input, `The tool ${JSON.stringify(name)}`)
  })
}

/** @throws DefinitionError when there is none: a model chooses by it. */
export function checkDescription(kind: string, name: string, description: unknown): void {
  if (typeof description !== 'string' || description.trim() === '') {
    throw new DefinitionError(
      `The ${kind} ${JSON.stringify(name)} has no description; say in a sentence what it is for, because models choose by it.`,
    )
  }
}
