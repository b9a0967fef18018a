import { AsyncLocalStorage } from 'node:async_hooks'
import { parentPort, threadId } from 'node:worker_threads'
import { workerFunction } from './define-worker.js'
import { errorRecord, thrownToolError } from './error-record.js'
import { leaveStdout } from './leave-stdout.js'
import type { Job, LateFailure, Outcome } from './messages.js'
import { threadContext } from './thread-context.js'

// The thread's side, and its entry: the pool loads this file, and this file the tool's module. It stands on next to nothing, so that a
// thread starts fast.

interface Running {
  readonly url: string
  fail(error: unknown): void
}

const within = new AsyncLocalStorage<Running>()
let running: Running | undefined
/** Something that an earlier call left behind has failed: nobody knows what else it left. */
let retired = false

leaveStdout()
process.on('uncaughtException', failLate)
process.on('unhandledRejection', failLate)

/** Runs one call. What comes of it is told on the call's own port. */
export async function run({ port, url, input }: Job): Promise<void> {
  const context = threadContext(port)
  const tell = (outcome: Outcome): void => {
    port.postMessage({ ...outcome, ...context.rest() })
    context.end()
  }
  const mine: Running = {
    url,
    fail: (error) => tell({ kind: 'stray', error: errorRecord(error) }),
  }
  running = mine
  port.postMessage({ kind: 'begun', threadId })
  try {
    const value = await within.run(mine, async () => (await loadWork(url))(input as never, context.ctx))
    try {
      tell({ kind: 'result', value })
    } catch (error) {
      tell({ kind: 'unclonable', error: errorRecord(error) })
    }
  } catch (thrown) {
    const error = thrownToolError(thrown)
    tell(error === undefined ? { kind: 'thrown', error: errorRecord(thrown) } : { kind: 'tool error', error })
  } finally {
    running = undefined
    port.removeAllListeners('message')
    port.unref()
  }
  if (retired) process.exit(1)
}

type Work = (input: never, ctx: object) => unknown

/** @throws Error for a module that is no worker, with the sentence that mends it. */
async function loadWork(url: string): Promise<Work> {
  const module = (await import(url)) as { readonly default?: unknown }
  const made = module.default
  const work: unknown =
    typeof made === 'object' && made !== null ? Reflect.get(made, workerFunction) : undefined
  if (typeof work === 'function') return work as Work
  throw new Error(
    `The worker module ${url} exports no worker; write: export default defineWorker((input, ctx) => ...).`,
  )
}

/** Nobody caught it. It ends the call that started it, and then the thread; a call that did not start it goes on to its end. */
function failLate(error: unknown): void {
  const source = within.getStore()
  if (running !== undefined && (source === undefined || source === running)) {
    running.fail(error)
    process.exit(1)
  }
  const late: LateFailure = { kind: 'late failure', url: source?.url, error: errorRecord(error) }
  parentPort?.postMessage(late)
  if (running === undefined) process.exit(1)
  retired = true
}
