import { createServer } from 'holdfast'
import { serve } from 'holdfast/node'

const server = createServer({ name: 'smoke', version: '1.0.0' })

server.tool(
  'add',
  {
    description: 'Add two numbers.',
    annotations: { readOnlyHint: true },
    input: {
      type: 'object',
      properties: {
        a: { type: 'number', description: 'The first number.' },
        b: { type: 'number', description: 'The second number.' },
      },
      required: ['a', 'b'],
    },
  },
  ({ a, b }) => ({ sum: a + b }),
)

await serve(server)
