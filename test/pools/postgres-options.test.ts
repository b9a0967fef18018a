import { postgres } from 'holdfast/services/postgres'
import { describe, expect, it } from 'vitest'
import { DefinitionError } from '../../src/errors/definition-error.js'
import { StartError } from '../../src/errors/start-error.js'
import { started } from './service-world.js'

describe('postgres() options', () => {
  it.each([
    [{ url: 'mysql://:secret@localhost/x' }, '"url" of postgres() must be an address'],
    [{ url: 'postgres://u:secret@h/d', max: 0 }, '"max" must be a whole number'],
    [{ url: 'postgres://u:secret@h/d', applicationName: '' }, '"applicationName"'],
    [{ url: 'postgres://u:secret@h/d', statementTimeout: 'soon' as never }, '"statementTimeout"'],
  ])('refuses %j, and never shows the password', (options, sentence) => {
    expect(() => postgres(options)).toThrow(sentence)
    expect(() => postgres(options)).toThrow(DefinitionError)
    expect(() => postgres(options)).toThrow(/^((?!secret).)*$/)
  })

  it('does not start without the database, says why, and leaves nothing behind', async () => {
    const nowhere = postgres({ url: 'postgres://u:secret@127.0.0.1:1/d', name: 'orders' })
    const error = await started(nowhere).catch((thrown: unknown) => thrown)
    expect(StartError.is(error)).toBe(true)
    expect((error as Error).message).toContain(
      '"orders" must be there when the server starts: connect ECONNREFUSED 127.0.0.1:1.',
    )
    expect(String((error as Error).cause)).toContain('ECONNREFUSED')
    expect(JSON.stringify(error) + String((error as Error).cause)).not.toContain('secret')
  })
})
