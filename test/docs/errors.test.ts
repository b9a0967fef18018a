import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { catalogue } from '../../src/errors/catalogue.js'
import { revisions } from '../../src/protocol/revisions/all.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')

interface Section {
  readonly family: string
  readonly text: string
}

/** The `###` sections below the two headings of the families. */
function readSections(): Map<string, Section> {
  const found = new Map<string, Section>()
  for (const [heading, family] of [
    ['## Protocol errors', 'protocol'],
    ['## Tool errors', 'tool'],
  ] as const) {
    const body = page.split(`\n${heading}\n`)[1]?.split(/\n## /)[0] ?? ''
    for (const part of body.split(/\n### /).slice(1)) {
      const end = part.indexOf('\n')
      found.set(part.slice(0, end), { family, text: part.slice(end) })
    }
  }
  return found
}

const sections = readSections()
const entries = Object.entries(catalogue)

/** The table on top: name -> the cells beside it. */
const rows = new Map(
  [...page.matchAll(/^\| `(\w+)` \| (.*?) \| (.*?) ?\| (.*?) \|$/gm)].map(
    ([, name = '', code = '', handshake = '', stateless = '']) => [name, { code, handshake, stateless }],
  ),
)

describe('docs/errors.md', () => {
  it('has a section for every entry of the catalogue and for nothing else', () => {
    expect([...sections.keys()].sort()).toEqual(entries.map(([name]) => name).sort())
  })

  it.each(entries)('states the family and code of %s', (name, entry) => {
    const section = sections.get(name)
    expect(section?.family).toBe(entry.family)
    const stated = /^JSON-RPC code: (-\d+)$/m.exec(section?.text ?? '')?.[1]
    expect(stated).toBe('code' in entry ? String(entry.code) : undefined)
    if (entry.family === 'tool') expect(section?.text).toMatch(/^Tool error$/m)
  })

  it.each(entries)('says what caller and author do about %s', (_name, _entry) => {
    const text = sections.get(_name)?.text ?? ''
    expect(text).toMatch(/^- Caller: \S/m)
    expect(text).toMatch(/^- Author: \S/m)
  })

  it.each(entries.filter(([, entry]) => 'code' in entry))(
    'states the HTTP status of %s that the revisions give it',
    (name, entry) => {
      const row = rows.get(name)
      expect(row?.code).toContain('code' in entry ? String(entry.code) : '')
      for (const revision of revisions) {
        const stated = revision.era === 'handshake' ? row?.handshake : row?.stateless
        // An empty cell: the entry does not occur in that era.
        if (stated !== '') expect(Number(stated)).toBe(revision.http.status[name] ?? 200)
      }
    },
  )

  it('names the code of a missing resource under every revision', () => {
    for (const revision of revisions) {
      expect(sections.get('resource_not_found')?.text).toContain(String(revision.resourceNotFound))
    }
  })
})

describe('the catalogue', () => {
  const code = (readdirSync(join(root, 'src'), { recursive: true }) as string[])
    .filter((path) => /(?<!\.test)\.ts$/.test(path) && !path.endsWith('catalogue.ts'))
    .map((path) => readFileSync(join(root, 'src', path), 'utf8'))
    .join('\n')

  it.each(entries)('has no entry that nothing uses: %s', (name) => {
    // As an argument (`'parse_error'`), or as a property (`catalogue.parse_error`, `parse_error: 400`).
    expect(code).toMatch(new RegExp(`'${name}'|\\.${name}\\b|\\b${name}:`))
  })

  it('holds every code that a tool error of ours carries', () => {
    const made = [...code.matchAll(/new ToolError\(\s*'(\w+)'/g)].map((match) => match[1])
    expect(made.length).toBeGreaterThan(0)
    for (const name of made) {
      expect(entries.filter(([, entry]) => entry.family === 'tool').map(([known]) => known)).toContain(name)
    }
  })
})
