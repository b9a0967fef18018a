import { isSensitiveName } from '../errors/secrets.js'
import { isRecord } from '../protocol/json-rpc.js'
import type { Revision } from '../protocol/revisions/revision.js'
import { type CompiledSchema, compileSchema } from '../schema/compile.js'
import type { SchemaLike } from '../schema/infer.js'

/** A form as it goes to a client. */
export interface Form {
  readonly requestedSchema: object
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

/** Readies a schema for checking answers; once, however often it is asked with. @throws DefinitionError */
export function schemaOf(source: SchemaLike): CompiledSchema {
  let schema = compiled.get(source)
  if (schema === undefined) {
    schema = compileSchema(source, { role: 'input', owner: 'a question to the user' })
    compiled.set(source, schema)
  }
  return schema
}

/**
 * A schema as a form of the revision; undefined where only newer revisions have such a form. What a client need not
 * know, such as a pattern, stays behind and is still checked.
 * @throws FormFault for a schema that no form can be, and for one that asks for secrets.
 */
export function formOf({ json }: CompiledSchema, revision: Revision): Form | undefined {
  const { properties, required } = json
  if (properties === undefined)
    throw new FormFault('The schema of a question must be an object with properties.')
  const full = revision.forms === 'full'
  const fields: (readonly [name: string, field: object])[] = []
  for (const [name, property] of Object.entries(properties)) {
    const field = fieldOf(name, property, full)
    if (field === undefined) return undefined
    fields.push([name, field])
  }
  return {
    requestedSchema: {
      type: 'object',
      properties: Object.fromEntries(fields),
      ...(required !== undefined && required.length > 0 && { required }),
    },
  }
}

function fieldOf(name: string, field: unknown, full: boolean): object | undefined {
  if (!isRecord(field)) throw unfit(name)
  switch (kindOf(field)) {
    case 'string':
      refuseSecrets(name, field)
      return {
        type: 'string',
        ...pick(field, keywords.string, full),
        ...(!formats.has(field['format']) && { format: undefined }),
      }
    case 'choice':
      return choice(field, full)
    case 'number':
      return { type: field['type'], ...pick(field, keywords.number, full) }
    case 'boolean':
      // The one default that plain forms have.
      return { type: 'boolean', ...pick(field, keywords.boolean, true) }
    case 'choices': {
      const items = choicesOf(name, field['items'])
      return full ? { type: 'array', ...pick(field, keywords.choices, full), items } : undefined
    }
    case undefined:
      throw unfit(name)
  }
}

function kindOf(field: Record<string, unknown>): keyof typeof keywords | undefined {
  const { type } = field
  const values = field['const'] === undefined ? field['enum'] : [field['const']]
  if (Array.isArray(values)) {
    // Libraries write choices with and without their type.
    if (values.every((value) => typeof value === 'string')) return 'choice'
    if (type !== 'boolean' && values.every((value) => typeof value === 'boolean')) return 'boolean'
  }
  if (type === 'string') return field['oneOf'] === undefined ? 'string' : 'choice'
  if (type === 'number' || type === 'integer') return 'number'
  if (type === 'array') return 'choices'
  return type === 'boolean' ? 'boolean' : undefined
}

/** Only text can hold a secret: a number of tokens is none. */
function refuseSecrets(name: string, { title }: Record<string, unknown>): void {
  const secret = [name, typeof title === 'string' ? title : ''].find(
    (text) => isSensitiveName(text) || card.test(text),
  )
  if (secret === undefined) return
  throw new FormFault(
    `The question asks for ${JSON.stringify(secret)}, which looks like a secret and would pass through the client; use ctx.elicitUrl for it.`,
  )
}

/** Payment credentials are secrets of their own kind (client/elicitation, "User Interaction Model"). */
const card = /(?:credit|debit|payment|bank)[-_ ]?card|card[-_ ]?(?:number|no\b|num\b)|\bcvv2?\b|\biban\b/i

/** One of several: before 2025-11-25 titles stand beside the values instead of with them. */
function choice(field: Record<string, unknown>, full: boolean): object {
  const { oneOf } = field
  if (field['const'] !== undefined) {
    return { type: 'string', ...pick(field, keywords.choice, full), enum: [field['const']] }
  }
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

function choicesOf(name: string, items: unknown): object {
  if (!isRecord(items)) throw unfit(name)
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
