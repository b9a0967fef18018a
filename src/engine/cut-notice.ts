import { cutMetaKey } from '../protocol/meta-keys.js'
import type { ContentBlock, Meta, ResourceLink } from '../protocol/types.js'
import { text } from './content.js'
import { wholeCharacters } from './result-size.js'

/** One place of a result of which not everything was sent. */
export interface Cut {
  /** `rows`, `groups[3].items`, `content[0]`; empty: the structured value itself. */
  readonly path: string
  readonly kept: number
  /** Undefined: nobody knows, because the source was not read to its end. */
  readonly total?: number
  readonly unit: 'items' | 'bytes' | 'blocks'
  /** Where the rest, or all of it, can be read. */
  readonly rest?: string
}

/** What a notice and a link need of a budget at most: what is cut leaves this room. */
export const noticeRoom = { bytes: 2048, tokens: 512 } as const

/** Places that the text names; `_meta` has all of them. */
const namedCuts = 4
const longestPath = 60

/** Tells the model in words and the program in `_meta` what was left out. `whole`: the link leads to all, not to the rest alone. */
export function cutNotice(
  cuts: readonly Cut[],
  link: ResourceLink | undefined,
  whole: boolean,
): { readonly notices: readonly ContentBlock[]; readonly meta: Meta } {
  const named = cuts.slice(0, namedCuts).map(sentence)
  const more = cuts.length > namedCuts ? `, and ${cuts.length - namedCuts} more places` : ''
  const where =
    link === undefined
      ? 'What is missing was not kept: ask for less, by narrower arguments or by pages if the tool has them.'
      : `${whole ? 'All of it' : 'The rest'} is at ${link.uri}; read it with resources/read while it is kept.`
  const notice = text(`Not everything is here: ${named.join(', ')}${more}. ${where}`)
  const rest = link === undefined ? {} : { rest: link.uri }
  return {
    notices: link === undefined ? [notice] : [notice, link],
    meta: { [cutMetaKey]: cuts.map((cut) => ({ ...cut, ...rest })) },
  }
}

function sentence({ path, kept, total, unit }: Cut): string {
  const short = path.length <= longestPath ? path : `${path.slice(0, wholeCharacters(path, longestPath))}…`
  const what = path === '' ? 'the result' : JSON.stringify(short)
  return total === undefined
    ? `${what} has the first ${kept} ${unit} of more`
    : `${what} has the first ${kept} of ${total} ${unit}`
}
