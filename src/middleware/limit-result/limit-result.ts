import type { Call, CallResult } from '../../engine/call.js'
import type { MiddlewareFactory } from '../../engine/pipeline.js'
import { mostOf } from '../../engine/result-size.js'
import { leastSpillMs, type Spilling } from '../../engine/spilling.js'
import type { Stats } from '../../engine/stats.js'
import { asToolResult, type ToolResult } from '../../engine/tool-result.js'

type Cutter = typeof import('./cut-result.js')

/** Loaded with the first result that may be too large; many servers never have one. */
let loading: Promise<Cutter> | undefined
let cutter: Cutter | undefined

/**
 * Holds a tool's result to its budget: what is more is cut so that it still is what the tool promises, with a notice, or refused.
 * It stands inside the check of the output and the cache, so that what was cut is what is checked and kept. A result that surely
 * fits is looked at once and not written.
 */
export function limitResult(stats: Stats, spilling: Spilling): MiddlewareFactory {
  return ({ kind, name, output, results: budget, cache }) => {
    if (kind !== 'tool' || budget === undefined) return undefined
    const surely = Math.min(budget.bytes, budget.tokens ?? budget.bytes)
    const options = { tool: name, output, budget, stats, spilling, keepMs: leastSpillMs(cache) }

    return function limitResult(call, next) {
      const result = next()
      return result instanceof Promise
        ? result.then((settled: unknown) => limited(settled, call))
        : limited(result, call)
    }

    function limited(value: unknown, call: Call): CallResult {
      const result = asToolResult(value, output !== undefined)
      if (isSmall(result, surely)) return result
      if (cutter !== undefined) return cutter.cutResult(result, call, options)
      loading ??= import('./cut-result.js')
      return loading.then((made) => {
        cutter = made
        return made.cutResult(result, call, options)
      })
    }
  }
}

function isSmall({ content, structured, meta }: ToolResult, limit: number): boolean {
  let most = structured === undefined ? 0 : mostOf(structured, limit)
  if (content !== undefined) most += mostOf(content, limit)
  if (meta !== undefined) most += mostOf(meta, limit)
  return most <= limit
}
