import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { open, refused, testServer, textOf } from './support.js'

describe.each(cells())('$name', (cell) => {
  function served() {
    const { server } = testServer()
    let asked = 0
    server.tool('summarise', { description: 'Asks the client to sample.', requires: ['sampling'] }, () => {
      asked += 1
      return 'done'
    })
    return { server, asked: () => asked }
  }

  it('HTM-26 a client that cannot do what a tool requires is refused before the handler', async () => {
    const { server, asked } = served()
    const client = await open(cell, server, { capabilities: {} })
    if (cell.stateless) {
      const error = await refused(client.callTool('summarise'))
      expect(error).toMatchObject({ code: -32021, data: { requiredCapabilities: { sampling: {} } } })
      if (cell.transport === 'http') expect(error.httpStatus).toBe(400)
    } else {
      const result = await client.callTool('summarise')
      expect(result.isError).toBe(true)
      expect(textOf(result)).toContain('needs a client that can do sampling')
    }
    expect(asked()).toBe(0)
  })

  it('VER-13 what one request declares counts for that request, what a handshake declares for all', async () => {
    const { server, asked } = served()
    const client = await open(cell, server, { capabilities: { sampling: {} } })
    expect(textOf(await client.callTool('summarise'))).toBe('done')
    expect(asked()).toBe(1)
  })
})
