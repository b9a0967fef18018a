import { isOfQuestion } from '../engine/unanswered.js'

/**
 * A question that a handler asked and did not wait for rejects when its client has to answer first, and Node would end
 * the process for it. Everything else that nobody caught ends the process as it would have.
 */
export function ignoreUnansweredQuestions(): void {
  if (installed) return
  installed = true
  process.on('unhandledRejection', (reason) => {
    if (isOfQuestion(reason)) return
    // With listeners of the program's own, ending is their decision.
    if (process.listenerCount('unhandledRejection') > 1) return
    throw reason
  })
}

let installed = false
