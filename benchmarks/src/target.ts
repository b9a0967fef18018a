/**
 * The server that is measured: `add`, `echo` and 48 more tools, nothing configured. `--port N` or `--stdio` as any
 * server takes them; `--zod` has the same tools in zod; `--tools N` registers N of them.
 */
import { parseArgs } from 'node:util'
import { createServer } from 'holdfast'
import { serve } from 'holdfast/node'
import { DEFAULT_TOOLS } from './catalog.js'

const { values } = parseArgs({
  strict: false,
  options: { zod: { type: 'boolean' }, tools: { type: 'string' } },
})
const count = typeof values.tools === 'string' ? Number(values.tools) : DEFAULT_TOOLS
const server = createServer({ name: 'bench-target', version: '1.0.0' })

// Imported on demand so that the plain target pays for no schema library.
if (values.zod === true) (await import('./tools-zod.js')).addZodTools(server, count)
else (await import('./tools-plain.js')).addPlainTools(server, count)

await serve(server)
