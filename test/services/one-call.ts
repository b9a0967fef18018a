import { cells } from 'holdfast/testing'
import { open, testServer, textOf } from '../protocol/support.js'

const [memory] = cells({ transports: ['memory'], revisions: ['2025-11-25'] })
if (memory === undefined) throw new Error('There is no such cell.')
/** Where what a call may use is tried, because it is the same everywhere. */
export const cell = memory

/** Runs a handler as a tool and gives back what it returned. */
export async function runs(
  handler: Parameters<ReturnType<typeof testServer>['server']['tool']>[2],
  options: Parameters<typeof testServer>[0] = {},
): Promise<{ readonly text: string; readonly logged: ReturnType<typeof testServer>['logged'] }> {
  const { server, logged } = testServer(options)
  server.tool('run', { description: 'Runs.' }, handler)
  const client = await open(cell, server)
  return { text: textOf(await client.callTool('run')), logged }
}

/** `count` keys, of which so many are distinct. */
export const keys = (count: number, distinct: number): number[] =>
  Array.from({ length: count }, (_, n) => n % distinct)
