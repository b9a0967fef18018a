import { expect, it, vi } from 'vitest'
import { testServer } from './support.js'

const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}'

it.each([
  [
    'throws',
    () => {
      throw new Error('The wire is cut.')
    },
  ],
  ['rejects', () => Promise.reject(new Error('The wire is cut.'))],
])('a transport whose send %s is in the log, and ends nothing', async (_how, send) => {
  const unhandled = vi.fn()
  process.on('unhandledRejection', unhandled)
  const { server, logged } = testServer()
  const connection = server.connect({ transport: 'memory', send })
  connection.receive(ping)
  connection.receive(ping)
  await expect.poll(() => logged.length).toBe(2)
  process.off('unhandledRejection', unhandled)
  expect(logged).toMatchObject([
    { level: 'error', message: 'A transport failed to send.' },
    { level: 'error', message: 'A transport failed to send.' },
  ])
  expect(unhandled).not.toHaveBeenCalled()
  connection.close()
})
