import type { Call, CallResult } from '../engine/call.js'
import type { MiddlewareFactory } from '../engine/pipeline.js'
import type { Stats } from '../engine/stats.js'
import { ProtocolError } from '../errors/protocol-error.js'
import { ToolError } from '../errors/tool-error.js'
import type { CheckResult } from '../schema/compile.js'
import { describeProblems, type Problem } from '../schema/problem.js'

/**
 * Checks the arguments before the handler, always. A tool's faulty arguments are a tool error, because a
 * model can mend them (SEP-1303); a prompt's are invalid params. Arguments that came as JSON text are read
 * once, when the definition allows it.
 */
export function validateInput(stats: Stats): MiddlewareFactory {
  return ({ kind, input, repair }) => {
    if (input === undefined) return undefined
    const schema = input

    return function validateInput(call, next) {
      const checked = schema.check(call.input)
      return checked instanceof Promise
        ? checked.then((result) => proceed(call, result, next))
        : proceed(call, checked, next)
    }

    function proceed(call: Call, checked: CheckResult, next: () => CallResult): CallResult {
      if (checked.ok) {
        call.input = checked.value
        return next()
      }
      if (!repair) throw refusal(checked.problems)
      return repaired(call, checked.problems, next)
    }

    async function repaired(
      call: Call,
      problems: readonly Problem[],
      next: () => CallResult,
    ): Promise<CallResult> {
      // Loaded when first needed: most servers never see arguments of this kind.
      const { repairArguments } = await import('../schema/repair.js')
      const { value, repaired } = repairArguments(call.input, schema.json)
      const result = repaired.length === 0 ? undefined : await schema.check(value)
      // What was still wrong after reading is explained as it was sent.
      if (result?.ok !== true) throw refusal(problems)
      stats.counters.repairedCalls += 1
      call.ctx.log.info('Arguments that came as JSON text were read.', { repaired })
      call.input = result.value
      return next()
    }

    function refusal(problems: readonly Problem[]): Error {
      const message = describeProblems(problems)
      if (kind !== 'tool') return new ProtocolError('invalid_params', message)
      return new ToolError('invalid_arguments', { message, data: { problems } })
    }
  }
}
