import { embed, image, user } from 'holdfast'
import { z } from 'zod'
import { server } from './fixture.js'
import { redPixelPng } from './samples.js'

server.prompt(
  'test_simple_prompt',
  { description: 'A prompt without arguments.' },
  () => 'This is a simple prompt for testing.',
)

server.prompt(
  'test_prompt_with_arguments',
  {
    description: 'A prompt with two arguments.',
    input: z.object({
      arg1: z.string().describe('First test argument.'),
      arg2: z.string().describe('Second test argument.'),
    }),
    complete: {
      arg1: (value) => ['paris', 'park', 'party', 'test'].filter((word) => word.startsWith(value)),
    },
  },
  ({ arg1, arg2 }) => `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`,
)

server.prompt(
  'test_prompt_with_embedded_resource',
  {
    description: 'A prompt with a resource inside.',
    input: z.object({ resourceUri: z.string().describe('URI of the resource to embed.') }),
  },
  ({ resourceUri }) => [
    user(embed({ uri: resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' })),
    user('Please process the embedded resource above.'),
  ],
)

server.prompt('test_prompt_with_image', { description: 'A prompt with an image.' }, () => [
  user(image(redPixelPng, 'image/png')),
  user('Please analyze the image above.'),
])
