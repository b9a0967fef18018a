import { type Authenticator, createServer, type Principal, type Server } from 'holdfast'
import { defineService } from 'holdfast/services'
import { type DeskAccess, peoplePermission, readPermission } from './access.js'
import { type DeskOptions, openDesk } from './data/desk.js'
import type { ServedDesk } from './data/served-desk.js'
import { addExploreDataset } from './prompts/explore-dataset.js'
import { addSchemaResource } from './resources/schema.js'
import type { Services } from './services.js'
import { describeDataset } from './tools/describe-dataset.js'
import { formatRows } from './tools/format-rows.js'
import { importCsv } from './tools/import-csv.js'
import { listDatasets } from './tools/list-datasets.js'
import { queryDataset } from './tools/query-dataset.js'

export interface DeskServerOptions {
  /** Private addresses that import-csv may fetch from, as host:port. Default: none, only the public internet. */
  readonly allowFetch?: readonly string[]
  /** Who is calling; each caller has imports of its own. Default: everyone is anonymous, and one caller. */
  readonly auth?: Authenticator
  /** Who may see more than the desk holds, and who may see that at all. Default: everyone sees the desk. */
  readonly access?: DeskAccess
}

/** In the place of a database, for desks that have their own. */
const noDatabase = defineService({ start: () => undefined })

/** The server over an open desk. Closing the server closes the desk, and the one with more. */
export function createDeskServer(
  desk: ServedDesk,
  { allowFetch = [], access, auth = access?.auth }: DeskServerOptions = {},
): Server<Services> {
  const server = createServer({
    name: 'data-desk',
    title: 'Data desk',
    version: '0.1.0',
    description: 'Reads and queries real datasets with SQL, and changes nothing.',
    ...(auth !== undefined && { auth }),
    // Somewhat wider than an import's own limits, which have words of their own.
    fetch: {
      allow: allowFetch,
      maxBytes: desk.importLimits.bytes + 65_536,
      timeoutMs: desk.importLimits.durationMs + 5000,
    },
    instructions:
      `${desk.datasets.size} datasets as tables of one SQL database (${desk.dialect}), read only. ` +
      'Start with list-datasets, look at one with describe-dataset, then ask with query-dataset; ' +
      'format-rows makes CSV, XML, Markdown or JSON of the rows.' +
      (desk.canImport
        ? ' import-csv makes a dataset of a CSV file on the web: yours alone, and for an hour.'
        : ''),
    services: {
      deskFor: ({ permissions }: Principal) =>
        access !== undefined && permissions.has(peoplePermission) ? access.withPeople : desk,
      database: (access?.withPeople ?? desk).service ?? noDatabase,
      readersDatabase: (access === undefined ? undefined : desk.service) ?? noDatabase,
    },
  })
  const readers = server.group(access === undefined ? {} : { permissions: [readPermission] })
  readers.add(listDatasets)
  readers.add(describeDataset)
  readers.add(queryDataset(desk.dialect))
  readers.add(formatRows)
  if (desk.canImport) readers.add(importCsv)
  addSchemaResource(readers)
  addExploreDataset(readers)

  const close = server.close.bind(server)
  server.close = async (closing) => {
    await close(closing)
    await Promise.all([desk.close(), access?.withPeople.close()])
  }
  return server
}

/**
 * Loads the data and makes the server over it.
 * @throws {DataError} when the data directory cannot be read or holds no table.
 */
export async function createDataDesk(
  options: DeskOptions & DeskServerOptions = {},
): Promise<Server<Services>> {
  return createDeskServer(await openDesk(options), options)
}
