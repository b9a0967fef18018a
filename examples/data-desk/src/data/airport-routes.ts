/** Where flights from an airport lead. */
export interface Route {
  /** The destination's code, and its name where `airports` has it. */
  readonly destination: string
  readonly name: string | null
  readonly flights: number
  /** Minutes of delay on average, negative when early; null when no flight says it. */
  readonly averageDelay: number | null
  /** Miles. */
  readonly distance: number | null
}

export interface AirportRoutes {
  readonly code: string
  readonly name: string | null
  readonly city: string | null
  /** All flights from it. */
  readonly flights: number
  /** Destinations of these. */
  readonly destinations: number
  /** The busiest first, {@link maxRoutes} at most. */
  readonly routes: readonly Route[]
}

export interface Airport {
  readonly code: string
  readonly name: string
}

export const maxRoutes = 20

/** What is asked of the flights. Codes are written as in the data, in capitals. */
export interface AirportDesk {
  /** By code; without those that are in neither `flights` nor `airports`. One statement, however many codes. @throws {QueryRefusal} */
  routesFrom(codes: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, AirportRoutes>>
  /**
   * For each text, up to three airports that have flights and are called like it, by code, name or city. One statement, however many
   * texts. @throws {QueryRefusal}
   */
  airportsLike(
    texts: readonly string[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly Airport[]>>
}

/** The columns that routes are made of. */
const needed = {
  flights: ['origin', 'destination', 'delay', 'distance'],
  airports: ['iata', 'name', 'city'],
} as const

/** Whether there are datasets with these names and columns. */
export function hasRoutes(
  datasets: ReadonlyMap<string, { readonly columns: readonly { readonly name: string }[] }>,
): boolean {
  return Object.entries(needed).every(([dataset, columns]) => {
    const names = new Set(datasets.get(dataset)?.columns.map(({ name }) => name))
    return columns.every((column) => names.has(column))
  })
}
