/** The shape of `fetch`, so that a safer one can stand wherever the platform's would. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>
