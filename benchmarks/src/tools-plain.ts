import { type createServer, result, type ToolOptions } from 'holdfast'
import { ADD_DESCRIPTION, catalogTools, ECHO_DESCRIPTION, inputSchema } from './catalog.js'

type BenchServer = ReturnType<typeof createServer>
type Policies = Pick<ToolOptions, 'permissions' | 'rateLimit' | 'concurrency' | 'cache' | 'timeout'>

/** `add`, `echo` and catalog tools up to `count`, all with plain JSON Schemas; `policies` hold for the first two. */
export function addPlainTools(server: BenchServer, count: number, policies: Policies = {}): void {
  server.tool(
    'add',
    {
      ...policies,
      description: ADD_DESCRIPTION,
      annotations: { readOnlyHint: true },
      input: {
        type: 'object',
        properties: {
          a: { type: 'number', description: 'The first number.' },
          b: { type: 'number', description: 'The second number.' },
        },
        required: ['a', 'b'],
        additionalProperties: false,
      },
      output: {
        type: 'object',
        properties: { sum: { type: 'number', description: 'The sum of both numbers.' } },
        required: ['sum'],
        additionalProperties: false,
      },
    },
    ({ a, b }) => result({ content: String(a + b), structured: { sum: a + b } }),
  )
  server.tool(
    'echo',
    {
      ...policies,
      description: ECHO_DESCRIPTION,
      annotations: { readOnlyHint: true },
      input: {
        type: 'object',
        properties: { text: { type: 'string', description: 'The text to return.' } },
        required: ['text'],
        additionalProperties: false,
      },
    },
    ({ text }) => text,
  )
  for (const { name, description, readOnly, fields } of catalogTools(count - 2)) {
    server.tool(
      name,
      { description, annotations: { readOnlyHint: readOnly }, input: inputSchema(fields) },
      () => `${name} is part of the benchmark and does nothing.`,
    )
  }
}
