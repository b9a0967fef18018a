import { type createServer, result } from 'holdfast'
import { z } from 'zod'
import { ADD_DESCRIPTION, catalogTools, ECHO_DESCRIPTION, type Field } from './catalog.js'

type BenchServer = ReturnType<typeof createServer>

function bare(field: Field): z.ZodType {
  switch (field.kind) {
    case 'text': {
      const text = z.string().max(field.maxLength)
      return field.pattern === undefined ? text : text.regex(new RegExp(field.pattern))
    }
    case 'integer':
      return z.int().min(field.minimum).max(field.maximum)
    case 'boolean':
      return z.boolean()
    case 'choice':
      return z.enum(field.values)
    case 'texts':
      return z.array(z.string()).max(field.maxItems)
  }
}

function objectOf(fields: readonly Field[]): z.ZodObject {
  const entries = fields.map((field) => {
    const type = bare(field).describe(field.description)
    return [field.name, field.optional === undefined ? type : type.optional()] as const
  })
  return z.strictObject(Object.fromEntries(entries))
}

/** The same tools as `addPlainTools` registers, with zod schemas. */
export function addZodTools(server: BenchServer, count: number): void {
  server.tool(
    'add',
    {
      description: ADD_DESCRIPTION,
      annotations: { readOnlyHint: true },
      input: z.strictObject({
        a: z.number().describe('The first number.'),
        b: z.number().describe('The second number.'),
      }),
      output: z.strictObject({ sum: z.number().describe('The sum of both numbers.') }),
    },
    ({ a, b }) => result({ content: String(a + b), structured: { sum: a + b } }),
  )
  server.tool(
    'echo',
    {
      description: ECHO_DESCRIPTION,
      annotations: { readOnlyHint: true },
      input: z.strictObject({ text: z.string().describe('The text to return.') }),
    },
    ({ text }) => text,
  )
  for (const { name, description, readOnly, fields } of catalogTools(count - 2)) {
    server.tool(
      name,
      { description, annotations: { readOnlyHint: readOnly }, input: objectOf(fields) },
      () => `${name} is part of the benchmark and does nothing.`,
    )
  }
}
