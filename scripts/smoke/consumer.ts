import { createServer } from 'holdfast'
import { serve } from 'holdfast/node'

const server = createServer({ name: 'consumer', version: '1.0.0' })
server.tool('hello', { description: 'Say hello.' }, () => 'hello')
await serve(server)
