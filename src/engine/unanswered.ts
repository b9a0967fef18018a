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

/** Also true for what another installed copy of the package rejected with. */
export function isUnanswered(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Reflect.get(value, kUnanswered) === true
}
