import type { Call, CallResult } from '../engine/call.js'
import type { MiddlewareFactory } from '../engine/pipeline.js'
import type { Stats } from '../engine/stats.js'
import { asToolResult, type ToolResult } from '../engine/tool-result.js'
import { ToolError } from '../errors/tool-error.js'
import { removedMetaKey } from '../protocol/meta-keys.js'
import { isPlainResult } from './plain-result.js'

type Cleaner = typeof import('./clean-result.js')

/** Loaded with the first result that is worth a closer look; many servers never have one. */
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
          (settled: unknown) => cleaned(settled, call),
          (thrown: unknown) => failed(thrown, call),
        )
      }
      return cleaned(result, call)
    }

    function cleaned(value: unknown, call: Call): ToolResult | Promise<ToolResult> {
      const result = asToolResult(value, hasOutput)
      if (isPlainResult(result)) return result
      return withCleaner(({ cleanResult }) => {
        const { content, structured, removed } = cleanResult(result)
        if (removed.length === 0) return result
        note(removed, call)
        return { ...result, content, structured, meta: { ...result.meta, [removedMetaKey]: removed } }
      })
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
