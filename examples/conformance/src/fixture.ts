import { createServer } from 'holdfast'

/** Comma-separated revisions; narrows the server so that an older revision is what really goes over the wire. */
const narrowed = process.env['CONFORMANCE_REVISIONS']

/** The server that the official conformance suite drives; the neighbouring files fill it. */
export const server: ReturnType<typeof createServer> = createServer({
  name: 'holdfast-conformance',
  version: '0.0.0',
  description: 'The tools, resources and prompts that the official conformance suite calls by name.',
  ...(narrowed ? { revisions: narrowed.split(',') } : {}),
})
