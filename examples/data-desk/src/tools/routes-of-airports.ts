import { loader, toolsFor } from 'holdfast'
import { z } from 'zod'
import { type Airport, type AirportRoutes, maxRoutes } from '../data/airport-routes.js'
import { QueryRefusal } from '../data/refusal.js'
import { deskOf, type Services } from '../services.js'
import { detailsOf, refusals } from './refusals.js'

const defaultRoutes = 5

const output = z.object({
  airports: z
    .array(
      z.object({
        code: z.string().describe('As it was asked for'),
        found: z.boolean(),
        name: z.string().nullable().optional(),
        city: z.string().nullable().optional(),
        flights: z.int().optional().describe('All flights from it'),
        destinations: z.int().optional().describe('Different destinations of these'),
        routes: z
          .array(
            z.object({
              destination: z.string(),
              name: z.string().nullable(),
              flights: z.int(),
              averageDelay: z.number().nullable().describe('Minutes; negative is early'),
              distance: z.number().nullable().describe('Miles'),
            }),
          )
          .optional()
          .describe('The busiest first'),
        near: z
          .array(z.object({ code: z.string(), name: z.string() }))
          .optional()
          .describe('When it was not found: airports that may be meant'),
      }),
    )
    .describe('One for each code, in the order of the codes'),
})

const routesByCode = loader(
  async (codes: readonly string[], ctx: LoaderContext): Promise<ReadonlyMap<string, AirportRoutes>> =>
    (await deskOf(ctx).airports?.routesFrom(codes, ctx.signal)) ?? new Map(),
  { name: 'routes by airport' },
)

const airportsByText = loader(
  async (texts: readonly string[], ctx: LoaderContext): Promise<ReadonlyMap<string, readonly Airport[]>> =>
    (await deskOf(ctx).airports?.airportsLike(texts, ctx.signal)) ?? new Map(),
  { name: 'airports by text' },
)

type LoaderContext = Parameters<typeof deskOf>[0] & { readonly signal: AbortSignal }

/** Only where there are flights and airports; the server leaves it out elsewhere. */
export const routesOfAirports = toolsFor<Services>()(
  'routes-of-airports',
  {
    title: 'Routes of airports',
    description:
      'For each of up to 50 airports: its name, how many flights start there, and its busiest routes with flights, average delay and ' +
      'distance. Ask for all airports in one call. A code that is not known has suggestions in place of routes.',
    annotations: { readOnlyHint: true, openWorldHint: false },
    input: z.object({
      codes: z
        .array(z.string().trim().min(1).max(40))
        .min(1)
        .max(50)
        .describe('IATA codes, e.g. ["ORD", "ATL"]'),
      limit: z
        .int()
        .min(1)
        .max(maxRoutes)
        .default(defaultRoutes)
        .describe(`Routes of each airport; ${defaultRoutes} unless given, ${maxRoutes} at most`),
    }),
    output,
    errors: refusals,
    timeout: '30s',
  },
  async ({ codes, limit }, ctx) => {
    const one = async (asked: string): Promise<z.infer<typeof output>['airports'][number]> => {
      const code = asked.toUpperCase()
      const found = await ctx.load(routesByCode, code)
      if (found === undefined) {
        // All that were not found come here in the same turn, so that these are one batch too.
        const near = (await ctx.load(airportsByText, code)) ?? []
        return { code: asked, found: false, near: [...near] }
      }
      const { name, city, flights, destinations, routes } = found
      return { code: asked, found: true, name, city, flights, destinations, routes: routes.slice(0, limit) }
    }
    try {
      return { airports: await Promise.all(codes.map(one)) }
    } catch (error) {
      if (error instanceof QueryRefusal) throw ctx.error(error.code, detailsOf(error))
      throw error
    }
  },
)
