import { ToolError } from '../errors/tool-error.js'
import type { ResourceLink } from '../protocol/types.js'
import { afterTick } from './after-tick.js'
import type { Call } from './call.js'
import { type Cut, cutNotice, noticeRoom } from './cut-notice.js'
import { ItemReader } from './item-source.js'
import { findNonJson } from './json-value.js'
import { fits, nothing, plus, type ResultBudget, sizeOf } from './result-size.js'
import type { Spilling } from './spilling.js'
import { HandlerFault, type ToolResult } from './tool-result.js'

/** After this many items that came at once, other work has its turn: a source that waits for nothing would keep everyone waiting. */
const itemsInTurn = 200

export interface CollectOptions {
  readonly budget: ResultBudget
  readonly spilling: Spilling
  /** Milliseconds that what is spilled must be kept at least. */
  readonly keepMs: number
}

/**
 * Pulls one item after another into an array until it is as large as a result may be. What comes after that is written where it can
 * be read, as JSON lines and no faster than that goes, or the source is ended. Either way the result says that there is more.
 * @throws what the source throws, and the reason of a call that ended meanwhile
 */
export async function collectItems(
  source: AsyncIterable<unknown>,
  call: Call,
  options: CollectOptions,
): Promise<ToolResult> {
  const { exchange } = call
  const { budget } = options
  const reader = new ItemReader(source)
  const stay = exchange.whenEnded(() => {
    reader
      .end()
      .catch((error: unknown) => call.ctx.log.warn('A source failed while it was ended.', { error }))
  })
  const items: unknown[] = []
  const room = {
    bytes: budget.bytes - noticeRoom.bytes,
    tokens: budget.tokens === undefined ? undefined : budget.tokens - noticeRoom.tokens,
  }
  let size = plus(nothing, { bytes: 2, tokens: 0.5 })
  try {
    for (;;) {
      const step = await reader.next()
      if (!exchange.open) throw exchange.signal.reason
      if (step === undefined)
        return { content: undefined, structured: items, isError: false, meta: undefined }
      const json = written(step.value, items.length, call.name)
      size = plus(size, plus(sizeOf(json), { bytes: 1, tokens: 0.25 }))
      // One item is always taken: what is too large in it can still be cut.
      if (items.length > 0 && (items.length >= budget.items || !fits(size, room))) {
        return await withRest(items, json, reader, call, options)
      }
      items.push(step.value)
      if (items.length % itemsInTurn === 0) await new Promise<void>(afterTick)
    }
  } catch (error) {
    await reader.end().catch(() => undefined)
    throw error
  } finally {
    stay()
  }
}

async function withRest(
  items: readonly unknown[],
  next: string,
  reader: ItemReader,
  call: Call,
  options: CollectOptions,
): Promise<ToolResult> {
  const rest = new RestLines(next, items.length, reader, call.name)
  const link = options.spilling.automatic ? await spilled(rest, call, options) : undefined
  await reader.end()
  const cut: Cut = {
    path: '',
    kept: items.length,
    ...(link !== undefined && { total: items.length + rest.count }),
    unit: 'items',
  }
  return {
    content: undefined,
    structured: items,
    isError: false,
    ...cutNotice([cut], link, false),
  }
}

/** The link to the rest; undefined when there is no room for it, which is no reason to keep back what there is. */
async function spilled(
  rest: RestLines,
  call: Call,
  { spilling, keepMs }: CollectOptions,
): Promise<ResourceLink | undefined> {
  try {
    const options = {
      name: `${call.name}-rest.jsonl`,
      mimeType: 'application/x-ndjson',
      description: `The items after the first ${rest.from} of ${call.name}, one on each line as JSON.`,
    }
    return await spilling.write(call.exchange, rest, options, keepMs)
  } catch (error) {
    if (rest.failed || !ToolError.is(error)) throw error
    call.ctx.log.warn('What a result had no room for could not be kept.', { error })
    return undefined
  }
}

/** The items that are left, as lines. */
class RestLines implements AsyncIterable<string> {
  readonly from: number
  count = 0
  /** Whether the source itself failed, or gave what JSON cannot carry. */
  failed = false
  readonly #first: string
  readonly #reader: ItemReader
  readonly #tool: string

  constructor(first: string, from: number, reader: ItemReader, tool: string) {
    this.#first = first
    this.from = from
    this.#reader = reader
    this.#tool = tool
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    this.count += 1
    yield `${this.#first}\n`
    for (;;) {
      let line: string
      try {
        const step = await this.#reader.next()
        if (step === undefined) return
        line = written(step.value, this.from + this.count, this.#tool)
      } catch (error) {
        this.failed = true
        throw error
      }
      this.count += 1
      yield `${line}\n`
    }
  }
}

/** @throws HandlerFault for an item that JSON cannot carry */
function written(item: unknown, index: number, tool: string): string {
  const fault = item === undefined ? { path: '', what: 'undefined' } : findNonJson(item)
  if (fault === undefined) return JSON.stringify(item)
  const path = `[${index}]${fault.path === '' || fault.path.startsWith('[') ? '' : '.'}${fault.path}`
  throw new HandlerFault(`The tool "${tool}" gave ${fault.what} at "${path}", which JSON cannot carry.`)
}
