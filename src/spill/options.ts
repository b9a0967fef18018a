import type { Duration } from '../engine/duration.js'

/** Where and how long results are kept that are too large to be sent. */
export interface SpillSettings {
  /**
   * A directory of its own, which nobody else may write to. Default: a fresh one below the system's temporary directory, which is
   * removed when the server closes.
   */
  readonly directory?: string
  /**
   * Every node of a fleet sees the same `directory`, so that what one writes another reads. What is kept of a file beside it is
   * sealed with `keys`. Default: false.
   */
  readonly shared?: boolean
  /** Bytes of all files that this node wrote. Default: 256 MiB. */
  readonly maxBytes?: number
  /** Bytes of all files of one caller. Default: 64 MiB. */
  readonly maxBytesPerPrincipal?: number
  /** Bytes of one file. Default: 64 MiB. */
  readonly maxFile?: number
  /** Files at once; a caller has at most a fifth of them. Default: 1,000. */
  readonly maxFiles?: number
  /** How long a file can be read, from when it was written. Default: 15 min. */
  readonly ttl?: Duration
  /** How often what is over is looked for and removed, at most 10 min. Default: 1 min. */
  readonly sweep?: Duration
}

const mebibyte = 1024 * 1024

export interface SpillLimits {
  readonly bytes: number
  readonly callerBytes: number
  readonly fileBytes: number
  readonly files: number
  readonly callerFiles: number
}

export function spillLimits(settings: SpillSettings): SpillLimits {
  const {
    maxBytes = 256 * mebibyte,
    maxBytesPerPrincipal = 64 * mebibyte,
    maxFile = 64 * mebibyte,
    maxFiles = 1000,
  } = settings
  return {
    bytes: maxBytes,
    callerBytes: maxBytesPerPrincipal,
    fileBytes: maxFile,
    files: maxFiles,
    callerFiles: Math.max(1, Math.floor(maxFiles / 5)),
  }
}
