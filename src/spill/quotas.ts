import type { Bounded } from '../contracts/bounded.js'
import { ToolError } from '../errors/tool-error.js'
import type { SpillLimits } from './options.js'

/** What one file takes of the room, from before its first byte until it is removed. */
export interface Claim {
  readonly bytes: number
  /** @throws ToolError `spill_failed` when there is no room for so many more */
  take(bytes: number): void
  /** Safe to call twice. */
  release(): void
}

interface Used {
  bytes: number
  files: number
}

/** The room that files have in all and each caller's files; a caller that took its own leaves the others theirs. */
export class Quotas {
  readonly #limits: SpillLimits
  readonly #all: Used = { bytes: 0, files: 0 }
  /** Callers that have a file; there are no more of them than files. */
  readonly #callers = new Map<string, Used>()
  #refusedFiles = 0
  #refusedBytes = 0
  /** Bytes that other nodes have in the same directory. */
  foreignBytes = 0

  constructor(limits: SpillLimits) {
    this.#limits = limits
  }

  /** @throws ToolError `spill_failed` when there are too many files */
  claim(caller: string): Claim {
    const limits = this.#limits
    const all = this.#all
    const own = this.#callers.get(caller) ?? { bytes: 0, files: 0 }
    if (all.files >= limits.files || own.files >= limits.callerFiles) {
      this.#refusedFiles += 1
      throw noRoom(
        all.files >= limits.files ? 'The server keeps' : 'This caller has',
        'as many large results as it may',
      )
    }
    this.#callers.set(caller, own)
    all.files += 1
    own.files += 1
    let taken = 0
    let released = false
    return {
      get bytes() {
        return taken
      },
      take: (bytes) => {
        const why =
          taken + bytes > limits.fileBytes
            ? new ToolError('spill_failed', {
                message: `The result is larger than the ${limits.fileBytes} bytes that one may have.`,
                hint: 'Ask for less: narrow the arguments.',
              })
            : own.bytes + bytes > limits.callerBytes
              ? noRoom('This caller has', 'as much kept as it may')
              : all.bytes + this.foreignBytes + bytes > limits.bytes
                ? noRoom('The server keeps', 'as much as it may')
                : undefined
        if (why !== undefined) {
          this.#refusedBytes += bytes
          throw why
        }
        taken += bytes
        own.bytes += bytes
        all.bytes += bytes
      },
      release: () => {
        if (released) return
        released = true
        all.files -= 1
        own.files -= 1
        all.bytes -= taken
        own.bytes -= taken
        if (own.files === 0) this.#callers.delete(caller)
      },
    }
  }

  get bounded(): readonly Bounded[] {
    const { bytes, files } = this.#limits
    return [
      {
        stats: () => ({
          name: 'spilled results',
          size: this.#all.files,
          limit: files,
          unit: 'entries',
          dropped: this.#refusedFiles,
        }),
      },
      {
        stats: () => ({
          name: 'bytes of spilled results',
          size: this.#all.bytes,
          limit: bytes,
          unit: 'bytes',
          dropped: this.#refusedBytes,
        }),
      },
    ]
  }
}

function noRoom(who: string, what: string): ToolError {
  return new ToolError('spill_failed', {
    message: `${who} ${what}.`,
    hint: 'Try again when earlier results have expired, or ask for less.',
    retryable: true,
  })
}
