import type { Bus } from '../contracts/bus.js'
import type { Logger } from '../contracts/logger.js'
import { isRecord } from '../protocol/json-rpc.js'

const topic = 'holdfast:tasks'

/** What a client sent for a task: answers to its questions, or that it is to end. */
export interface TaskMessage {
  readonly id: string
  readonly responses?: object
  readonly cancel?: true
}

/** Takes what clients send for tasks of other nodes to the node that runs them. */
export class TaskRelay {
  readonly #bus: Bus
  readonly #logger: Logger
  readonly #node: string

  /** `hear` is called with what other nodes send; most of it is for none of ours. */
  constructor(bus: Bus, logger: Logger, node: string, hear: (message: TaskMessage) => void) {
    this.#bus = bus
    this.#logger = logger
    this.#node = node
    bus.subscribe(topic, (text) => {
      const message = readMessage(text, node)
      if (message !== undefined) hear(message)
    })
  }

  /** Without a shared bus the task runs nowhere else, and nothing comes of it. */
  send(message: TaskMessage): void {
    const failed = (error: unknown): void => {
      this.#logger.error('The bus did not take what a client sent for a task on another node.', { error })
    }
    try {
      const text = JSON.stringify({ from: this.#node, ...message })
      Promise.resolve(this.#bus.publish(topic, text)).catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}

/** Undefined for our own, and for what another version says and this one does not know. */
function readMessage(text: string, node: string): TaskMessage | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isRecord(value) || value['from'] === node) return undefined
  const { id, responses, cancel } = value
  if (typeof id !== 'string') return undefined
  if (isRecord(responses)) return { id, responses }
  return cancel === true ? { id, cancel } : undefined
}
