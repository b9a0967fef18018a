/**
 * The server that is measured: `add`, `echo` and 48 more tools, nothing configured. `--port N` or `--stdio` as any
 * server takes them; `--zod` has the same tools in zod; `--tools N` registers N of them. `--full` turns on what a call can
 * pass, and says on stderr which token it takes.
 */
import { parseArgs } from 'node:util'
import { createServer } from 'holdfast'
import { serve } from 'holdfast/node'
import { DEFAULT_TOOLS } from './catalog.js'

const { values } = parseArgs({
  strict: false,
  options: { zod: { type: 'boolean' }, tools: { type: 'string' }, full: { type: 'boolean' } },
})
const count = typeof values.tools === 'string' ? Number(values.tools) : DEFAULT_TOOLS
// Imported on demand so that the plain target pays for nothing of it.
const full = values.full === true ? await import('./full-chain.js') : undefined
const { options = {}, token } = (await full?.fullServerOptions()) ?? {}
// What production has is measured: nobody watches the event loop.
const server = createServer({ name: 'bench-target', version: '1.0.0', blocking: false, ...options })

// Imported on demand so that the plain target pays for no schema library.
if (values.zod === true) (await import('./tools-zod.js')).addZodTools(server, count)
else (await import('./tools-plain.js')).addPlainTools(server, count, full?.fullToolOptions)

if (token !== undefined) process.stderr.write(`token: ${token}\n`)
await serve(server)
