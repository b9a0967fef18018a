import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { open, refused, testServer } from '../protocol/support.js'

const password = 'hunter2-of-the-orders'
const connection = `postgres://app:${password}@db.internal/orders`

/** All that a log sink could write of what it was told: as JSON, and as text. */
function everything(logged: readonly { readonly message: string; readonly fields: object }[]): string {
  return JSON.stringify(logged) + logged.map(({ fields }) => Object.values(fields).map(String)).join('\n')
}

describe.each(cells())('$name', (cell) => {
  it('a secret that a handler throws and logs is in no record and on no wire', async () => {
    const { server, logged } = testServer()
    const fail = (): never => {
      throw Object.assign(
        new Error(`connect to ${connection} failed`, { cause: new Error(`password=${password}`) }),
        {
          config: { headers: { authorization: `Bearer ${password}` } },
        },
      )
    }
    server.tool('leaks', { description: 'Logs a secret and fails with another.' }, (_args, ctx) => {
      ctx.log.info(`Trying ${connection}.`, {
        password,
        login: { user: 'app', apiKey: password },
        table: 'orders',
      })
      return fail()
    })
    server.tool(
      'blames',
      { description: 'Fails as it may, for a reason that is only logged.' },
      (_args, ctx) => {
        throw ctx.error('no_database', {
          message: 'The orders cannot be read.',
          cause: new Error(connection),
        })
      },
    )
    server.resource('leak', { uri: 'app://leak', description: 'Fails.' }, fail)
    server.prompt('leak', { description: 'Fails.' }, fail)
    const client = await open(cell, server)

    expect((await client.callTool('leaks')).isError).toBe(true)
    expect((await client.callTool('blames')).isError).toBe(true)
    await refused(client.readResource('app://leak'))
    await refused(client.getPrompt('leak'))

    expect(JSON.stringify(client.received)).not.toContain(password)
    expect(everything(logged)).not.toContain(password)
    // Nothing else was taken away.
    expect(logged.find(({ level }) => level === 'info')).toMatchObject({
      message: 'Trying postgres://app:[redacted]@db.internal/orders.',
      fields: {
        password: '[redacted]',
        login: { user: 'app', apiKey: '[redacted]' },
        table: 'orders',
        name: 'leaks',
      },
    })
    const errors = logged.filter(({ level }) => level === 'error')
    expect(errors).toHaveLength(3)
    for (const { fields } of errors) {
      expect(String(fields['error'])).toBe(
        'Error: connect to postgres://app:[redacted]@db.internal/orders failed',
      )
      expect(fields['error']).toMatchObject({
        cause: { message: 'password=[redacted]' },
        config: { headers: { authorization: '[redacted]' } },
      })
    }
    expect(String(logged.find(({ level }) => level === 'warn')?.fields['cause'])).toBe(
      'Error: postgres://app:[redacted]@db.internal/orders',
    )
  })
})
