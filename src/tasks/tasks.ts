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
import { openCall, sealCall } from './kept-call.js'
import { LeasedTasks } from './leased-tasks.js'
import { type TaskMessage, TaskRelay } from './task-relay.js'
import { cancelledByClient, TaskRun } from './task-run.js'
import { taskDetails, taskSummary } from './task-view.js'

/** Longer ids are none of ours, and are not looked up. */
const maxIdLength = 128
/** A task that begins again while it is cancelled is cancelled in its new attempt; it has few. */
const maxCancels = 5

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
  readonly #relay: TaskRelay
  readonly #store: TaskStore
  readonly #leased: LeasedTasks | undefined
  #refused = 0
  #onIdle: (() => void) | undefined

  constructor(options: TasksOptions) {
    this.#options = options
    const { bus, logger, stats } = options.engine.environment
    this.#leased = this.#lease()
    this.#store = this.#leased ?? options.store
    this.#relay = new TaskRelay(bus, logger, this.#node, (message) => this.#hear(message))
    stats.add(this)
  }

  run(
    exchange: Exchange,
    { name, task, repeatable }: DeferredTool,
    work: (exchange: Exchange) => Promise<string>,
  ): Promise<string> {
    // A task that runs again is there already.
    if (exchange.background !== undefined || !canTasks(exchange)) return work(exchange)
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
        ...(repeatable && this.#runsAgain && { keep: (id) => sealCall(id, inner, engine) }),
        onBegun: (record) => {
          this.#runs.set(record.id, run)
          resolve(exchange.dialect.result(this.#members(taskSummary, record), { type: 'task' }))
        },
        onChange: ({ id }) => changes.announce({ kind: 'task', id }),
      })
      inner.background = run
      // Until the task has begun it is a call like any other, and ends with its request.
      exchange.whenEnded((reason) => {
        if (!run.begun) inner.end(reason)
      })
      work(inner).then(
        (text) => {
          if (run.begun) this.#settle(run, run.complete(text))
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
          this.#fail(run, inner, thrown)
        },
      )
    })
  }

  /** Runs the task of a lost node from its sealed call. Resolves when it has begun, or with why it cannot. */
  async #rerun(record: TaskRecord, call: string): Promise<string | undefined> {
    const { engine, ttlMs } = this.#options
    const { clock, logger, changes } = engine.environment
    const entry = engine.tools.get(record.tool)
    const exchange = await openCall(call, record, engine)
    if (exchange === undefined || entry?.task === undefined || !entry.repeatable) {
      return 'the server that ran it stopped, and no other can run it. Call the tool again.'
    }
    const { expiresAt } = exchange.principal
    if (expiresAt !== undefined && expiresAt <= clock.now()) {
      return 'the server that ran it stopped, and its caller is no longer known by the credential of then. Call the tool again.'
    }
    const run = new TaskRun({
      exchange,
      owner: record.owner,
      tool: record.tool,
      ttlMs: record.ttlMs,
      timeoutMs: entry.task.timeoutMs ?? entry.task.ttlMs ?? ttlMs,
      store: this.#store,
      clock,
      logger,
      onBegun: () => undefined,
      onChange: ({ id }) => changes.announce({ kind: 'task', id }),
    })
    exchange.background = run
    run.resume(record)
    this.#lose(record.id)
    this.#runs.set(record.id, run)
    changes.announce({ kind: 'task', id: record.id })
    this.#work(exchange).then(
      (text) => this.#settle(run, run.complete(text)),
      (thrown: unknown) => this.#fail(run, exchange, thrown),
    )
    return undefined
  }

  /** The call as it came, through all that stands around its tool. */
  async #work(exchange: Exchange): Promise<string> {
    return this.#options.engine.result(exchange)
  }

  async state(id: string, exchange: Exchange): Promise<object | undefined> {
    const record = await this.#find(id, exchange)
    return record === undefined ? undefined : taskDetails(record, this.#options.pollIntervalMs)
  }

  /** Waits for the tasks that run here, and ends what is left after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    this.#leased?.retire()
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
    return exchange.dialect.result(this.#members(taskDetails, await this.#known(exchange)))
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
    if (run === undefined) this.#relay.send({ id, responses: inputResponses })
    else run.answer(inputResponses)
    return exchange.dialect.result('')
  }

  /** `tasks/cancel`. @throws ProtocolError */
  async cancel(exchange: Exchange): Promise<string> {
    const { id, status } = await this.#known(exchange)
    if (!isTerminal(status)) {
      const run = this.#runs.get(id)
      if (run === undefined) {
        this.#relay.send({ id, cancel: true })
        await this.#cancelElsewhere(id)
      } else run.cancel()
    }
    return exchange.dialect.result('')
  }

  /**
   * Where the node that ran it is lost nobody hears of the cancel, and the next one would run the task again. So its end is written here;
   * a node that lives hears it all the same, and its own end comes too late.
   */
  async #cancelElsewhere(id: string): Promise<void> {
    const { environment } = this.#options.engine
    for (let time = 0; time < maxCancels; time += 1) {
      const record = await this.#kept(id)
      if (record?.attempt === undefined || isTerminal(record.status)) return
      const { inputRequests: _unanswerable, ...rest } = record
      const updatedAt = environment.clock.now()
      try {
        await this.#options.store.update({ ...rest, ...cancelledByClient, updatedAt })
      } catch (error) {
        environment.logger.error('The cancel of a task could not be kept.', { error })
        return
      }
      environment.changes.announce({ kind: 'task', id })
    }
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

  /** Whether the node that takes over a task could run it. */
  get #runsAgain(): boolean {
    const { leases, store } = this.#options
    return leases !== undefined && store.restart !== undefined
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
      hasRoom: () => this.#runs.size < this.#options.limit,
      runHere: (id) => this.#runs.get(id),
      onLost: (id) => this.#lose(id),
      rerun: (record, call) => this.#rerun(record, call),
      onInterrupted: ({ id }) => changes.announce({ kind: 'task', id }),
    })
  }

  #members(view: typeof taskSummary, record: TaskRecord): string {
    return JSON.stringify(view(record, this.#options.pollIntervalMs)).slice(1, -1)
  }

  /** It may come back here in a later attempt, so what is left of this one must not be in its way. */
  #lose(id: string): void {
    const run = this.#runs.get(id)
    if (run === undefined) return
    run.lose()
    this.#over(run)
  }

  #fail(run: TaskRun, exchange: Exchange, thrown: unknown): void {
    const { code, message, ...rest } = errorOf(this.#options.engine.failure(thrown, exchange).text)
    this.#settle(run, run.fail({ code, message, ...rest }, message))
  }

  #settle(run: TaskRun, end: Promise<void>): void {
    const over = (): void => this.#over(run)
    end.then(over, over)
  }

  #over(run: TaskRun): void {
    if (run.id !== undefined && this.#runs.get(run.id) === run) this.#runs.delete(run.id)
    if (this.#runs.size === 0) this.#onIdle?.()
  }

  #hear({ id, responses, cancel }: TaskMessage): void {
    const run = this.#runs.get(id)
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
