import type { Call } from '../../engine/call.js'
import { type Cut, cutNotice, noticeRoom } from '../../engine/cut-notice.js'
import { findNonJson } from '../../engine/json-value.js'
import { fits, nothing, plus, type ResultBudget, type Size, sizeOf } from '../../engine/result-size.js'
import type { Spilling } from '../../engine/spilling.js'
import type { Stats } from '../../engine/stats.js'
import type { ToolResult } from '../../engine/tool-result.js'
import { ToolError } from '../../errors/tool-error.js'
import { cutMetaKey } from '../../protocol/meta-keys.js'
import type { ContentBlock, ResourceLink } from '../../protocol/types.js'
import type { CompiledSchema } from '../../schema/compile.js'
import { isNode } from '../../schema/keywords.js'
import { cutContent, sizeOfContent, textsOf, uncuttable } from './cut-content.js'
import { type CutValue, cutValue, type Room } from './cut-value.js'

export interface CutOptions {
  readonly tool: string
  readonly output: CompiledSchema | undefined
  readonly budget: ResultBudget
  readonly stats: Stats
  readonly spilling: Spilling
  /** Milliseconds that what is spilled must be kept at least. */
  readonly keepMs: number
}

/**
 * The result as it is, when it is within its budget after all; else cut, with a notice that says where and how much.
 * @throws ToolError `result_too_large` when it cannot be cut so that it still is what the tool promises
 */
export function cutResult(
  result: ToolResult,
  call: Call,
  options: CutOptions,
): ToolResult | Promise<ToolResult> {
  const { structured, content, meta } = result
  // What JSON cannot carry, and what is no block, is for the check of the output to say.
  if (structured !== undefined && findNonJson(structured) !== undefined) return result
  if (content?.every(isBlockLike) === false) return result
  const json = structured === undefined ? undefined : JSON.stringify(structured)
  // A text that is the structured value stays one: it is not counted again, and made anew of what is left.
  const own = repeats(content, structured, json) ? undefined : content
  const size: Sizes = {
    structured: json === undefined ? nothing : sizeOf(json),
    content: own === undefined ? nothing : sizeOfContent(own),
    meta: meta === undefined ? nothing : sizeOf(JSON.stringify(meta)),
  }
  if (fits(total(size), options.budget)) return result
  return cut(result, { json, content: own, size }, call, options)
}

interface Sizes {
  readonly structured: Size
  readonly content: Size
  readonly meta: Size
}

function total({ structured, content, meta }: Sizes): Size {
  return plus(plus(structured, content), meta)
}

/** A result as it was weighed; `content` is what is no repetition of the structured value. */
interface Weighed {
  readonly json: string | undefined
  readonly content: readonly ContentBlock[] | undefined
  readonly size: Sizes
}

async function cut(
  result: ToolResult,
  { json, content, size }: Weighed,
  call: Call,
  options: CutOptions,
): Promise<ToolResult> {
  const { budget, stats, tool } = options
  const { structured, meta } = result
  const fixed = plus(plus(size.meta, noticeRoom), content === undefined ? nothing : uncuttable(content))
  const room = less({ bytes: budget.bytes, tokens: budget.tokens }, fixed)
  const texts = content === undefined ? nothing : sizeOf(textsOf(content))
  const shares = shared(room, json === undefined ? nothing : size.structured, texts)
  const value =
    json === undefined ? undefined : await cutStructured(json, shares.structured, result.isError, options)
  if (!hasRoom(room) || (json !== undefined && value === undefined)) {
    stats.counters.refusedResults += 1
    throw tooLarge(tool, total(size), budget)
  }
  const blocks = content && cutContent(content, shares.texts)
  const cuts: readonly Cut[] = [...(value?.cuts ?? []), ...(blocks?.cuts ?? [])]
  stats.counters.cutResults += 1
  const link = await keep(
    value === undefined || value.cuts.length === 0 ? undefined : json,
    blocks === undefined || blocks.cuts.length === 0 ? undefined : textsOf(content ?? []),
    call,
    options,
  )
  const notice = cutNotice(cuts, link, true)
  call.ctx.log.debug(`A result of the tool "${tool}" was cut.`, { cuts, bytes: total(size).bytes })
  return {
    ...result,
    content: blocks === undefined ? repeated(value?.value, result.content) : blocks.content,
    structured: value === undefined ? structured : value.value,
    meta: { ...meta, [cutMetaKey]: [...cutsOf(meta), ...cutsOf(notice.meta)] },
    notices: [...(result.notices ?? []), ...notice.notices],
  }
}

