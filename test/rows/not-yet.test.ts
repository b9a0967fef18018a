import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { open, testServer } from '../protocol/support.js'
import { fullServer, objectsIn } from './full-server.js'

// Rows whose feature is still to come (`waits` in rows.json). They run and are expected to fail: whoever brings the
// feature is told by a red test, and moves it to the file of its section.
describe('not yet', () => {
  describe.each(cells({ transports: ['stdio', 'http'] }))('$name', (cell) => {
    it.fails('lists no text that looks other than it is: no escapes, no hidden characters (TOOL-25)', async () => {
      const { server } = testServer()
      const hidden = ['\u001b[2J', '\u0008', '\u202e', '\u2066', '\u200b', '\u2060', '\u{e0041}']
      for (const [at, character] of hidden.entries()) {
        const text = `Adds.${character} Reads.`
        const input = {
          type: 'object',
          properties: { a: { type: 'string', description: text } },
        } as const
        for (const [kind, options] of [
          ['described', { description: text }],
          ['titled', { description: 'A tool.', title: text }],
          ['taking', { description: 'A tool.', input }],
        ] as const) {
          // Refused where it is defined, or else cleaned where it is listed.
          try {
            server.tool(`${kind}-${at}`, options, () => 'x')
          } catch (error) {
            expect(error).toHaveProperty('name', 'DefinitionError')
          }
        }
      }
      server.tool('plain', { description: 'Größe\tin Zeilen\nund Emoji 👩‍💻 ist erlaubt.' }, () => 'x')
      const client = await open(cell, server)
      const { tools } = await client.listTools()
      expect(tools.at(-1)?.name).toBe('plain')
      for (const { name, title = '', description = '', inputSchema } of tools) {
        const described = objectsIn(inputSchema).map((schema) => String(schema['description'] ?? ''))
        const shown = [title, description, ...described].join(' ')
        expect([name, hidden.filter((character) => shown.includes(character))]).toEqual([name, []])
      }
    })

    it.fails('limits how fast values are asked for, so that nobody reads a table letter by letter (CMP-04)', async () => {
      const client = await open(cell, fullServer())
      const ref = { type: 'ref/resource', uri: 'app://rows/{id}' }
      const asked = Array.from({ length: 500 }, (_, n) =>
        client.complete(ref, { name: 'id', value: String(n) }).then(
          () => 'answered',
          () => 'refused',
        ),
      )
      const outcomes = await Promise.all(asked)
      expect(outcomes).toContain('answered')
      expect(outcomes).toContain('refused')
    })
  })
})
