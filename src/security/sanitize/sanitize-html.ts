import { cleanText } from './clean-text.js'
import {
  ALLOWED_ATTRIBUTES,
  ALLOWED_ELEMENTS,
  allowedAddress,
  DROPPED_WITH_CONTENT,
  LINK_REL,
} from './html-allow-list.js'

export interface SanitizeHtmlOptions {
  /**
   * Keeps `<img>` with an http or https address. An image is fetched as soon as it is shown, which tells its server who
   * looked, and can carry data out in its address. @default false
   */
  readonly images?: boolean
  /** Longest input, in UTF-16 units. @default 1_000_000 */
  readonly maxLength?: number
}

const MAX_LENGTH = 1_000_000
/** Elements inside elements that are kept; of deeper ones only the text. Browsers stop at twice as many. */
const MAX_KEPT_DEPTH = 256
/** The time of the parser grows with the depth, and that of real documents does not come near. */
const MAX_DEPTH = 2000

/**
 * HTML of unknown origin, cut down to what shows text: headings, paragraphs, formatting, lists, tables, and links to
 * http, https and mailto addresses, which get `rel="noopener noreferrer nofollow"`. No scripts, styles, forms, frames,
 * SVG, MathML, event handlers, classes, ids or data attributes. Attributes that stay are `title`, `lang`, `dir`, the
 * spans of cells, and the numbering of lists. Texts and titles are cleaned by `cleanText`.
 *
 * The result may stand where HTML of an element's content may stand, not in an attribute, a script or a style. Needs
 * the package sanitize-html.
 *
 * @throws RangeError when the input is longer than `maxLength` or nested deeper than 2,000 elements
 */
export async function sanitizeHtml(html: string, options: SanitizeHtmlOptions = {}): Promise<string> {
  const { images = false, maxLength = MAX_LENGTH } = options
  if (html.length > maxLength) {
    throw new RangeError(
      `The HTML has ${html.length} characters, at most ${maxLength} are sanitized; shorten it or raise maxLength.`,
    )
  }
  const sanitize = await loadSanitizer()
  let depth = 0
  const sanitized = sanitize(html, {
    allowedTags: images ? [...ALLOWED_ELEMENTS, 'img'] : [...ALLOWED_ELEMENTS],
    nonTextTags: [...DROPPED_WITH_CONTENT],
    disallowedTagsMode: 'discard',
    nestingLimit: MAX_KEPT_DEPTH,
    allowedAttributes: { ...ATTRIBUTE_NAMES, a: [...(ATTRIBUTE_NAMES['a'] ?? []), 'rel'] },
    allowedSchemes: ['http', 'https', 'mailto'],
    allowProtocolRelative: false,
    transformTags: { '*': (tagName, attribs) => ({ tagName, attribs: allowedAttributes(tagName, attribs) }) },
    // An image that lost its address shows nothing but a broken frame.
    exclusiveFilter: ({ tag, attribs }) => tag === 'img' && attribs['src'] === undefined,
    onOpenTag: () => {
      depth += 1
      if (depth > MAX_DEPTH) {
        throw new RangeError(`The HTML is nested deeper than ${MAX_DEPTH} elements; close the ones that end.`)
      }
    },
    onCloseTag: () => {
      depth -= 1
    },
  })
  return cleanTextNodes(sanitized)
}

const ATTRIBUTE_NAMES = Object.fromEntries(
  Object.entries(ALLOWED_ATTRIBUTES).map(([element, attributes]) => [element, Object.keys(attributes)]),
)

function allowedAttributes(element: string, given: Readonly<Record<string, string>>): Record<string, string> {
  const allowed = {
    ...ALLOWED_ATTRIBUTES['*'],
    ...(Object.hasOwn(ALLOWED_ATTRIBUTES, element) ? ALLOWED_ATTRIBUTES[element] : {}),
  }
  const kept: Record<string, string> = {}
  for (const [name, pattern] of Object.entries(allowed)) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined
    if (value === undefined) continue
    const { text } = cleanText(value)
    const address = name === 'href' || name === 'src'
    const safe = address ? allowedAddress(element, text) : text
    if (safe !== undefined && pattern.test(safe)) kept[name] = safe
  }
  if (kept['href'] !== undefined) kept['rel'] = LINK_REL
  return kept
}

/**
 * Cleans what stands between the tags. Only now are entities decoded and neighbours together, which decide about
 * joiners and marks; and the sanitizer has written every other `<` and `>` as an entity.
 */
function cleanTextNodes(html: string): string {
  return html.replace(/[^<>]+|<[^<>]*>/g, (piece) => {
    if (piece.startsWith('<') || PRINTABLE.test(piece)) return piece
    const text = piece.replace(/&(amp|lt|gt|quot);/g, (_entity, name: string) => DECODED[name] ?? '')
    const cleaned = cleanText(text).text
    return cleaned === text ? piece : cleaned.replace(/[&<>]/g, (character) => ENCODED[character] ?? '')
  })
}

const PRINTABLE = /^[\t\n -~]*$/
const DECODED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' }
const ENCODED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

type Sanitizer = typeof import('sanitize-html')

async function loadSanitizer(): Promise<Sanitizer> {
  try {
    const loaded = await import('sanitize-html')
    return loaded.default
  } catch (cause) {
    throw new Error(
      'sanitizeHtml needs the package sanitize-html: install it with `npm install sanitize-html`.',
      {
        cause,
      },
    )
  }
}
