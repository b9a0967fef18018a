import type { BoundedStats, Principal } from 'holdfast'
import { defineService, type Service } from 'holdfast/services'
import { peoplePermission } from './access.js'
import type { CallerDesk, DeskDatabases, ServedDesk } from './data/served-desk.js'

/** What the tools need from the server. */
export type Services = DeskDatabases & {
  /** The desk that this caller reads: one database for all, or another for callers that may see more. */
  readonly deskFor: (principal: Principal) => ServedDesk
}

/** The open desks of a server. */
export interface Desks {
  readonly desk: ServedDesk
  /** The desk of callers that were granted {@link peoplePermission}. Default: everyone reads `desk`. */
  readonly withPeople?: ServedDesk | undefined
}

/** Loading takes as long as there is data; a directory of many gigabytes is no mistake. */
const startTimeout = '10m'

/** The desks, open from the server's start to its end. */
export function deskService(open: () => Promise<Desks>): Service<Desks, Services['deskFor']> {
  return defineService({
    startTimeout,
    async start(_needs, { stats }) {
      const desks = await open()
      for (const { name } of desks.desk.stats()) stats.add({ stats: () => lineOf(desks, name) })
      return desks
    },
    async stop({ desk, withPeople }) {
      await Promise.all([desk.close(), withPeople?.close()])
    },
    forCall:
      ({ desk, withPeople = desk }) =>
      ({ permissions }: Principal) =>
        permissions.has(peoplePermission) ? withPeople : desk,
  })
}

/** One line of what the desks hold, over both of them. */
function lineOf({ desk, withPeople }: Desks, name: string): BoundedStats {
  const lines = [...desk.stats(), ...(withPeople?.stats() ?? [])].filter((line) => line.name === name)
  const sum = (of: (line: BoundedStats) => number): number =>
    lines.reduce((total, line) => total + of(line), 0)
  return {
    name,
    size: sum(({ size }) => size),
    limit: sum(({ limit }) => limit),
    unit: lines[0]?.unit ?? 'entries',
    dropped: sum(({ dropped }) => dropped),
  }
}

/** The desk as whoever makes this call sees it. Anonymous callers are one and the same, because nothing tells them apart. */
export function deskOf(ctx: { readonly services: Services; readonly principal: Principal }): CallerDesk {
  const { principal, services } = ctx
  const { kind, issuer, subject } = principal
  const caller = kind === 'anonymous' ? 'anonymous' : JSON.stringify([issuer, subject])
  return services.deskFor(principal).forCaller(caller, services)
}
