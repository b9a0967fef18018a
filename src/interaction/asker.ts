import type { Question } from '../engine/interaction.js'

/** One way of getting answers from a client; the revision decides which. */
export interface Asker {
  /** Resolves with an answer that passed the question's check. */
  ask(question: Question): Promise<unknown>
  /** Runs `work` once in the life of the call. */
  once<Value>(key: string, work: () => Value | Promise<Value>): Promise<Value>
  /** Whether the answer to the request will ask something. */
  readonly asks: boolean
  /** Once the handler has settled: the result that asks, when something is still to be asked. */
  outcome(): Promise<string | undefined>
}

/** What a form's message says when the last answer did not fit. */
export function withProblem(question: Question, problem: string | undefined): object {
  const { params } = question
  if (problem === undefined || question.method !== 'elicitation/create' || !('message' in params))
    return params
  return { ...params, message: `${String(params.message)}\n\nThe last answer did not fit. ${problem}` }
}
