import { isProse } from './harmless-values.js'
import { redactNamed } from './named-secrets.js'
import { REDACTED, redactTokens } from './token-shapes.js'
import { redactUrls } from './url-secrets.js'

/** Longest text that is kept, in UTF-16 code units; what is cut off is counted. */
export const MAX_TEXT = 32_768
/** Room for the sentence that says how much was cut off. */
const ROOM = 64
const MAX_ROUNDS = 5
/** Shorter texts hold no secret that could be told from a word. */
const MIN_TEXT = 6

/** Blocks of RFC 7468 and OpenPGP that anybody may see. */
const PUBLIC_BLOCK =
  /^(?:[A-Z0-9 ]{0,40}PUBLIC KEY(?: BLOCK)?|(?:TRUSTED |X509 )?CERTIFICATE(?: REQUEST)?|NEW CERTIFICATE REQUEST|X509 CRL|PGP MESSAGE|PGP SIGNATURE|PGP SIGNED MESSAGE|CMS|PKCS7|DH PARAMETERS|EC PARAMETERS)-----/
/** `Bearer x` and `Basic x` in a sentence; parameters of a challenge (`Bearer realm="x"`) are none. */
const CREDENTIALS =
  /\b(bearer|basic|dpop|ssws)((?:[ \t]|%20|\+){1,4})(?=([\w+/.~-]{6,8192}={0,2}))\3(?!["'=\w])/gi
/** The private parts of a JWK (RFC 7518 6.2.2, 6.3.2, 6.4.1). */
const JWK_PART = /([{,\s])(\\{0,7}["']?)(d|p|q|dp|dq|qi|k)\2(\s{0,4}:\s{0,4}\\{0,7}["'])([\w-]{8,4096})/g
const PROGRAMS: readonly RegExp[] = [
  /(\bcurl\b[^\n]{0,400}?\s(?:-u|-U|--user|--proxy-user)[ =]?["'][^\s:"']{1,128}:)([^"'\n]{1,256})/g,
  /(\bcurl\b[^\n]{0,400}?\s(?:-u|-U|--user|--proxy-user)[ =]?[^\s:"']{1,128}:)([^\s"']{1,256})/g,
  /(\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\n]{0,200}?\s-p)([^\s"'-][^\s"']{0,255})/g,
  /(\b(?:sshpass|docker login|podman login|helm registry login|az login)\b[^\n]{0,200}?\s-p ?["']?)([^\s"'-][^\s"']{0,255})/g,
  /(\bredis-cli\b[^\n]{0,200}?\s-a ["']?)([^\s"'-][^\s"']{0,255})/g,
  /(\bsqlcmd\b[^\n]{0,200}?\s-P ["']?)([^\s"'-][^\s"']{0,255})/g,
  /(\blogin [^\s]{1,128} password )([^\s]{1,256})/g, // .netrc
  /(\bIDENTIFIED (?:WITH \w{1,40} )?(?:BY|AS) (?:PASSWORD )?["'])([^"'\n]{1,256})/gi,
]
const PROGRAM = /\b(?:curl|mysql|mysqldump|mysqladmin|mariadb|sshpass|login|redis-cli|sqlcmd|identified)\b/i
/** A part of every word that one of the rules by name begins with. Most texts have none, and are nearly done. */
const WORD =
  /pass|pwd|secret|token|cred|cookie|auth|bearer|basic|dpop|ssws|jwt|kty|dsn|key|pin|otp|cv[vc]|ssn|psk|mnemonic|phrase|sess|sid|kennwort|senha|wachtwoord|contrase|_pat|curl|mysql|mariadb|login|redis-cli|sqlcmd|identified/i

/**
 * A text without the secrets in it; the rest is kept as it is. Replaced by `[redacted]` are values behind sensitive
 * names in any notation, logins in URLs and connection strings, credentials of headers, cookies, PEM blocks that are
 * not public, private parts of JWKs, and tokens that say by their shape what they are. What looks random but has
 * neither name nor shape (hashes, UUIDs, cursors) is kept. At most 32,768 characters are; what is cut off is counted.
 */
export function redactText(text: string): string {
  if (text.length < MIN_TEXT) return text
  const window = text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text
  // What was replaced may make clear what stands around it; a text without secrets is looked at once.
  let out = window
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const before = out
    out = redactOnce(before)
    if (out === before) break
  }
  return window.length < text.length || out.length > MAX_TEXT ? cut(out, text.length - window.length) : out
}

function redactOnce(text: string): string {
  const out = redactUrls(redactBlocks(text))
  return redactTokens(WORD.test(out) ? redactWords(out) : out)
}

function redactWords(text: string): string {
  let out = text
  if (PROGRAM.test(out)) for (const program of PROGRAMS) out = out.replace(program, `$1${REDACTED}`)
  out = redactNamed(out).replace(CREDENTIALS, redactCredentials)
  return out.includes('kty') ? out.replace(JWK_PART, `$1$2$3$2$4${REDACTED}`) : out
}

function redactCredentials(whole: string, scheme: string, space: string, value: string): string {
  if (isProse(value)) return whole
  if (scheme.toLowerCase() === 'basic' && !holdsLogin(value)) return whole
  // Words in a sentence: `bearer authentication`, `Bearer resource-metadata`.
  if (/^[a-z]{1,16}(?:[-_][a-z]{1,16}){0,3}\.?$/.test(value) && scheme !== 'Bearer') return whole
  return scheme + space + REDACTED
}

function holdsLogin(base64: string): boolean {
  try {
    return atob(base64.replace(/-/g, '+').replace(/_/g, '/')).includes(':')
  } catch {
    return false
  }
}

/** PEM and OpenPGP blocks: from BEGIN to END, or to the end of the text when there is none. */
function redactBlocks(text: string): string {
  let at = text.indexOf('-----BEGIN ')
  let out = ''
  let done = 0
  while (at !== -1) {
    const isPublic = PUBLIC_BLOCK.test(text.slice(at + 11, at + 91))
    const end = text.indexOf('-----END ', at)
    const closed = end === -1 ? -1 : text.indexOf('-----', end + 9)
    const stop = end === -1 ? text.length : closed === -1 ? text.length : closed + 5
    if (!isPublic) {
      out += text.slice(done, at) + REDACTED
      done = stop
    }
    at = text.indexOf('-----BEGIN ', stop)
  }
  return done === 0 ? out + text : out + text.slice(done)
}

/** The last run of characters goes too: it may be the first half of a secret. */
function cut(text: string, beyond: number): string {
  let end = Math.min(text.length, MAX_TEXT - ROOM)
  const least = end - 256
  let start = end
  while (start > least && !/\s/.test(text[start - 1] ?? ' ')) start -= 1
  if (start > least) end = start
  const more = text.length - end + beyond
  return `${text.slice(0, end)}… ${more.toLocaleString('en-US')} more characters`
}
