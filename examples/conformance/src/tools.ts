import { setTimeout as sleep } from 'node:timers/promises'
import { audio, embed, image, text } from 'holdfast'
import { z } from 'zod'
import { server } from './fixture.js'
import { redPixelPng, silenceWav } from './samples.js'

// The suite calls the first listed tool with no arguments, so this one stays first.
server.tool(
  'test_simple_text',
  { description: 'Returns one sentence.' },
  () => 'This is a simple text response for testing.',
)

server.tool('test_image_content', { description: 'Returns a one-pixel PNG.' }, () =>
  image(redPixelPng, 'image/png'),
)

server.tool('test_audio_content', { description: 'Returns a short WAV.' }, () =>
  audio(silenceWav, 'audio/wav'),
)

server.tool('test_embedded_resource', { description: 'Returns a resource inside the result.' }, () =>
  embed({
    uri: 'test://embedded-resource',
    mimeType: 'text/plain',
    text: 'This is an embedded resource content.',
  }),
)

server.tool('test_multiple_content_types', { description: 'Returns text, an image and a resource.' }, () => [
  text('Multiple content types test:'),
  image(redPixelPng, 'image/png'),
  embed({ uri: 'test://mixed-content-resource', mimeType: 'application/json', text: '{"test":"data"}' }),
])

server.tool(
  'test_error_handling',
  {
    description: 'Always fails.',
    errors: { intended_failure: { message: 'This tool intentionally returns an error for testing.' } },
  },
  (_input, ctx) => {
    throw ctx.error('intended_failure')
  },
)

server.tool(
  'test_tool_with_progress',
  { description: 'Reports progress three times.' },
  async (_input, ctx) => {
    await ctx.progress(0, 100)
    await sleep(50)
    await ctx.progress(50, 100)
    await sleep(50)
    await ctx.progress(100, 100)
    return 'Progress was reported three times.'
  },
)

server.tool(
  'test_missing_capability',
  { description: 'Needs a client that can sample.', requires: ['sampling'] },
  () => 'The client says that it can sample.',
)

server.tool('test_logging_tool', { description: 'Sends one log message.' }, async (_input, ctx) => {
  await ctx.logToClient('info', 'The logging tool ran.')
  return 'One message was sent to whoever asked for it.'
})

server.tool(
  'test_x_mcp_header',
  {
    description: 'Takes a parameter that clients repeat in a header.',
    input: z.object({
      region: z.string().describe('Where to run, e.g. eu-1.').meta({ 'x-mcp-header': 'Region' }),
    }),
  },
  ({ region }) => `Region: ${region}`,
)

server.tool(
  'json_schema_2020_12_tool',
  {
    description: 'Tool with JSON Schema 2020-12 features.',
    input: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      $defs: {
        address: {
          $anchor: 'addressDef',
          type: 'object',
          description: 'A postal address.',
          properties: {
            street: { type: 'string', description: 'Street and number.' },
            city: { type: 'string', description: 'City.' },
          },
        },
      },
      properties: {
        name: { type: 'string', description: 'Full name.' },
        address: { $ref: '#/$defs/address', description: 'Where to write to.' },
        contactMethod: { type: 'string', enum: ['phone', 'email'], description: 'How to get in touch.' },
        phone: { type: 'string', description: 'Phone number.' },
        email: { type: 'string', description: 'Mail address.' },
      },
      allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
      if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
      then: { required: ['phone'] },
      else: { required: ['email'] },
      additionalProperties: false,
    },
  },
  (input) => `Received: ${JSON.stringify(input)}`,
)
