import type { Principal } from 'holdfast'
import type { CallerDesk, DeskDatabases, ServedDesk } from './data/served-desk.js'

/** What the tools need from the server. */
export type Services = DeskDatabases & {
  /** The desk that this caller reads: one database for all, or another for callers that may see more. */
  readonly deskFor: (principal: Principal) => ServedDesk
}

/** The desk as whoever makes this call sees it. Anonymous callers are one and the same, because nothing tells them apart. */
export function deskOf(ctx: { readonly services: Services; readonly principal: Principal }): CallerDesk {
  const { principal, services } = ctx
  const { kind, issuer, subject } = principal
  const caller = kind === 'anonymous' ? 'anonymous' : JSON.stringify([issuer, subject])
  return services.deskFor(principal).forCaller(caller, services)
}
