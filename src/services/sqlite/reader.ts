import { type ChildProcess, fork } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Answer, Question, Setup } from './reader-messages.js'
import { SqliteError } from './sqlite-error.js'

/** What one process may use for JavaScript: the portion that it sends, and little else. */
const heapMegabytes = 192
/** How long a process has for closing its file before it is killed. */
const endMs = 1000

/** What a process needs of the environment to run at all; everything else is kept from it. */
const environment = ['SystemRoot', 'TEMP', 'TMP', 'TMPDIR'] as const

/** Why a process is no more, for the log. */
export class ReaderGone extends Error {
  override readonly name = 'ReaderGone'
  /** Whether it came to its end by itself, over the statement, so that the same would happen again. */
  readonly byItself: boolean

  constructor(code: number | null, signal: NodeJS.Signals | null) {
    super(`The process of SQLite ended with ${signal ?? `code ${code}`}.`)
    this.byItself = signal === 'SIGABRT' || signal === 'SIGSEGV' || signal === 'SIGBUS' || signal === null
  }
}

/**
 * A process that has one file open and answers one question at a time. It may be ended in the middle of a statement, which is what
 * makes a statement stoppable: neither a thread in native code nor a promise over it can be.
 */
export class Reader {
  readonly #child: ChildProcess
  readonly #gone: Promise<ReaderGone>
  #why: ReaderGone | undefined
  #asked: { resolve(answer: Answer): void; reject(error: Error): void } | undefined

  private constructor(child: ChildProcess, onGone: (reader: Reader) => void) {
    this.#child = child
    this.#gone = new Promise((resolve) => {
      const over = (code: number | null, signal: NodeJS.Signals | null): void => {
        if (this.#why !== undefined) return
        this.#why = new ReaderGone(code, signal)
        this.#asked?.reject(this.#why)
        this.#asked = undefined
        onGone(this)
        resolve(this.#why)
      }
      child.on('exit', over)
      // It could not be started, or not be sent to.
      child.on('error', () => child.pid === undefined && over(-1, null))
    })
    child.on('message', (answer: Answer) => {
      const asked = this.#asked
      this.#asked = undefined
      this.#holdOpen(false)
      asked?.resolve(answer)
    })
    const lifeline = child.stdio[4] as (Duplex & { unref?(): void }) | undefined
    lifeline?.on('error', () => {})
    lifeline?.unref?.()
    child.unref()
  }

  /**
   * Starts one and opens the file in it.
   * @throws SqliteError when the file cannot be opened; the signal's reason when it took too long
   */
  static async start(setup: Setup, signal: AbortSignal, onGone: (reader: Reader) => void): Promise<Reader> {
    signal.throwIfAborted()
    const env = Object.fromEntries(
      environment.flatMap((name) => {
        const value = process.env[name]
        return value === undefined ? [] : [[name, value]]
      }),
    )
    // Nothing it could print reaches the descriptors of the server, on which a protocol may be spoken.
    const child = fork(fileURLToPath(new URL('./reader-process.js', import.meta.url)), [], {
      env,
      execArgv: [`--max-old-space-size=${heapMegabytes}`, '--no-warnings'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc', 'pipe'],
    })
    const reader = new Reader(child, onGone)
    const tooLate = (): void => void reader.kill()
    signal.addEventListener('abort', tooLate, { once: true })
    try {
      const answer = await reader.ask({ ask: 'begin', setup })
      if (answer.is === 'failed') throw new SqliteError(answer.message, answer.code)
      return reader
    } catch (error) {
      await reader.kill()
      throw signal.aborted ? signal.reason : error
    } finally {
      signal.removeEventListener('abort', tooLate)
    }
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Whether it runs and nothing is asked of it. */
  get isFree(): boolean {
    return this.#why === undefined && this.#asked === undefined
  }

  /** @throws ReaderGone when the process ends, or has ended, without an answer */
  ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#why !== undefined) {
        reject(this.#why)
        return
      }
      this.#asked = { resolve, reject }
      this.#holdOpen(true)
      // What cannot be sent is answered by the end of the process.
      this.#child.send(question, (error) => error !== null && this.#child.kill('SIGKILL'))
    })
  }

  /** Ends it at once, whatever it does; resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.#why !== undefined) return
    this.#child.kill('SIGKILL')
    await this.#gone
  }

  /** Lets it close its file if it does nothing else, and ends it. */
  async end(): Promise<void> {
    if (!this.isFree) return this.kill()
    this.#child.send({ ask: 'end' } satisfies Question, () => {})
    const late = setTimeout(() => void this.kill(), endMs)
    await this.#gone
    clearTimeout(late)
  }

  /** Only a question keeps the server's process from ending. */
  #holdOpen(yes: boolean): void {
    if (yes) this.#child.channel?.ref()
    else this.#child.channel?.unref()
  }
}
