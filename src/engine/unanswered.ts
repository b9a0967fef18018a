const kUnanswered = Symbol.for('holdfast.unanswered')

/**
 * What a question rejects with when its client has to answer first and the handler will run again (2026-07-28). It is
 * no error and says nothing went wrong: a handler lets it pass, and its `finally` blocks run.
 */
export const unanswered: object = Object.freeze({
  [kUnanswered]: true,
  name: 'Unanswered',
  message: 'The client is being asked; the handler runs again with its answer. Let this pass.',
})

/** What other questions rejected with: what a client answered, and that it left. */
const ofQuestions = new WeakSet<object>()

/**
 * Remembers what a question rejected with. Whether and how a client answers is not in the handler's hands, so a question
 * that it does not wait for must not end the process (see node/asking-filter).
 */
export function ofQuestion(reason: unknown): void {
  if (typeof reason === 'object' && reason !== null) ofQuestions.add(reason)
}

/** Also true for what another installed copy of the package rejected with. */
export function isOfQuestion(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Reflect.get(value, kUnanswered) === true || ofQuestions.has(value)
}
