import type { Cut } from '../../engine/cut-notice.js'
import { fits, nothing, plus, type Size, sizeOf } from '../../engine/result-size.js'
import type { ContentBlock } from '../../protocol/types.js'
import { longestPrefix, type Room } from './cut-value.js'

/** What content weighs as the model is given it: a text as itself, anything else as JSON. */
export function sizeOfContent(content: readonly ContentBlock[]): Size {
  return content.map(sizeOfBlock).reduce(plus, nothing)
}

export function sizeOfBlock(block: ContentBlock): Size {
  return sizeOf(isText(block) ? block.text : JSON.stringify(block))
}

/** What must be sent whole or not at all: images, audio, embedded resources, links. */
export function uncuttable(content: readonly ContentBlock[]): Size {
  return sizeOfContent(content.filter((block) => !isText(block)))
}

/** Texts from the first on as far as there is room for them, beside all else; the one that is cut ends with a line where one is near. */
export function cutContent(
  content: readonly ContentBlock[],
  room: Room,
): { readonly content: readonly ContentBlock[]; readonly cuts: readonly Cut[] } {
  const kept: ContentBlock[] = []
  const cuts: Cut[] = []
  const texts = content.filter(isText).length
  let whole = 0
  let used = nothing
  for (const [index, block] of content.entries()) {
    if (!isText(block)) {
      kept.push(block)
      continue
    }
    if (cuts.length > 0) continue
    const size = sizeOf(block.text)
    if (fits(plus(used, size), room)) {
      used = plus(used, size)
      kept.push(block)
      whole += 1
      continue
    }
    const end = longestPrefix(block.text, room, (prefix) => fits(plus(used, sizeOf(prefix)), room)) ?? 0
    const text = block.text.slice(0, end)
    if (text !== '') kept.push({ ...block, text })
    cuts.push({ path: `content[${index}]`, kept: sizeOf(text).bytes, total: size.bytes, unit: 'bytes' })
  }
  const seen = whole + cuts.length
  if (seen < texts) cuts.push({ path: 'content', kept: seen, total: texts, unit: 'blocks' })
  return { content: kept, cuts }
}

/** All texts, as they are kept for later. */
export function textsOf(content: readonly ContentBlock[]): string {
  return content
    .filter(isText)
    .map(({ text }) => text)
    .join('\n')
}

function isText(block: ContentBlock): block is Extract<ContentBlock, { type: 'text' }> {
  return block.type === 'text'
}
