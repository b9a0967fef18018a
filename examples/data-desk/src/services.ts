import type { Desk } from './data/desk.js'

/** What the tools need from the server. */
export type Services = { readonly desk: Desk }
