import type { Stores } from '../contracts/stores.js'
import { contents } from '../engine/content.js'
import type { Engine } from '../engine/engine.js'
import type { Environment } from '../engine/environment.js'
import { createResource, type ResourceEntry, type ResourceInput } from '../engine/resource-definition.js'
import type { Spilling } from '../engine/spilling.js'
import { DefinitionError } from '../errors/definition-error.js'
import { ToolError } from '../errors/tool-error.js'
import { callerKey } from '../middleware/caller.js'
import type { SpillSettings } from '../spill/options.js'
import type { Spill } from '../spill/spill.js'
import type { ServerOptions } from './options.js'

/** 256 bits as base64url, and the part if it is not the first. */
const spillUri = /^spill:\/\/([A-Za-z0-9_-]{43})(?:\/([1-9]\d{0,5}))?$/

export interface SpillSide extends Spilling {
  /** Lets what was spilled be read. */
  attach(engine: Engine): void
  /** Removes what is left behind in a directory that was named. */
  open(): void
  close(): Promise<void>
}

/** `ctx.spill`, what is too large for its result, and `resources/read` of both; loaded with the first of them. */
export function createSpilling(
  { spill: given, stores = {} }: Pick<ServerOptions, 'spill' | 'stores'>,
  environment: () => Environment,
): SpillSide {
  const refusal = refusalOf(given, stores)
  const settings: SpillSettings = given === undefined || given === false ? {} : given
  let loading: Promise<Spill> | undefined
  let reading: ResourceEntry | undefined

  const load = async (): Promise<Spill> => {
    const { Spill } = await import('../spill/spill.js')
    const { clock, logger, sealer, stats } = environment()
    const spill = new Spill(settings, { clock, logger, sealer, callerOf: callerKey })
    for (const bounded of spill.bounded) stats.add(bounded)
    return spill
  }
  const spill = (): Promise<Spill> => {
    loading ??= load()
    return loading
  }
  const entry = (): ResourceEntry => {
    reading ??= createResource(
      'spill',
      { uriTemplate: 'spill://{+place}', description: 'What was too large for a result.' },
      async ({ uri }: ResourceInput, ctx: { readonly principal: Parameters<Spill['read']>[2] }) => {
        const [, id = '', part = '1'] = spillUri.exec(uri) ?? []
        const found = await (await spill()).read(id, Number(part), ctx.principal)
        return found && contents(found)
      },
      environment(),
    )
    return reading
  }

  return {
    automatic: refusal === undefined,
    async write(exchange, source, options, leastMs) {
      if (refusal !== undefined) {
        throw new ToolError('spill_failed', {
          message: 'This server has no place for large results.',
          hint: 'Ask for less: narrow the arguments.',
          cause: new Error(refusal),
        })
      }
      return (await spill()).write(exchange, source, options, leastMs)
    },
    attach(engine) {
      if (refusal !== undefined) return
      engine.catalogue.unlisted = {
        // Declared from the start where it was asked for, else with the first that was spilled.
        offered: () => given !== undefined || loading !== undefined,
        find: (uri) => (spillUri.test(uri) ? { entry: entry(), params: {} } : undefined),
      }
    },
    open() {
      if (refusal !== undefined || settings.directory === undefined) return
      // A failure shows itself to the first call that needs it, and is in the log by then.
      spill()
        .then((made) => made.start())
        .catch(() => undefined)
    },
    async close() {
      if (loading !== undefined) await (await loading).close()
    },
  }
}

/** Why nothing can be spilled, for the log; undefined: it can. */
function refusalOf(given: ServerOptions['spill'], stores: Stores): string | undefined {
  if (given === false) return 'ctx.spill: the server was made with "spill: false".'
  if (typeof process === 'undefined' || process.versions?.node === undefined) {
    return 'ctx.spill needs a file system, and so Node.'
  }
  if (stores.shared === true && given?.shared !== true) return `ctx.spill: ${sharedSentence}`
  return undefined
}

const sharedSentence =
  'with shared "stores" a file of one node must be read by another; give "spill: { directory, shared: true }" with a directory that all nodes see, or "spill: false".'

/** @throws DefinitionError for a place that not all nodes of a fleet could read from */
export function checkSpill({ spill, stores, keys }: Pick<ServerOptions, 'spill' | 'stores' | 'keys'>): void {
  if (spill === undefined || spill === false) return
  if (stores?.shared === true && spill.shared !== true) {
    throw new DefinitionError(`"spill" keeps files on one node; ${sharedSentence}`)
  }
  if (spill.shared !== true) return
  if (spill.directory === undefined) {
    throw new DefinitionError(
      '"spill.shared" needs "spill.directory", received none; name a directory that all nodes see.',
    )
  }
  if (keys === undefined || keys.length === 0) {
    throw new DefinitionError(
      '"keys" must be given with "spill.shared", received none: what is known of a file is sealed, and each node would make up a key; make one with `openssl rand -base64 32`, and give it to all of them.',
    )
  }
}
