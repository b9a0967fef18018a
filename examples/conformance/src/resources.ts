import { server } from './fixture.js'
import { redPixelPng } from './samples.js'

server.resource(
  'static-text',
  { uri: 'test://static-text', description: 'A text that never changes.', mimeType: 'text/plain' },
  () => 'This is the content of the static text resource.',
)

server.resource(
  'static-binary',
  { uri: 'test://static-binary', description: 'An image that never changes.', mimeType: 'image/png' },
  () => Buffer.from(redPixelPng, 'base64'),
)

server.resource(
  'template',
  {
    uriTemplate: 'test://template/{id}/data',
    description: 'Data for any id.',
    mimeType: 'application/json',
  },
  ({ params: { id } }) => ({ id, templateTest: true, data: `Data for ID: ${id}` }),
)
