import { type DuckDBConnection, type DuckDBValue, LIST, listValue, VARCHAR } from '@duckdb/node-api'
import {
  type Airport,
  type AirportDesk,
  type AirportRoutes,
  maxRoutes,
  type Route,
} from './airport-routes.js'
import type { BoundedStatement } from './bounded-columns.js'
import type { Connections } from './connection-pool.js'
import { toJson } from './json-value.js'
import { openRead } from './open-read.js'

const routesSql = `
WITH asked AS (SELECT DISTINCT unnest($1::VARCHAR[]) AS code),
places AS (SELECT iata, any_value(name) AS name, any_value(city) AS city FROM airports GROUP BY iata),
counted AS (
  SELECT origin, destination, count(*) AS flights, round(avg(delay), 1)::DOUBLE AS delay, round(avg(distance))::DOUBLE AS distance
  FROM flights WHERE origin IN (SELECT code FROM asked) GROUP BY origin, destination
),
ranked AS (
  SELECT *, row_number() OVER (PARTITION BY origin ORDER BY flights DESC, destination) AS place,
    sum(flights) OVER (PARTITION BY origin)::BIGINT AS total, count(*) OVER (PARTITION BY origin) AS destinations
  FROM counted
)
SELECT asked.code, here.name, here.city, ranked.total, ranked.destinations,
  ranked.destination, there.name, ranked.flights, ranked.delay, ranked.distance
FROM asked
LEFT JOIN places AS here ON here.iata = asked.code
LEFT JOIN ranked ON ranked.origin = asked.code AND ranked.place <= ${maxRoutes}
LEFT JOIN places AS there ON there.iata = ranked.destination
WHERE here.iata IS NOT NULL OR ranked.origin IS NOT NULL
ORDER BY asked.code, ranked.place`

const likeSql = `
WITH asked AS (SELECT DISTINCT unnest($1::VARCHAR[]) AS asked),
busy AS (SELECT origin, count(*) AS flights FROM flights GROUP BY origin),
near AS (
  SELECT asked, iata, name, flights,
    CASE WHEN contains(lower(city), lower(asked)) OR contains(lower(name), lower(asked)) THEN 0 ELSE levenshtein(iata, asked) END AS far
  FROM asked, airports JOIN busy ON busy.origin = iata
)
SELECT asked, iata, name FROM near WHERE far <= 1
QUALIFY row_number() OVER (PARTITION BY asked ORDER BY far, flights DESC, iata) <= 3
ORDER BY asked, far, flights DESC, iata`

/** Reads what flights and airports say, each with one statement. */
export function airportDesk(connections: Connections, timeoutMs: number): AirportDesk {
  /** The rows of one of the statements above, for a list of texts. */
  async function rows(sql: string, texts: readonly string[], signal?: AbortSignal): Promise<DuckDBValue[][]> {
    const prepare = async (connection: DuckDBConnection): Promise<BoundedStatement> => {
      const statement = await connection.prepare(sql)
      statement.bind([listValue(texts)], [LIST(VARCHAR)])
      return { statement, columns: [] }
    }
    const read = await openRead(connections, prepare, timeoutMs, signal)
    const found: DuckDBValue[][] = []
    try {
      for (let chunk = await read.next(); chunk !== undefined; chunk = await read.next()) {
        found.push(...chunk.getRows())
      }
    } finally {
      await read.close()
    }
    return found
  }

  return {
    async routesFrom(codes, signal) {
      const airports = new Map<string, AirportRoutes & { readonly routes: Route[] }>()
      for (const row of await rows(routesSql, codes, signal)) {
        const [code, name, city, flights, destinations, destination, there, count, delay, distance] = row
        const key = String(code)
        const airport = airports.get(key) ?? {
          code: key,
          name: text(name),
          city: text(city),
          flights: number(flights) ?? 0,
          destinations: number(destinations) ?? 0,
          routes: [],
        }
        airports.set(key, airport)
        if (typeof destination !== 'string') continue
        airport.routes.push({
          destination,
          name: text(there),
          flights: number(count) ?? 0,
          averageDelay: number(delay),
          distance: number(distance),
        })
      }
      return airports
    },
    async airportsLike(texts, signal) {
      const near = new Map<string, Airport[]>()
      for (const [asked, code, name] of await rows(likeSql, texts, signal)) {
        const airports = near.get(String(asked)) ?? []
        near.set(String(asked), airports)
        airports.push({ code: String(code), name: String(name) })
      }
      return near
    },
  }
}

function text(value: DuckDBValue | undefined): string | null {
  return typeof value === 'string' ? value : null
}

function number(value: DuckDBValue | undefined): number | null {
  const json = value === undefined ? null : toJson(value, { cells: 0 })
  return typeof json === 'number' ? json : null
}
