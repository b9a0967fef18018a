import { randomBytes } from 'node:crypto'
import { Client, Pool } from 'pg'
import { roleCommands } from './recipe.js'
import { postgresShop } from './shop.js'

/** A database of its own on the PostgreSQL of the tests, with the shop in it and a role that can only read. */
export interface World {
  /** The owner of everything, a superuser; in the shop's schema. */
  readonly owner: Client
  /** Connections of the role that docs/sql.md makes. */
  readonly readers: Pool
  /** The same connections for the owner: what happens where the third layer is missing. */
  readonly owners: Pool
  close(): Promise<void>
}

export async function openWorld(url: string): Promise<World> {
  const name = `holdfast_${randomBytes(6).toString('hex')}`
  const role = `${name}_reader`
  const server = new Client(url)
  await server.connect()
  await server.query(`create database ${name}`)
  const connectionString = withParts(url, { pathname: `/${name}` })
  const owner = new Client({ connectionString, options: '-c search_path=app' })
  await owner.connect()
  await owner.query(postgresShop)
  await owner.query(roleCommands(name, role))
  const owners = new Pool({ connectionString, max: 2, options: '-c search_path=app' })
  const readers = new Pool({ connectionString: withParts(connectionString, { username: role }), max: 4 })
  // A connection that is just ending may still be told that its database is gone, and nobody waits for it any more.
  for (const pool of [owners, readers]) pool.on('error', () => undefined)
  return {
    owner,
    readers,
    owners,
    async close() {
      await Promise.all([readers.end(), owners.end(), owner.end()])
      await server.query(`drop database ${name} with (force)`)
      await server.query(`drop role ${role}`)
      await server.end()
    },
  }
}

function withParts(url: string, parts: { pathname?: string; username?: string }): string {
  return Object.assign(new URL(url), parts).href
}
