import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { revisions } from '../../src/protocol/revisions/all.js'
import type { ClientFeature, Revision } from '../../src/protocol/revisions/revision.js'
import { root } from './fences.js'

const page = readFileSync(join(root, 'docs/revisions.md'), 'utf8')
const yes = (value: boolean): string => (value ? 'yes' : 'no')

/** What the table says in words, read from the revisions themselves. */
const facts: Readonly<Record<string, (revision: Revision) => string>> = {
  'JSON-RPC batches': ({ batches }) => yes(batches),
  '`ping`': ({ requests }) => yes(requests.has('ping')),
  completion: ({ requests }) => yes(requests.has('completion/complete')),
  'tool annotations': ({ fields }) => yes(fields.tool.includes('annotations')),
  'titles, `_meta` on definitions': ({ fields }) =>
    yes(['title', '_meta'].every((name) => fields.tool.includes(name) && fields.prompt.includes(name))),
  "icons; the server's description and website": ({ fields }) =>
    yes(fields.tool.includes('icons') && fields.implementation.includes('websiteUrl')),
  '`outputSchema`, `structuredContent`': ({ structured }) =>
    ({ none: 'no', object: 'objects', any: 'any JSON' })[structured],
  'audio blocks': ({ content }) => yes(content.has('audio')),
  'resource links': ({ content }) => yes(content.has('resource_link')),
  'annotation `lastModified`': ({ fields }) => yes(fields.annotations.includes('lastModified')),
  '`ttlMs`, `cacheScope` on lists and reads': ({ cacheHints }) => yes(cacheHints),
  '`resultType` and server info in each result': ({ resultType }) => yes(resultType),
  'extensions in capabilities': ({ fields }) => yes(fields.serverCapabilities.includes('extensions')),
  'progress with a message': ({ progressMessage }) => yes(progressMessage),
  'log messages to the client': ({ requests }) =>
    requests.has('logging/setLevel') ? '`logging/setLevel`' : "each request's `_meta`",
  'change notifications': ({ requests }) =>
    requests.has('resources/subscribe') ? 'unasked; `resources/subscribe`' : '`subscriptions/listen`',
  'a server asks its client by': ({ asks }) =>
    asks === 'request' ? 'a request' : 'an answer that the client comes back from',
  forms: ({ forms, clientFeatures }) => (clientFeatures.has('elicitation') ? forms : 'none'),
  'the tasks extension': ({ clientFeatures }) => yes(clientFeatures.has('tasks')),
  'HTTP streams begin with an id to come back from': ({ http }) => yes(http.primes),
  'a missing resource': ({ resourceNotFound }) => String(resourceNotFound),
  'HTTP sessions': ({ http }) => yes(http.sessions),
  'a closed HTTP response cancels the call': ({ http }) => yes(http.disconnectCancels),
}

const rows = new Map(
  page.split('\n').flatMap((line) => {
    const cells = line.split('|').map((cell) => cell.trim())
    const [, name] = cells
    return name !== undefined && cells.length === 8 ? [[name, cells.slice(2, 7)] as const] : []
  }),
)

describe('docs/revisions.md', () => {
  it('has a column for every revision', () => {
    expect(rows.get('')).toEqual(revisions.map(({ version }) => version))
  })

  it.each(Object.entries(facts))('says of each what its file says: %s', (name, fact) => {
    const stated = rows.get(name)?.map((cell) => cell.split(',')[0])
    expect(stated).toEqual(revisions.map(fact))
  })

  it('says from which revision each feature of a client can be asked for', () => {
    const first = new Map<ClientFeature, string>()
    for (const { version, clientFeatures } of revisions) {
      for (const feature of clientFeatures) if (!first.has(feature)) first.set(feature, version)
    }
    const stated = [...page.matchAll(/^\| ((?:`[\w.]+`,? ?)+) \| (\d{4}-\d\d-\d\d) \|$/gm)].flatMap(
      ([, names = '', version = '']) =>
        [...names.matchAll(/`([\w.]+)`/g)].map((match) => [match[1], version] as const),
    )
    expect(new Map(stated)).toEqual(first)
  })
})
