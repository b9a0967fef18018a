import { brand, familyOf } from './brand.js'
import { catalogue, type ProtocolErrorName } from './catalogue.js'

/**
 * A fault of the request's shape: it becomes a JSON-RPC error. Its message is public, so it says what was
 * wrong and never what is inside. Throw it in resources, prompts and completions; in a tool use `ctx.error`,
 * because a model never reads JSON-RPC errors.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly kind: ProtocolErrorName
  /** Sent as the error's `data`; public. */
  readonly data: Readonly<Record<string, unknown>> | undefined

  constructor(
    kind: ProtocolErrorName,
    message: string,
    options: { data?: Readonly<Record<string, unknown>>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
    this.data = options.data
    brand(this, 'protocol')
  }

  get code(): number {
    return catalogue[this.kind].code
  }

  /** True for protocol errors of any installed copy of the package. */
  static is(value: unknown): value is ProtocolError {
    return familyOf(value) === 'protocol'
  }
}
