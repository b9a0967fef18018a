import { isSensitiveName } from '../errors/secrets.js'
import { isRecord } from '../protocol/json-rpc.js'
import type { Revision } from '../protocol/revisions/revision.js'
import { type CompiledSchema, compileSchema } from '../schema/compile.js'
import type { SchemaLike } from '../schema/infer.js'

/** A form as it goes to a client, and the check of what comes back. */
export interface Form {
  readonly requestedSchema: object
  readonly schema: CompiledSchema
}

/** A schema that cannot be a form: the author's mistake, told to the log and not to the caller. */
export class FormFault extends Error {
  override readonly name = 'FormFault'
}

/** What the specification lets each kind of field say (2025-11-25, client/elicitation, "Requested Schema"). */
const keywords = {
  string: ['title', 'description', 'minLength', 'maxLength', 'format', 'default'],
  number: ['title', 'description', 'minimum', 'maximum', 'default'],
  boolean: ['title', 'description', 'default'],
  choice: ['title', 'description', 'enum', 'enumNames', 'oneOf', 'default'],
  choices: ['title', 'description', 'minItems', 'maxItems', 'default'],
} as const

const formats: ReadonlySet<unknown> = new Set(['email', 'uri', 'date', 'date-time'])

/** A schema is compiled once, however often it is asked with; it goes when its author's object goes. */
const compiled = new WeakMap<object, CompiledSchema>()

/**
 * A schema as a form of the revision. What a client need not know, such as a pattern, stays behind and is still checked.
 * @throws FormFault for a schema that no form can be, and for one that asks for secrets.
 */
export function formOf(source: SchemaLike, revision: Revision): Form {
  let schema = compiled.get(source)
  if (schema === undefined) {
    schema = compileSchema(source, { role: 'input', owner: 'a question to the user' })
    compiled.set(source, schema)
  }
  const { properties, required } = schema.json
  if (properties === undefined)
    throw new FormFault('The schema of a question must be an object with properties.')
  const fields = Object.entries(properties).map(
    ([name, field]) => [name, fieldOf(name, field, revision)] as const,
  )
  return {
    requestedSchema: {
      type: 'object',
      properties: Object.fromEntries(fields),
      ...(required !== undefined && required.length > 0 && { required }),
    },
    schema,
  }
}

function fieldOf(name: string, field: unknown, revision: Revision): object {
  if (isSensitiveName(name)) {
    throw new FormFault(
      `The question asks for ${JSON.stringify(name)}, which looks like a secret and would pass through the client; use ctx.elicitUrl for it.`,
    )
  }
  const full = revision.forms === 'full'
  if (!isRecord(field)) throw unfit(name)
  if (field['const'] !== undefined)
    return fieldOf(name, { type: 'string', ...field, const: undefined, enum: [field['const']] }, revision)
  switch (field['type']) {
    case 'string':
      if (field['enum'] !== undefined || field['oneOf'] !== undefined) return choice(field, full)
      return {
        type: 'string',
        ...pick(field, keywords.string, full),
        ...(!formats.has(field['format']) && { format: undefined }),
      }
    case 'number':
    case 'integer':
      return { type: field['type'], ...pick(field, keywords.number, full) }
    case 'boolean':
      // The one default that plain forms have.
      return { type: 'boolean', ...pick(field, keywords.boolean, true) }
    case 'array':
      if (!full || !isRecord(field['items'])) throw unfit(name)
      return { type: 'array', ...pick(field, keywords.choices, full), items: choicesOf(name, field['items']) }
    default:
      throw unfit(name)
  }
}

/** One of several: before 2025-11-25 titles stand beside the values instead of with them. */
function choice(field: Record<string, unknown>, full: boolean): object {
  const { oneOf } = field
  if (full || !Array.isArray(oneOf)) return { type: 'string', ...pick(field, keywords.choice, full) }
  const titled: readonly unknown[] = oneOf
  const options = titled.map((option) => (isRecord(option) ? option : {}))
  return {
    type: 'string',
    ...pick(field, ['title', 'description'], full),
    enum: options.map((option) => option['const']),
    enumNames: options.map((option) => option['title'] ?? option['const']),
  }
}

function choicesOf(name: string, items: Record<string, unknown>): object {
  if (Array.isArray(items['enum'])) return { type: 'string', enum: items['enum'] }
  const titled = items['anyOf'] ?? items['oneOf']
  if (Array.isArray(titled)) return { anyOf: titled }
  throw unfit(name)
}

function pick(field: Record<string, unknown>, known: readonly string[], withDefault: boolean): object {
  const kept = known.filter((key) => field[key] !== undefined && (withDefault || key !== 'default'))
  return Object.fromEntries(kept.map((key) => [key, field[key]]))
}

function unfit(name: string): FormFault {
  return new FormFault(
    `The question's field ${JSON.stringify(name)} is none that this client's revision has in a form; use a string, number, boolean or a choice of strings.`,
  )
}