/** The value cut so that its schema takes it: texts too if that must be, arrays alone if a cut text is refused. */
async function cutStructured(
  json: string,
  room: Room,
  isError: boolean,
  { output }: CutOptions,
): Promise<CutValue | undefined> {
  const schema = isNode(output?.json) ? output.json : undefined
  for (const texts of [true, false]) {
    const value = cutValue(JSON.parse(json), room, { schema, texts })
    if (value === undefined) continue
    if (output === undefined || isError || (await output.check(value.value)).ok) return value
  }
  return undefined
}

/** Keeps all of what was cut; the link to it, or undefined where it cannot be kept. */
async function keep(
  json: string | undefined,
  texts: string | undefined,
  call: Call,
  { spilling, tool, keepMs }: CutOptions,
): Promise<ResourceLink | undefined> {
  if (!spilling.automatic) return undefined
  const isJson = json !== undefined
  const whole =
    isJson && texts !== undefined
      ? [`{"structured":${json},"text":`, JSON.stringify(texts), '}']
      : [json ?? texts ?? '']
  try {
    const options = {
      name: `${tool}-result.${isJson ? 'json' : 'txt'}`,
      mimeType: isJson ? 'application/json' : 'text/plain',
      description: `The whole result of ${tool}.`,
    }
    return await spilling.write(call.exchange, whole, options, keepMs)
  } catch (error) {
    if (!ToolError.is(error)) throw error
    call.ctx.log.warn('A result that was cut could not be kept whole.', { error })
    return undefined
  }
}

/** Room for both: what is small stays whole, and two large ones have half each. */
function shared(
  room: Room,
  structured: Size,
  texts: Size,
): { readonly structured: Room; readonly texts: Room } {
  const half = { bytes: room.bytes / 2, tokens: room.tokens === undefined ? undefined : room.tokens / 2 }
  if (fits(structured, half)) return { structured: room, texts: less(room, structured) }
  if (fits(texts, half)) return { structured: less(room, texts), texts: room }
  return { structured: half, texts: half }
}

function less({ bytes, tokens }: Room, size: Size): Room {
  return { bytes: bytes - size.bytes, tokens: tokens === undefined ? undefined : tokens - size.tokens }
}

function hasRoom({ bytes, tokens }: Room): boolean {
  return bytes > 0 && (tokens === undefined || tokens > 0)
}

/** Whether all there is of content is the structured value once more: as JSON, or a text as itself. */
function repeats(
  content: readonly ContentBlock[] | undefined,
  structured: unknown,
  json: string | undefined,
): boolean {
  const [first] = content ?? []
  if (content?.length !== 1 || first?.type !== 'text') return false
  return first.text === json || first.text === structured
}

/** Undefined: as JSON, when the answer is written. */
function repeated(
  value: unknown,
  content: readonly ContentBlock[] | undefined,
): readonly ContentBlock[] | undefined {
  const [first] = content ?? []
  return typeof value === 'string' && first?.type === 'text' ? [{ ...first, text: value }] : undefined
}

/** A source that was not read to its end is a cut, too, and stays told. */
function cutsOf(meta: ToolResult['meta']): readonly unknown[] {
  const cuts = meta?.[cutMetaKey]
  return Array.isArray(cuts) ? cuts : []
}

function isBlockLike(block: unknown): boolean {
  return isNode(block) && (block['type'] !== 'text' || typeof block['text'] === 'string')
}

function tooLarge(tool: string, { bytes, tokens }: Size, budget: ResultBudget): ToolError {
  const isBytes = bytes > budget.bytes
  const [came, limit, unit] = isBytes
    ? [bytes, budget.bytes, 'bytes']
    : [Math.ceil(tokens), budget.tokens ?? 0, 'tokens']
  return new ToolError('result_too_large', {
    message: `The result of "${tool}" has ${came} ${unit}, more than the ${limit} that may be sent, and cannot be cut without becoming something else.`,
    hint: 'Ask for less: narrow the arguments, or use paging if the tool has it.',
    data: isBytes ? { bytes, limit } : { bytes, tokens: came, limit },
  })
}
