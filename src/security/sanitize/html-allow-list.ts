/** What an attribute's value must match, by attribute. */
type Attributes = Readonly<Record<string, RegExp>>

const ANYTHING = /^/
const COUNT = /^\d{1,4}$/
const CELL: Attributes = { colspan: COUNT, rowspan: COUNT }

/** Elements that `sanitizeHtml` keeps: text, lists, tables, links. Other elements go, and their text stays. */
export const ALLOWED_ELEMENTS: readonly string[] =
  `a abbr article b bdi blockquote br caption cite code col colgroup dd del dfn div dl dt em figcaption figure h1 h2 h3 h4
  h5 h6 hr i ins kbd li mark ol p pre q rp rt ruby s samp section small span strong sub sup table tbody td tfoot th thead
  tr u ul var wbr`.split(/\s+/)

/** Elements that go with all that is in them, because it is code, another language, or shown only when they fail. */
export const DROPPED_WITH_CONTENT: readonly string[] =
  `applet audio canvas datalist embed frameset iframe math noembed noframes noscript object option plaintext script select
  style svg template textarea title video xmp`.split(/\s+/)

/** Attributes that stay, by element; `*` is every element. Links and images have rules of their own for addresses. */
export const ALLOWED_ATTRIBUTES: Readonly<Record<string, Attributes>> = {
  '*': { lang: /^[A-Za-z0-9-]{1,35}$/, dir: /^(?:ltr|rtl|auto)$/i },
  a: { href: ANYTHING, title: ANYTHING },
  abbr: { title: ANYTHING },
  dfn: { title: ANYTHING },
  img: { src: ANYTHING, alt: ANYTHING, title: ANYTHING, width: COUNT, height: COUNT },
  ol: { start: /^-?\d{1,9}$/, type: /^[1aAiI]$/ },
  td: CELL,
  th: { ...CELL, scope: /^(?:row|col|rowgroup|colgroup)$/i },
  col: { span: COUNT },
  colgroup: { span: COUNT },
}

/** Set on every link: the page it leads to learns nothing, controls nothing, and gains no rank. */
export const LINK_REL = 'noopener noreferrer nofollow'

const LINK = /^(?:https?:\/\/|mailto:)/i
const IMAGE = /^https?:\/\//i

/**
 * The address if it may stand in the element, else undefined: absolute http and https, and mailto in links. Relative
 * addresses would mean the page that shows the HTML, and a user name before the host is there to deceive.
 */
export function allowedAddress(element: string, address: string): string | undefined {
  const trimmed = address.trim()
  if (!(element === 'a' ? LINK : IMAGE).test(trimmed) || !URL.canParse(trimmed)) return undefined
  const { username, password } = new URL(trimmed)
  return username === '' && password === '' ? trimmed : undefined
}
