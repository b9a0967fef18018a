import type { Bounded, BoundedStats } from '../contracts/bounded.js'
import type { Leases } from '../contracts/leases.js'
import { principalKey } from '../contracts/principal.js'
import { isTerminal, type TaskRecord, type TaskStore } from '../contracts/task-store.js'
import type { Deferral, DeferredTool } from '../engine/background.js'
import type { Engine } from '../engine/engine.js'
import type { Exchange } from '../engine/exchange.js'
import { ProtocolError } from '../errors/protocol-error.js'
import { isRecord } from '../protocol/json-rpc.js'
import { tasksExtension } from '../protocol/meta-keys.js'
import { clientSupports, toCapabilities } from '../protocol/revisions/revision.js'
import { LeasedTasks } from './leased-tasks.js'
import { TaskRun } from './task-run.js'

const topic = 'holdfast:tasks'
/** Longer ids are none of ours, and are not looked up. */
const maxIdLength = 128

export interface TasksOptions {
  readonly engine: Engine
  readonly store: TaskStore
  /** Milliseconds that tasks are kept when their tool does not say. */
  readonly ttlMs: number
  /** Milliseconds that clients are asked to wait between two looks. */
  readonly pollIntervalMs: number
  /** Tasks that may run on this node. */
  readonly limit: number
  /** Who runs what, in a fleet; undefined: nobody else could end what this node leaves behind. */
  readonly leases?: Leases | undefined
  /** Milliseconds without a sign of its node after which a task is ended. */
  readonly leaseMs: number
}

/** The extension io.modelcontextprotocol/tasks (SEP-2663): calls that are answered by a handle, and fetched later. */
export class Tasks implements Deferral, Bounded {
  readonly #options: TasksOptions
  readonly #runs = new Map<string, TaskRun>()
  readonly #node = crypto.randomUUID()
  readonly #store: TaskStore
  readonly #leased: LeasedTasks | undefined
  #refused = 0
  #onIdle: (() => void) | undefined

