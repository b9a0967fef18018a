import { type Authenticator, createServer, type Server } from 'holdfast'
import { readPermission } from './access.js'
import type { DeskOptions } from './data/desk.js'
import { type DeskEngine, duckdbEngine } from './desk-engine.js'
import { importLimits } from './import/import-limits.js'
import { addExploreDataset } from './prompts/explore-dataset.js'
import { addSchemaResource } from './resources/schema.js'
import { deskService, type Services } from './services.js'
import { describeDataset } from './tools/describe-dataset.js'
import { exportDataset } from './tools/export-dataset.js'
import { formatRows } from './tools/format-rows.js'
import { importCsv } from './tools/import-csv.js'
import { listDatasets } from './tools/list-datasets.js'
import { profileDataset } from './tools/profile-dataset.js'
import { queryDataset } from './tools/query-dataset.js'
import { routesOfAirports } from './tools/routes-of-airports.js'

const mebibyte = 1024 * 1024

export interface DeskServerOptions {
  /** Private addresses that import-csv may fetch from, as host:port. Default: none, only the public internet. */
  readonly allowFetch?: readonly string[]
  /** Who is calling; each caller has imports of its own. Default: everyone is anonymous, and one caller. */
  readonly auth?: Authenticator
  /** Whether callers need permissions, to see anything at all and to see people. Default: false, everyone sees the desk. */
  readonly permissions?: boolean
}

/** The server over desks that it opens when it starts, and closes when it closes. */
export function createDeskServer(
  engine: DeskEngine,
  {
    allowFetch = [],
    auth,
    permissions = false,
    imports,
  }: DeskServerOptions & Pick<DeskOptions, 'imports'> = {},
): Server<Services> {
  const { bytes, durationMs } = { ...importLimits, ...imports }
  const server = createServer({
    name: 'data-desk',
    title: 'Data desk',
    version: '0.1.0',
    description: 'Reads and queries real datasets with SQL, and changes nothing.',
    ...(auth !== undefined && { auth }),
    // Somewhat wider than an import's own limits, which have words of their own.
    fetch: { allow: allowFetch, maxBytes: bytes + 65_536, timeoutMs: durationMs + 5000 },
    // A million flights as NDJSON are about 100 MB.
    spill: { maxFile: 128 * mebibyte, maxBytesPerPrincipal: 256 * mebibyte, maxBytes: 512 * mebibyte },
    instructions:
      `Datasets as tables of one SQL database (${engine.dialect}), read only. ` +
      'Start with list-datasets, look at one with describe-dataset, then ask with query-dataset; ' +
      'profile-dataset has distributions and correlations. ' +
      'format-rows makes CSV, XML, Markdown or JSON of some rows, export-dataset a file of all. ' +
      'import-csv, where it is listed, makes a dataset of a CSV file on the web: yours alone, and for an hour.',
    services: {
      deskFor: deskService(async () => {
        const desks = await engine.open()
        if (desks.desk.hasRoutes) routes.enable()
        if (desks.desk.canImport) imported.enable()
        return desks
      }),
      database: engine.database,
      readersDatabase: engine.readersDatabase,
    },
  })
  const readers = server.group(permissions ? { permissions: [readPermission] } : {})
  readers.add(listDatasets)
  readers.add(describeDataset)
  readers.add(profileDataset)
  readers.add(queryDataset(engine.dialect))
  readers.add(formatRows)
  readers.add(exportDataset)
  const routes = readers.add(routesOfAirports)
  const imported = readers.add(importCsv)
  // They are there once it is known that there are flights and that the desk can import, which is before the first client.
  routes.disable()
  imported.disable()
  addSchemaResource(readers)
  addExploreDataset(readers)
  return server
}

/**
 * Makes the server over the data, and starts it.
 * @throws {StartError} when the data directory cannot be read or holds no table.
 */
export async function createDataDesk(
  options: DeskOptions & DeskServerOptions = {},
): Promise<Server<Services>> {
  const server = createDeskServer(duckdbEngine(options, options.permissions ?? false), options)
  await server.start()
  return server
}
