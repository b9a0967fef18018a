import { isHarmless, isProse } from './harmless-values.js'
import { REDACTED } from './token-shapes.js'
import { bareSpan, isAngledName, lineEnd, type Span } from './value-spans.js'
import { wordList } from './word-list.js'

/** Schemes whose credentials are one token (RFC 9110 11.4, "token68"). */
const TOKEN_SCHEME =
  /^(?:bearer|basic|token|api-?key|negotiate|ntlm|dpop|ssws|gnap|jwt|key|privatetoken|private-token|pop|genie-?key|googlelogin|sso-key|zoho-oauthtoken|klaviyo-api-key)$/i
/** Schemes whose credentials are parameters, to the end of the header. */
const PARAM_SCHEME =
  /^(?:digest|oauth|hawk|aws4-[\w-]{1,40}|aws|sharedkey(?:lite)?|sharedaccesssignature|signature|mac|mutual|scram-[\w-]{1,20}|vapid|hmac[\w-]{0,20}|acs[\w-]{0,20}|tc3-[\w-]{1,30}|bce-[\w-]{1,30}|goog4-[\w-]{1,40}|eg1-[\w-]{1,30})$/i
const COOKIE_ATTRIBUTES = wordList('path domain expires max-age samesite priority version')
const PAIR = /([^\s=;,"'\\]{1,256})=("?)([^;"\s\\]{0,4096})/g

/**
 * The secret parts of an Authorization or Cookie header in a text, from where its value begins. Undefined for other
 * names, and for values that are none of these headers.
 */
export function headerSpans(
  text: string,
  name: { readonly start: number; readonly text: string },
  at: number,
): readonly Span[] | undefined {
  const header = name.text.toLowerCase()
  if (header.endsWith('authorization')) return credentials(text, at, headerEnd(text, name.start, at))
  if (header.endsWith('cookie')) return cookies(text, at, headerEnd(text, name.start, at))
  return undefined
}

/** A header ends with its line, or with the quote that was opened before its name. */
function headerEnd(text: string, nameStart: number, at: number): number {
  const end = lineEnd(text, at)
  const quote = text[nameStart - 1] ?? ''
  const close = /["'`]/.test(quote) ? text.indexOf(quote, at) : -1
  const escaped = text.slice(at, end).search(/\\[rn]/)
  return Math.min(end, close === -1 ? end : close, escaped === -1 ? end : at + escaped)
}

function credentials(text: string, at: number, end: number): readonly Span[] | undefined {
  const found = /^([\w-]{2,40})(?:[ \t]|%20|\+|\r?\n[ \t]){1,4}(?=\S)/.exec(text.slice(at, at + 48))
  const scheme = found?.[1] ?? ''
  const start = at + (found?.[0].length ?? 0)
  const params = PARAM_SCHEME.test(scheme)
  if (params && text.slice(start, end).includes('=')) return [{ start, end }]
  const span = bareSpan(text, start)
  const value = text.slice(span.start, Math.min(span.end, span.start + 512))
  // A scheme that nobody knows, or a sentence: credentials have digits.
  const other = scheme !== '' && ((value.length >= 6 && /\d/.test(value)) || value === REDACTED)
  if (!params && !other && !TOKEN_SCHEME.test(scheme)) return undefined
  const shown = isHarmless(value, 'token', 'authorization') || isProse(value) || isAngledName(text, start)
  return shown ? [] : [span]
}

function cookies(text: string, at: number, end: number): readonly Span[] | undefined {
  const line = text.slice(at, end)
  if (/^["'[{]/.test(line) || !/^[^\s=;,"'\\]{1,256}=/.test(line)) return undefined
  const spans: Span[] = []
  for (const pair of line.matchAll(PAIR)) {
    const [whole, name = '', , value = ''] = pair
    if (COOKIE_ATTRIBUTES.has(name.toLowerCase()) || value === '' || value === REDACTED) continue
    const start = at + pair.index + whole.length - value.length
    spans.push({ start, end: start + value.length })
  }
  return spans
}
