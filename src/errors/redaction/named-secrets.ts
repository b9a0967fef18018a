import { isCode, isExpression, isReason, isResource, isSecretList, type Name } from './harmless-contexts.js'
import { isHarmless, isProse } from './harmless-values.js'
import { headerSpans } from './header-secrets.js'
import { type SecretKind, secretKind } from './secret-names.js'
import { REDACTED } from './token-shapes.js'
import { bareSpan, bracketSpan, isAngledName, lineEnd, quotedSpan, type Span } from './value-spans.js'

/** A part of every name that can be sensitive; what stands around it decides. */
const KEYWORD =
  /pass|pwd|secret|token|credential|cookie|authorization|bearer|jwt|dsn|key|pin|otp|cv[vc]|ssn|psk|mnemonic|phrase|auth|sess|sid|kennwort|senha|wachtwoord|contrase|_pat\b/gi
const MAX_NAME = 64
/** Enough of a value to tell whether it is harmless: whatever is longer is not. */
const PROBE = 512
const OPAQUE_PROBE = 96

/** What is replaced, or, when it is `shown`, was looked at and is left as it is. */
interface Found extends Span {
  readonly shown?: true
}

/** How a name and its value are joined. */
interface Joint {
  readonly valueAt: number
  /** `prose` is a colon and a space, which sentences have too; `code` an assignment with spaces around it. */
  readonly manner: 'tight' | 'prose' | 'code'
}

/**
 * Replaces the values that stand behind sensitive names: in JSON (also inside strings of JSON), YAML, query strings and
 * forms, connection strings, environment dumps, command lines, XML, headers, and in sentences such as
 * `password is hunter2`.
 */
export function redactNamed(text: string): string {
  let out = ''
  let done = 0
  KEYWORD.lastIndex = 0
  for (let hit = KEYWORD.exec(text); hit !== null; hit = KEYWORD.exec(text)) {
    const start = nameStart(text, hit.index, done)
    const end = nameEnd(text, hit.index + hit[0].length)
    KEYWORD.lastIndex = end
    for (const span of secretsOf(text, start, end)) {
      KEYWORD.lastIndex = Math.max(span.end, end)
      if (span.shown === true) continue
      out += text.slice(done, span.start) + REDACTED
      done = span.end
    }
  }
  return done === 0 ? text : out + text.slice(done)
}

function nameStart(text: string, from: number, least: number): number {
  const limit = Math.max(least, from - MAX_NAME)
  let start = from
  while (start > limit && /[\w.$-]/.test(text[start - 1] ?? '')) start -= 1
  return start
}

function nameEnd(text: string, from: number): number {
  const limit = Math.min(text.length, from + MAX_NAME)
  let end = from
  while (end < limit && /^(?:[\w$-]|\.\w)/.test(text.slice(end, end + 2))) end += 1
  return end
}

function secretsOf(text: string, start: number, end: number): readonly Found[] {
  const word = text.slice(start, end)
  const kind = kindOf(text, start, word)
  if (kind === undefined) return []
  return spansOf(text, { start, end, text: word, kind }, jointAt(text, start, end))
}

/** `key` alone is no secret; `API key` is one, in two words. A lexer's token is none. */
function kindOf(text: string, start: number, word: string): SecretKind | undefined {
  if (!/^(?:key|keys|token|tokens|phrase)$/i.test(word)) return secretKind(word)
  const alone = !/[ -]/.test(text[start - 1] ?? '')
  if (alone && !/^token/i.test(word)) return undefined
  const before = alone
    ? undefined
    : /([A-Za-z]{1,24})[ -]$/.exec(text.slice(Math.max(0, start - 26), start))?.[1]
  return secretKind(before === undefined ? word : `${before} ${word}`)
}

function spansOf(text: string, name: Name, joint: Joint | undefined): readonly Found[] {
  if (joint === undefined) return one(elementSpan(text, name) ?? proseSpan(text, name))
  if (joint.manner !== 'code' && name.kind !== 'opaque') {
    const spans = headerSpans(text, name, joint.valueAt)
    if (spans !== undefined) return spans
  }
  return one(valueSpan(text, name, joint))
}

function one(span: Found | undefined): readonly Found[] {
  return span === undefined ? [] : [span]
}

