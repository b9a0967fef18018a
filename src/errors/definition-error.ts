import { brand, familyOf } from './brand.js'

/**
 * A definition or an option is wrong. Thrown while the server is being put together, never during a call;
 * the message is the sentence that says how to mend it.
 */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError'

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    brand(this, 'definition')
  }

  static is(value: unknown): value is DefinitionError {
    return familyOf(value) === 'definition'
  }
}
