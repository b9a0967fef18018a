import type { Duration } from '../../engine/duration.js'

/** How the server behaves over HTTP; for `serve()`, `server.handler` and `server.fetch` alike. */
export interface HttpOptions {
  /** The address to listen on. Default: 127.0.0.1. Any other needs `allowedHosts` or `publicUrl`. */
  readonly host?: string
  /** Default: 3000, or what `--port` or the environment's PORT says. 0 takes a free one. */
  readonly port?: number
  /** The path of the MCP endpoint that `serve()` mounts. Default: /mcp. */
  readonly path?: string
  /** Host names that the server answers to, beside loopback: `mcp.example.com`, `*.example.com`. */
  readonly allowedHosts?: readonly string[]
  /** Web origins whose pages may call: `https://app.example.com`. */
  readonly allowedOrigins?: readonly string[]
  /** The address that clients use, when something stands in front: `https://mcp.example.com/mcp`. */
  readonly publicUrl?: string
  /** Proxies whose X-Forwarded-For is believed: addresses or CIDR ranges. Default: none. */
  readonly trustedProxies?: readonly string[]
  /** The largest request body. Default: 4 MiB. */
  readonly maxBodyBytes?: number
  /** How long a body may take to arrive. Default: 10 s. */
  readonly bodyTimeout?: Duration
  /** Requests answered at once; more are refused with 503. Default: 10,000. */
  readonly maxRequests?: number
  /** Bytes of a stream that a client may leave unread before it is cut. Default: 1 MiB. */
  readonly maxUnreadBytes?: number
  /** Streams that may be open by GET at once; more are refused with 503. Default: 5,000. */
  readonly maxStreams?: number
  /** Bytes of events that are kept for clients that come back, over all streams. Default: 16 MiB. */
  readonly maxEventBytes?: number
  /** How often an open stream shows that it is alive, so that nothing on the way cuts it. Default: 15 s. */
  readonly keepAlive?: Duration
}
