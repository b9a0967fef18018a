import type { Principal } from 'holdfast'
import type { CallerDesk, Desk } from './data/desk.js'

/** What the tools need from the server. */
export type Services = { readonly desk: Desk }

/** The desk as whoever makes this call sees it. Anonymous callers are one and the same, because nothing tells them apart. */
export function deskOf(ctx: { readonly services: Services; readonly principal: Principal }): CallerDesk {
  const { kind, issuer, subject } = ctx.principal
  return ctx.services.desk.forCaller(kind === 'anonymous' ? 'anonymous' : JSON.stringify([issuer, subject]))
}
