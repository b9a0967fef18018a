import { brand, familyOf } from './brand.js'

/** The server cannot start as it was asked to (a taken port, an unusable key file): one sentence for people. */
export class StartError extends Error {
  override readonly name = 'StartError'

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    brand(this, 'start')
  }

  static is(value: unknown): value is StartError {
    return familyOf(value) === 'start'
  }
}