/** What joins a name and its value, past the quotes and brackets that close behind the name. */
function jointAt(text: string, start: number, end: number): Joint | undefined {
  let at = end
  for (let closers = 0; closers < 12 && /["'`\]\\)\u201d]/.test(text[at] ?? ''); closers += 1) at += 1
  const encoded = /^%(?:25)?(?:5D|22)/i.exec(text.slice(at, at + 5))
  at += encoded?.[0].length ?? 0
  const quoted = at > end
  const spacesBefore = skipSpaces(text, at) - at
  at += spacesBefore
  const separator = /^(?:=>|:=|={1,3}|:(?!:)|%(?:25){0,3}3[AD])/i.exec(text.slice(at, at + 9))?.[0]
  if (separator === undefined) {
    if (quoted) return valueMember(text, at)
    return text[start] === '-' && spacesBefore > 0 && text[at] !== '-'
      ? { valueAt: at, manner: 'tight' }
      : undefined
  }
  at += separator.length
  const spacesAfter = skipSpaces(text, at) - at
  at += spacesAfter
  // In YAML a long value may begin on the next line.
  const folded = separator === ':' ? /^(?:[|>][+-]?)?\r?\n {1,40}/.exec(text.slice(at, at + 48)) : null
  at += folded?.[0].length ?? 0
  if (separator === '=>' && !(quoted && /["'`]/.test(text[at] ?? '')) && text[start - 1] !== ':')
    return undefined
  if (separator === ':' && spacesAfter > 0) return { valueAt: at, manner: 'prose' }
  const code = separator.length > 1 && !separator.startsWith('%') ? true : spacesBefore > 0 || spacesAfter > 0
  return { valueAt: at, manner: code ? 'code' : 'tight' }
}

/** `"name":"DB_PASSWORD","value":"…"` and `name="password" value="…"`: the value stands under a name of its own. */
function valueMember(text: string, at: number): Joint | undefined {
  const member = /^,?\s{0,40}[\\"']{0,8}value[\\"']{0,8}\s{0,4}[:=]\s{0,4}/.exec(text.slice(at, at + 80))
  return member === null ? undefined : { valueAt: at + member[0].length, manner: 'tight' }
}

function skipSpaces(text: string, from: number): number {
  let at = from
  while (at - from < 16 && (text[at] === ' ' || text[at] === '\t')) at += 1
  return at
}

function valueSpan(text: string, name: Name, { valueAt, manner }: Joint): Found | undefined {
  const quoted = quotedSpan(text, valueAt)
  if (quoted !== undefined) return unlessHarmless(text, quoted, name)
  if (isAngledName(text, valueAt)) return undefined
  const listed = bracketSpan(text, valueAt)
  if (listed !== undefined) {
    // The parts of `jwt: { issuer }` have names of their own.
    if (name.kind === 'opaque' || (name.kind === 'header' && text[valueAt] === '{')) return undefined
    return isSecretList(text, listed, name) ? listed : { ...listed, shown: true }
  }
  let at = valueAt
  if (text[at] === '(') at += 1
  else if (/^%(?:25)?2[27]/.test(text.slice(at, at + 5))) at += text.startsWith('%25', at) ? 5 : 3
  const probe = bareSpan(text, at, name.kind === 'opaque' ? OPAQUE_PROBE : PROBE)
  const value = text.slice(probe.start, probe.end)
  if (isHarmless(value, name.kind, name.text)) return undefined
  // A sentence goes on; a value that is one of its words stands alone.
  if (manner === 'prose' && isProse(value) && /^[ \t]\S/.test(text.slice(probe.end, probe.end + 2)))
    return undefined
  if (manner === 'prose' && isReason(text, probe, name)) return undefined
  if (text[name.end] === ':' && isResource(text, value, name)) return undefined
  if (manner === 'code' ? isCode(text, value, name) : manner === 'prose' && isExpression(value))
    return undefined
  return connectionSpan(text, name, probe) ?? phraseSpan(text, name, probe, manner) ?? bareSpan(text, at)
}

function unlessHarmless(text: string, span: Span, name: Name): Span | undefined {
  return isHarmless(text.slice(span.start, span.end), name.kind, name.text) ? undefined : span
}

/** A phrase is more than one word; so may a password be that has a line of a settings file for itself. */
function phraseSpan(text: string, name: Name, probe: Span, manner: Joint['manner']): Span | undefined {
  const phrase = /phrase|mnemonic/i.test(name.text)
  const lineStart = text.lastIndexOf('\n', name.start - 1) + 1
  const own = text.slice(Math.max(lineStart, name.start - 64), name.start).trim() === ''
  const setting = name.kind === 'password' && own && (manner === 'code' || name.start > 0)
  if (manner === 'tight' ? !phrase : !phrase && !setting) return undefined
  const end = lineEnd(text, probe.end)
  const rest = text.slice(probe.end, Math.min(end, probe.end + 256))
  const words = /^[\p{L}\d !@#$%^*._-]{1,256}/u.exec(rest)?.[0].trimEnd()
  return words === undefined ? undefined : { start: probe.start, end: probe.end + words.length }
}

/** In `Server=db;Password=a b;Encrypt=true` a value ends at its semicolon, whatever is in it. */
function connectionSpan(text: string, name: Name, probe: Span): Span | undefined {
  if (!/[;"'][ \t]{0,4}$/.test(text.slice(Math.max(0, name.start - 5), name.start))) return undefined
  const end = text.indexOf(';', probe.end)
  if (end === -1 || end - probe.start > 256 || end >= lineEnd(text, probe.start)) return undefined
  return /[=:"']/.test(text.slice(probe.end, end)) ? undefined : { start: probe.start, end }
}

/** `<password>hunter2</password>`, also with a namespace and attributes. */
function elementSpan(text: string, name: Name): Span | undefined {
  const before = text.slice(Math.max(0, name.start - 24), name.start)
  if (!/<[\w.-]{0,20}:?$/.test(before)) return undefined
  const open = /^[^<>]{0,200}>/.exec(text.slice(name.end, name.end + 201))
  if (open === null || open[0].endsWith('/>')) return undefined
  const start = name.end + open[0].length
  const value = /^[^<]{1,4096}(?=<\/)/.exec(text.slice(start, start + 4098))?.[0]
  if (value === undefined) return undefined
  const end = start + value.length
  return unlessHarmless(text, { start, end }, name)
}

/** Algorithms and versions, which have letters and digits as a password has. */
const TECHNICAL =
  /^(?:(?:base|sha|utf|md|aes|rsa|es|rs|hs|ps|ed|x|http|ipv|oauth|argon|bcrypt|scrypt|pbkdf|v|tls|sslv|s|ec|k8s|p)-?\d{1,4}\w{0,3}|.{0,40}\.(?:js|ts|json|txt|pem|py|md|ya?ml|key|go|java|rb|env))$/i

/** `password hunter2`, `token is …`, `identified by 'x'`: the value stands right behind, with nothing between. */
function proseSpan(text: string, name: Name): Span | undefined {
  if (
    !/^(?:[\w-]{0,40}[_-])?(?:password|passwd|passphrase|passcode|pwd|pin|otp|totp|secret|token|key|bearer|cookie)$/i.test(
      name.text,
    )
  )
    return undefined
  if (name.kind === 'opaque' || name.kind === 'count') return undefined
  const link = /^[ \t]{1,4}(?:(?:is|was|to|as|of|value|set to|by)[ \t]{1,4}){0,2}/i.exec(
    text.slice(name.end, name.end + 40),
  )
  if (link === null) return undefined
  const at = name.end + link[0].length
  const quoted = quotedSpan(text, at)
  if (quoted !== undefined) {
    const value = text.slice(quoted.start, quoted.end)
    // A password is quoted alone; `secret "db"` is the secret's name, and `token 'x'` what a parser met.
    const shown = isPassword(name) ? value === '' || value.includes('\n') : !isMixed(value, 16)
    return shown ? undefined : unlessHarmless(text, quoted, name)
  }
  const span = bareSpan(text, at, PROBE)
  const value = text.slice(span.start, span.end).replace(/[.,!?)]{1,3}$/, '')
  const code = /^(?:otp|pin|passcode|totp)$/i.test(name.text) && /^\d{4,8}$/.test(value)
  if ((!code && !isMixed(value, isPassword(name) ? 6 : 16)) || isHarmless(value, name.kind, name.text))
    return undefined
  return span.end - span.start === PROBE ? bareSpan(text, at) : { start: at, end: at + value.length }
}

function isPassword({ kind, text }: Name): boolean {
  return kind === 'password' && !/secret$/i.test(text)
}

/** Letters and digits in one word that is no path, algorithm, file or count. */
function isMixed(value: string, least: number): boolean {
  if (value.length < least || /[/\\:(]/.test(value) || TECHNICAL.test(value)) return false
  return /[a-z]/i.test(value) && /\d/.test(value) && !/^\d+-?[a-z]+$/i.test(value)
}
