/** One field of a tool's input, neutral between JSON Schema and zod so that both targets carry the same tools. */
export type Field = { readonly name: string; readonly description: string; readonly optional?: true } & (
  | { readonly kind: 'text'; readonly maxLength: number; readonly pattern?: string }
  | { readonly kind: 'integer'; readonly minimum: number; readonly maximum: number }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'choice'; readonly values: readonly [string, ...string[]] }
  | { readonly kind: 'texts'; readonly maxItems: number }
)

/** One of the tools that stand beside `add` and `echo`; they are listed in every run and called in none. */
export interface CatalogTool {
  readonly name: string
  readonly description: string
  readonly readOnly: boolean
  readonly fields: readonly Field[]
}

/** A tool as `tools/list` shows it. */
export interface ListedTool {
  readonly name: string
  readonly description: string
  readonly inputSchema: ObjectSchema
  readonly outputSchema?: ObjectSchema
  readonly annotations?: { readonly readOnlyHint: boolean }
}

export type ObjectSchema = {
  readonly type: 'object'
  readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly required: readonly string[]
  readonly additionalProperties: false
}

/** How many tools a server of the benchmark has unless told otherwise: `add`, `echo` and 48 of the catalog. */
export const DEFAULT_TOOLS = 50

export const ADD_DESCRIPTION = 'Add two numbers and return their sum.'
export const ECHO_DESCRIPTION = 'Return the given text unchanged.'

const entities = [
  ['order', 'orders', 'ORD', 'open'],
  ['customer', 'customers', 'CUS', 'active'],
  ['invoice', 'invoices', 'INV', 'unpaid'],
  ['product', 'products', 'PRD', 'listed'],
  ['shipment', 'shipments', 'SHP', 'in_transit'],
  ['payment', 'payments', 'PAY', 'settled'],
  ['refund', 'refunds', 'REF', 'requested'],
  ['ticket', 'tickets', 'TIC', 'waiting'],
  ['warehouse', 'warehouses', 'WHS', 'staffed'],
  ['supplier', 'suppliers', 'SUP', 'approved'],
  ['contract', 'contracts', 'CON', 'signed'],
  ['campaign', 'campaigns', 'CAM', 'running'],
] as const

type Entity = (typeof entities)[number]

function idField([one, , prefix]: Entity): Field {
  return {
    name: `${one}Id`,
    kind: 'text',
    maxLength: 10,
    pattern: `^${prefix}-[0-9]{6}$`,
    description: `Number of the ${one}, e.g. ${prefix}-000123.`,
  }
}

function toolsOf(entity: Entity): CatalogTool[] {
  const [one, many, , state] = entity
  return [
    {
      name: `find-${one}`,
      description: `Find one ${one} by its number and return its current state with all its fields.`,
      readOnly: true,
      fields: [
        idField(entity),
        { name: 'withHistory', kind: 'boolean', optional: true, description: 'Also return earlier states.' },
      ],
    },
    {
      name: `search-${many}`,
      description: `Search ${many} by words, state and date, newest first, one page at a time.`,
      readOnly: true,
      fields: [
        { name: 'words', kind: 'text', maxLength: 200, description: `Words that the ${many} must contain.` },
        {
          name: 'state',
          kind: 'choice',
          values: [state, 'closed', 'any'],
          optional: true,
          description: `Which ${many} to look at.`,
        },
        {
          name: 'since',
          kind: 'text',
          maxLength: 10,
          pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$',
          optional: true,
          description: 'Earliest date, as YYYY-MM-DD.',
        },
        {
          name: 'limit',
          kind: 'integer',
          minimum: 1,
          maximum: 100,
          optional: true,
          description: 'How many to return, 20 by default.',
        },
      ],
    },
    {
      name: `label-${one}`,
      description: `Attach labels and a note to one ${one}; labels it already has are kept.`,
      readOnly: false,
      fields: [
        idField(entity),
        { name: 'labels', kind: 'texts', maxItems: 10, description: 'Labels to attach, in lower case.' },
        {
          name: 'note',
          kind: 'text',
          maxLength: 500,
          optional: true,
          description: 'A sentence for the people who read it later.',
        },
      ],
    },
    {
      name: `summarise-${many}`,
      description: `Count ${many} by state over a period and compare with the period before.`,
      readOnly: true,
      fields: [
        {
          name: 'days',
          kind: 'integer',
          minimum: 1,
          maximum: 366,
          description: 'Length of the period in days, ending today.',
        },
        {
          name: 'groupBy',
          kind: 'choice',
          values: ['day', 'week', 'month'],
          optional: true,
          description: 'How to group the counts.',
        },
      ],
    },
  ]
}

/** The tools of the catalog, repeated under numbered names where more than 48 are asked for. */
export function catalogTools(count: number): CatalogTool[] {
  const base = entities.flatMap(toolsOf)
  const tools: CatalogTool[] = []
  for (let round = 1; tools.length < count; round++) {
    for (const tool of base) {
      if (tools.length === count) break
      tools.push(round === 1 ? tool : { ...tool, name: `${tool.name}-${round}` })
    }
  }
  return tools
}

function fieldSchema(field: Field): Record<string, unknown> {
  const { description } = field
  switch (field.kind) {
    case 'text':
      return {
        type: 'string',
        description,
        maxLength: field.maxLength,
        ...(field.pattern === undefined ? {} : { pattern: field.pattern }),
      }
    case 'integer':
      return { type: 'integer', description, minimum: field.minimum, maximum: field.maximum }
    case 'boolean':
      return { type: 'boolean', description }
    case 'choice':
      return { type: 'string', description, enum: field.values }
    case 'texts':
      return { type: 'array', description, items: { type: 'string' }, maxItems: field.maxItems }
  }
}

/** The fields of a tool as a plain JSON Schema object. */
export function inputSchema(fields: readonly Field[]): ObjectSchema {
  return {
    type: 'object',
    properties: Object.fromEntries(fields.map((field) => [field.name, fieldSchema(field)])),
    required: fields.filter((field) => field.optional === undefined).map((field) => field.name),
    additionalProperties: false,
  }
}

/** All tools as the raw loop lists them. */
export function listedTools(count: number): ListedTool[] {
  return [
    {
      name: 'add',
      description: ADD_DESCRIPTION,
      inputSchema: {
        type: 'object',
        properties: {
          a: { type: 'number', description: 'The first number.' },
          b: { type: 'number', description: 'The second number.' },
        },
        required: ['a', 'b'],
        additionalProperties: false,
      },
      outputSchema: {
        type: 'object',
        properties: { sum: { type: 'number', description: 'The sum of both numbers.' } },
        required: ['sum'],
        additionalProperties: false,
      },
      annotations: { readOnlyHint: true },
    },
    {
      name: 'echo',
      description: ECHO_DESCRIPTION,
      inputSchema: {
        type: 'object',
        properties: { text: { type: 'string', description: 'The text to return.' } },
        required: ['text'],
        additionalProperties: false,
      },
      annotations: { readOnlyHint: true },
    },
    ...catalogTools(count - 2).map((tool) => ({
      name: tool.name,
      description: tool.description,
      inputSchema: inputSchema(tool.fields),
      annotations: { readOnlyHint: tool.readOnly },
    })),
  ]
}
