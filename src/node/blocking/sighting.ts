import type { MessagePort } from 'node:worker_threads'

/** What the two sides share: places in one array of 32-bit numbers. */
export const beatPlace = 0
/** 1 while a debugger is attached, whose pauses are no blocks. */
export const debuggedPlace = 1
export const places = 2

/** The name of the function, in the watched thread, that tells in which call it is asked. */
export const hookKey = 'holdfast.runningCall'

export interface WatchdogData {
  readonly beats: Int32Array
  /** Milliseconds. */
  readonly afterMs: number
  readonly beatMs: number
  /** Where sightings are told. */
  readonly port: MessagePort
}

export interface RunningCall {
  readonly kind: string
  readonly name: string
}

/** What the watchdog saw when it stopped the thread for a moment. */
export interface Sighting {
  /** Milliseconds that the block had lasted by then. */
  readonly afterMs: number
  /** Undefined outside of any call. */
  readonly call: RunningCall | undefined
  /** Innermost first, the program's own before those of packages and of Node. */
  readonly stack: readonly string[]
}

/** How often it looks at most, and how often it reports. */
export const leastPauseMs = 1000
