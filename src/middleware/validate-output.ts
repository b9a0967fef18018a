import type { Call, CallResult } from '../engine/call.js'
import { findNonJson } from '../engine/json-value.js'
import type { MiddlewareFactory } from '../engine/pipeline.js'
import { asToolResult, HandlerFault, type ToolResult } from '../engine/tool-result.js'
import type { CheckResult } from '../schema/compile.js'
import { describeProblems } from '../schema/problem.js'

/** How a text begins that is an error in all but name. */
const looksLikeError = /^\s*(?:error|exception|failed|failure|traceback|fatal)\b/i

/**
 * Holds a tool's result against what it promised. A violation is the server's fault: it is logged with what
 * was wrong, and the caller learns only that the server failed.
 */
export function validateOutput(options: { readonly development: boolean }): MiddlewareFactory {
  return ({ kind, name, output }) => {
    if (kind !== 'tool') return undefined
    let warned = false

    return function validateOutput(call, next) {
      const result = next()
      return result instanceof Promise
        ? result.then((settled: unknown) => check(call, asToolResult(settled, output !== undefined)))
        : check(call, asToolResult(result, output !== undefined))
    }

    function check(call: Call, result: ToolResult): CallResult {
      if (options.development && !warned) warnAboutError(call, result)
      if (result.structured === undefined) {
        if (output === undefined || result.isError) return result
        throw new HandlerFault(
          `The tool "${name}" declares an output, but its result has no structured value.`,
        )
      }
      const fault = findNonJson(result.structured)
      if (fault !== undefined) {
        throw new HandlerFault(
          `The tool "${name}" returned ${fault.what}${fault.path === '' ? '' : ` at "${fault.path}"`}, which JSON cannot carry.`,
        )
      }
      if (output === undefined || result.isError) return result
      const checked = output.check(result.structured)
      return checked instanceof Promise
        ? checked.then((settled) => taken(result, settled))
        : taken(result, checked)
    }

    function taken(result: ToolResult, checked: CheckResult): ToolResult {
      if (!checked.ok) {
        throw new HandlerFault(
          `The tool "${name}" returned what its output does not allow: ${describeProblems(checked.problems)}`,
        )
      }
      return checked.value === result.structured ? result : { ...result, structured: checked.value }
    }

    function warnAboutError(call: Call, result: ToolResult): void {
      const first = result.content?.[0]
      if (result.isError || result.structured !== undefined || first?.type !== 'text') return
      if (!looksLikeError.test(first.text)) return
      warned = true
      call.ctx.log.warn(
        `The tool "${name}" returned text that begins like an error, as a success; throw ctx.error(code, { message }) so that clients know.`,
      )
    }
  }
}
