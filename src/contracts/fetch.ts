/** The platform's `fetch`, as handlers get it: `ctx.fetch` has its signature and refuses what must not be fetched. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>