  constructor(options: TasksOptions) {
    this.#options = options
    const { bus, stats } = options.engine.environment
    this.#leased = this.#lease()
    this.#store = this.#leased ?? options.store
    bus.subscribe(topic, (message) => this.#hear(message))
    stats.add(this)
  }

  run(
    exchange: Exchange,
    { name, task }: DeferredTool,
    work: (exchange: Exchange) => Promise<string>,
  ): Promise<string> {
    if (!canTasks(exchange)) return work(exchange)
    const { engine, ttlMs: usualMs, limit } = this.#options
    const { clock, logger, changes } = engine.environment
    if (this.#runs.size >= limit) {
      this.#refused += 1
      throw new ProtocolError('too_many_requests', 'Too many tasks run on this server; try again later.')
    }
    const inner = exchange.detached()
    const ttlMs = task.ttlMs ?? usualMs
    return new Promise((resolve, reject) => {
      const run = new TaskRun({
        exchange: inner,
        owner: principalKey(exchange.principal),
        tool: name,
        ttlMs,
        timeoutMs: task.timeoutMs ?? ttlMs,
        store: this.#store,
        clock,
        logger,
        onBegun: (record) => {
          this.#runs.set(record.id, run)
          resolve(this.#created(record, exchange))
        },
        onChange: ({ id }) => changes.announce({ kind: 'task', id }),
      })
      inner.background = run
      // Until the task has begun it is a call like any other, and ends with its request.
      exchange.whenEnded((reason) => {
        if (!run.begun) inner.end(reason)
      })
      const settled = (end: Promise<void>): void => {
        const over = (): void => this.#over(run)
        end.then(over, over)
      }
      work(inner).then(
        (text) => {
          if (run.begun) settled(run.complete(text))
          else {
            inner.answered()
            resolve(text)
          }
        },
        (thrown: unknown) => {
          if (!run.begun) {
            inner.answered()
            reject(thrown)
            return
          }
          const { code, message, ...rest } = errorOf(engine.failure(thrown, inner).text)
          settled(run.fail({ code, message, ...rest }, message))
        },
      )
    })
  }

  async state(id: string, exchange: Exchange): Promise<object | undefined> {
    const record = await this.#find(id, exchange)
    return record === undefined ? undefined : this.#detailed(record)
  }

  /** Waits for the tasks that run here, and ends what is left after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    await this.#idle(timeoutMs)
    this.#leased?.stop()
  }

  #idle(timeoutMs: number): Promise<void> {
    if (this.#runs.size === 0) return Promise.resolve()
    const { clock } = this.#options.engine.environment
    return new Promise((resolve) => {
      let stop = clock.after(timeoutMs, () => {
        for (const run of [...this.#runs.values()]) run.close()
        stop = clock.after(200, resolve)
      })
      this.#onIdle = () => {
        stop()
        resolve()
      }
    })
  }

  stats(): BoundedStats {
    return {
      name: 'tasks that run',
      size: this.#runs.size,
      limit: this.#options.limit,
      unit: 'entries',
      dropped: this.#refused,
    }
  }

  /** `tasks/get`. @throws ProtocolError */
  async get(exchange: Exchange): Promise<string> {
    const record = await this.#known(exchange)
    return exchange.dialect.result(JSON.stringify(this.#detailed(record)).slice(1, -1))
  }

  /** `tasks/update`. @throws ProtocolError */
  async update(exchange: Exchange): Promise<string> {
    const { inputResponses } = exchange.params
    if (!isRecord(inputResponses)) {
      throw new ProtocolError(
        'invalid_params',
        '"inputResponses" must be an object that has an answer under the key of each question.',
      )
    }
    const { id } = await this.#known(exchange)
    const run = this.#runs.get(id)
    if (run === undefined) this.#relay({ id, responses: inputResponses })
    else run.answer(inputResponses)
    return exchange.dialect.result('')
  }

  /** `tasks/cancel`. @throws ProtocolError */
  async cancel(exchange: Exchange): Promise<string> {
    const { id, status } = await this.#known(exchange)
    if (!isTerminal(status)) {
      const run = this.#runs.get(id)
      if (run === undefined) this.#relay({ id, cancel: true })
      else run.cancel()
    }
    return exchange.dialect.result('')
  }

  /** @throws ProtocolError for a client without tasks, and for a task that is not there or not its own. */
  async #known(exchange: Exchange): Promise<TaskRecord> {
    if (!canTasks(exchange)) {
      throw new ProtocolError(
        'missing_client_capability',
        `"${exchange.method}" is for clients that declare the extension ${tasksExtension}.`,
        { data: { requiredCapabilities: toCapabilities(['tasks']) } },
      )
    }
    const { taskId } = exchange.params
    if (typeof taskId !== 'string') {
      throw new ProtocolError('invalid_params', '"taskId" must be a string: the task to look at.')
    }
    const record = await this.#find(taskId, exchange)
    if (record === undefined) {
      throw new ProtocolError(
        'invalid_params',
        `There is no task ${JSON.stringify(taskId.slice(0, 60))}; it never was, has expired, or belongs to somebody else.`,
      )
    }
    return record
  }

  /** A task belongs to who made it, as long as that caller may call its tool; to anybody else it is not there. */
  async #find(id: string, { principal }: Exchange): Promise<TaskRecord | undefined> {
    if (id.length > maxIdLength) return undefined
    const record = await this.#kept(id)
    if (record?.owner !== principalKey(principal)) return undefined
    const access = this.#options.engine.tools.get(record.tool)?.access
    return (access?.lists(principal) ?? true) ? record : undefined
  }

  /** A store that is out of reach is nobody's mistake, and no reason to give the task up. */
  async #kept(id: string): Promise<TaskRecord | undefined> {
    try {
      return await this.#store.get(id)
    } catch (error) {
      this.#options.engine.environment.logger.error('A task could not be looked up.', { error })
      throw new ProtocolError(
        'internal_error',
        'Tasks are out of reach just now; look again in some seconds.',
      )
    }
  }

  #lease(): LeasedTasks | undefined {
    const { engine, store, leases, leaseMs } = this.#options
    if (leases === undefined) return undefined
    const { clock, logger, changes } = engine.environment
    return new LeasedTasks({
      store,
      leases,
      leaseMs,
      node: this.#node,
      clock,
      logger,
      running: () => [...this.#runs.keys()],
      onLost: (id) => this.#runs.get(id)?.close(),
      onInterrupted: ({ id }) => changes.announce({ kind: 'task', id }),
    })
  }

  #created(record: TaskRecord, { dialect }: Exchange): string {
    return dialect.result(JSON.stringify(this.#summary(record)).slice(1, -1), { type: 'task' })
  }

  #summary({ id, status, statusMessage, createdAt, updatedAt, ttlMs }: TaskRecord): object {
    return {
      taskId: id,
      status,
      ...(statusMessage !== undefined && { statusMessage }),
      createdAt: new Date(createdAt).toISOString(),
      lastUpdatedAt: new Date(updatedAt).toISOString(),
      ttlMs,
      pollIntervalMs: this.#options.pollIntervalMs,
    }
  }

  #detailed(record: TaskRecord): object {
    const { inputRequests, result, error } = record
    return {
      ...this.#summary(record),
      ...(inputRequests !== undefined && { inputRequests }),
      ...(result !== undefined && { result: JSON.parse(result) as object }),
      ...(error !== undefined && { error }),
    }
  }

  #over(run: TaskRun): void {
    if (run.id !== undefined) this.#runs.delete(run.id)
    if (this.#runs.size === 0) this.#onIdle?.()
  }

  /** What came here for a task that runs elsewhere. Without a shared bus it runs nowhere else, and nothing comes of it. */
  #relay(message: { readonly id: string; readonly responses?: object; readonly cancel?: true }): void {
    const { bus, logger } = this.#options.engine.environment
    const failed = (error: unknown): void => {
      logger.error('The bus did not take what a client sent for a task on another node.', { error })
    }
    try {
      Promise.resolve(bus.publish(topic, JSON.stringify({ from: this.#node, ...message }))).catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  #hear(message: string): void {
    const value = readMessage(message)
    if (value === undefined || value['from'] === this.#node) return
    const { id, responses, cancel } = value
    const run = typeof id === 'string' ? this.#runs.get(id) : undefined
    if (isRecord(responses)) run?.answer(responses)
    else if (cancel === true) run?.cancel()
  }
}

function canTasks({ dialect, client }: Exchange): boolean {
  return clientSupports(dialect.revision, client.capabilities, 'tasks')
}

/** The error of an answer that is one; it was made by ourselves a moment ago. */
function errorOf(text: string): { readonly code: number; readonly message: string } {
  const { error } = JSON.parse(text) as { error: { code: number; message: string } }
  return error
}

function readMessage(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}
