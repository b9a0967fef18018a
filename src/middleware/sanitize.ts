import type { Call, CallResult } from '../engine/call.js'
import type { MiddlewareFactory } from '../engine/pipeline.js'
import type { Stats } from '../engine/stats.js'
import { asToolResult, type ToolResult } from '../engine/tool-result.js'
import { ToolError } from '../errors/tool-error.js'
import { removedMetaKey } from '../protocol/meta-keys.js'

type Cleaner = typeof import('./clean-result.js')

/** Loaded with the first result of a process: a start does not need it, and later ones must not wait for it. */
let loading: Promise<Cleaner> | undefined
let cleaner: Cleaner | undefined

/**
 * Takes out of a tool's texts and structured strings what no reader would see: hidden and directional characters,
 * escapes of terminals, control characters. It stands next to the handler, so that what is validated, cached and sent
 * is clean. What was taken out is counted, logged, and told under `_meta["dev.holdfast/removed"]`.
 */
export function sanitize(stats: Stats): MiddlewareFactory {
  return ({ kind, name, output, sanitize: wanted }) => {
    if (kind !== 'tool' || wanted !== true) return undefined
    const hasOutput = output !== undefined
    let warned = false

    return function sanitize(call, next) {
      let result: CallResult
      try {
        result = next()
      } catch (thrown) {
        return failed(thrown, call)
      }
      if (result instanceof Promise) {
        return result.then(
          (settled: unknown) => withCleaner((made) => cleaned(made, settled, call)),
          (thrown: unknown) => failed(thrown, call),
        )
      }
      return withCleaner((made) => cleaned(made, result, call))
    }

    function cleaned({ cleanResult }: Cleaner, value: unknown, call: Call): ToolResult {
      const result = asToolResult(value, hasOutput)
      const { content, structured, removed } = cleanResult(result)
      if (removed.length === 0) return result
      note(removed, call)
      return { ...result, content, structured, meta: { ...result.meta, [removedMetaKey]: removed } }
    }

    /** A tool error quotes what was not understood, and so what a stranger wrote. */
    function failed(thrown: unknown, call: Call): Promise<never> {
      if (!ToolError.is(thrown)) return Promise.reject(thrown)
      return Promise.resolve(
        withCleaner(({ cleanError }) => {
          const { error, removed } = cleanError(thrown)
          if (removed.length > 0) note(removed, call)
          throw error
        }),
      )
    }

    /** Every one is counted; the log hears of each tool's first at once, because a stranger decides how many there are. */
    function note(removed: readonly object[], call: Call): void {
      stats.counters.sanitizedResults += 1
      const level = warned ? 'debug' : 'warn'
      warned = true
      call.ctx.log[level](`The tool "${name}" returned hidden characters, which were removed.`, { removed })
    }
  }
}

function withCleaner<Value>(work: (cleaner: Cleaner) => Value): Value | Promise<Value> {
  if (cleaner !== undefined) return work(cleaner)
  loading ??= import('./clean-result.js')
  return loading.then((made) => {
    cleaner = made
    return work(made)
  })
}
