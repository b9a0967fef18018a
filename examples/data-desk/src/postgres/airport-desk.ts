import type { Database } from 'holdfast/services/postgres'
import {
  type Airport,
  type AirportDesk,
  type AirportRoutes,
  maxRoutes,
  type Route,
} from '../data/airport-routes.js'
import { distance } from '../data/near-names.js'
import { dataSchema } from './names.js'
import { toSqlRefusal } from './sql-refusal.js'

const routesSql = `
with asked as (select distinct unnest($1::text[]) as code),
places as (select iata, min(name) as name, min(city) as city from ${dataSchema}.airports group by iata),
counted as (
  select origin, destination, count(*) as flights, round(avg(delay), 1)::float8 as delay, round(avg(distance))::float8 as distance
  from ${dataSchema}.flights where origin in (select code from asked) group by origin, destination
),
ranked as (
  select *, row_number() over (partition by origin order by flights desc, destination collate "C") as place,
    sum(flights) over (partition by origin) as total, count(*) over (partition by origin) as destinations
  from counted
)
select asked.code, here.name, here.city, coalesce(ranked.total, 0)::float8 as total,
  coalesce(ranked.destinations, 0)::float8 as destinations, ranked.destination, there.name as there,
  ranked.flights::float8 as flights, ranked.delay, ranked.distance as miles
from asked
left join places as here on here.iata = asked.code
left join ranked on ranked.origin = asked.code and ranked.place <= ${maxRoutes}
left join places as there on there.iata = ranked.destination
where here.iata is not null or ranked.origin is not null
order by asked.code collate "C", ranked.place`

/** PostgreSQL has no edit distance unless an extension is there; airports that have flights are some hundreds. */
const busySql = `
with busy as (select origin, count(*) as flights from ${dataSchema}.flights group by origin)
select iata as code, min(name) as name, min(city) as city from ${dataSchema}.airports join busy on busy.origin = iata
group by iata order by min(flights) desc, iata collate "C"`

const maxNear = 3

interface RouteRow {
  readonly code: string
  readonly name: string | null
  readonly city: string | null
  readonly total: number
  readonly destinations: number
  readonly destination: string | null
  readonly there: string | null
  readonly flights: number
  readonly delay: number | null
  readonly miles: number | null
}

interface BusyAirport extends Airport {
  readonly city: string | null
}

/** Reads what flights and airports say, each with one statement. */
export function airportDesk(database: Database): AirportDesk {
  async function ask<Row>(sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    try {
      return (await database.query<Row>(sql, values)).rows
    } catch (error) {
      throw toSqlRefusal(error)
    }
  }

  return {
    async routesFrom(codes) {
      const airports = new Map<string, AirportRoutes & { readonly routes: Route[] }>()
      for (const row of await ask<RouteRow>(routesSql, [codes])) {
        const { code, name, city, total, destinations, destination, there, flights, delay, miles } = row
        const airport = airports.get(code) ?? { code, name, city, flights: total, destinations, routes: [] }
        airports.set(code, airport)
        if (destination === null) continue
        airport.routes.push({ destination, name: there, flights, averageDelay: delay, distance: miles })
      }
      return airports
    },
    async airportsLike(texts) {
      const busy = await ask<BusyAirport>(busySql, [])
      return new Map(texts.map((text) => [text, nearest(text, busy)]))
    },
  }
}

/** By name or city first, then by a code that differs in one letter; the busiest of each first. */
function nearest(text: string, busy: readonly BusyAirport[]): readonly Airport[] {
  const wanted = text.toLowerCase()
  const named = busy.filter(({ name, city }) =>
    [name, city].some((place) => place?.toLowerCase().includes(wanted) === true),
  )
  const alike = busy.filter((airport) => !named.includes(airport) && distance(airport.code, text) <= 1)
  return [...named, ...alike].slice(0, maxNear).map(({ code, name }) => ({ code, name }))
}
