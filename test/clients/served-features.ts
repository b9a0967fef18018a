import { createServer, type Server } from 'holdfast'
import { type Served, serve } from 'holdfast/node'
import { afterAll, beforeAll } from 'vitest'
import { addFeatures } from '../fixtures/features/features.mjs'
import { ownStateHome } from './state-home.js'

export interface ServedFeatures extends Served {
  readonly server: Server<Readonly<Record<string, unknown>>>
}

const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** The server that the fixture runs as a process, here in this one and over HTTP. */
export async function serveFeatures({ drainMs = 1000 } = {}): Promise<ServedFeatures> {
  const server = createServer<Readonly<Record<string, unknown>>>({
    name: 'features',
    version: '1.0.0',
    tasks: { pollInterval: '20ms' },
    logger: silent,
  })
  addFeatures(server)
  return { ...(await serve(server, { transport: 'http', port: 0, drainMs })), server }
}

/** Serves the features while a file of tests runs, with sealing keys in a folder of their own. */
export function featuresForFile(): () => ServedFeatures {
  let removeState: () => Promise<void>
  let served: ServedFeatures
  beforeAll(async () => {
    removeState = await ownStateHome()
    served = await serveFeatures()
  })
  afterAll(async () => {
    await served.close()
    await removeState()
  })
  return () => served
}
