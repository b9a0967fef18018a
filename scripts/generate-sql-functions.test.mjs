import sqlite from 'node-sqlite3-wasm'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import * as postgresLists from '../src/security/sql-guard/postgres-functions.js'
import { sqliteFunctions } from '../src/security/sql-guard/sqlite-functions.js'
import * as generator from './generate-sql-functions.mjs'

describe('the functions of SQLite', () => {
  it('are those that the generator writes', () => {
    const database = new sqlite.Database(':memory:')
    expect([...sqliteFunctions]).toEqual(generator.sqliteNames(database).sqliteFunctions)
    database.close()
  })

  it('have none of those that are refused by hand', () => {
    expect(generator.SQLITE_REFUSED.filter((name) => sqliteFunctions.has(name))).toEqual([])
  })
})

describe('the functions of PostgreSQL', () => {
  const { postgresFunctions, postgresRefusedFunctions } = postgresLists

  it('are either allowed or refused', () => {
    expect([...postgresFunctions].filter((name) => postgresRefusedFunctions.has(name))).toEqual([])
    expect(postgresFunctions.size).toBeGreaterThan(1_500)
    expect(postgresRefusedFunctions.size).toBeGreaterThan(200)
  })

  it('have none that is known to write, wait, signal or read files', () => {
    const family =
      /^(lo_|pg_(advisory|backup|cancel|create|drop|log_|logical|ls_|promote|read|reload|replication_origin_(adv|cre|drop|ses|xact)|rotate|sleep|stat_(reset|file)|switch|terminate|try|wal_replay)|binary_upgrade|dblink|query_to|table_to|schema_to|database_to|cursor_to|set_config|setval|nextval|txid_current$)/
    expect([...postgresFunctions].filter((name) => family.test(name))).toEqual([])
  })
})

const databaseUrl = inject('databaseUrl')

if (databaseUrl !== undefined) {
  describe('the functions of the real PostgreSQL', () => {
    const client = new Client(databaseUrl)
    beforeAll(async () => client.connect())
    afterAll(async () => client.end())

    it('are those that the generator writes, as far as this version has them', async () => {
      const fresh = await generator.postgresNames(client)
      const { rows } = await client.query(
        `select current_setting('server_version_num')::int / 10000 as major`,
      )
      const kept = Object.entries(postgresLists).map(([name, names]) => [name, [...names]])
      // The lists were written from PostgreSQL 15; another version has some more and some fewer.
      if (rows[0].major === 15) expect(fresh).toEqual(Object.fromEntries(kept))
      else expect(fresh.postgresFunctions.length).toBeGreaterThan(1_500)
    })

    it('that are allowed are not volatile, except for those chosen by hand', async () => {
      const { rows } = await client.query(
        `select distinct proname as name from pg_proc
         where pronamespace = 'pg_catalog'::regnamespace and provolatile = 'v' and proname = any ($1)`,
        [[...postgresLists.postgresFunctions]],
      )
      const known = [...generator.POSTGRES_SAFE_VOLATILE, ...generator.POSTGRES_NEWER]
      expect(rows.map((row) => row.name).filter((name) => !known.includes(name))).toEqual([])
    })

    it('that are volatile are refused by name', async () => {
      const { rows } = await client.query(
        `select distinct proname as name from pg_proc
         where pronamespace = 'pg_catalog'::regnamespace and provolatile = 'v'`,
      )
      const allowed = rows.map((row) => row.name).filter((name) => postgresLists.postgresFunctions.has(name))
      expect(allowed.sort()).toEqual([...generator.POSTGRES_SAFE_VOLATILE].sort())
    })
  })
}
