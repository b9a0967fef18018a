import { isRandomRun, isSensitiveName, wordsOf } from '../secrets.js'
import { wordList } from './word-list.js'

/**
 * What a name in a log says of its value:
 * - `password`: never shown, also when it is a number of three digits or more
 * - `token`: text is never shown; short numbers are
 * - `count`: the plural, which counts as often as it lists: text is never shown, numbers are
 * - `header`: text is never shown; an object under it is looked at part by part (`jwt: { issuer }`)
 * - `opaque`: hidden only when the value itself looks drawn at random (`stripeKey`, `sessionId`)
 */
export type SecretKind = 'password' | 'token' | 'count' | 'header' | 'opaque'

/** No sensitive name is without one of these; most names have none, and are done. */
const HINT =
  /pass|pwd|secret|token|auth|bearer|cred|cookie|key|pin|otp|cv[vc]|ssn|jwt|dsn|psk|mnemonic|phrase|kennwort|senha|wachtwoord|contrase|sess|sid|_pat\b|\bsig\b/i
const PASSWORDS = wordList(
  'password passwd passphrase passcode pass pwd secret pin otp totp cvv cvc ssn mnemonic passwort kennwort senha wachtwoord contrasena',
)
const HEADERS = wordList('authorization bearer jwt dsn')
const SHORT = wordList('pin otp totp cvv cvc ssn pass')
/** Last words that make a name speak about a secret rather than hold one: `tokenType`, `password_changed_at`. */
const DESCRIPTORS = wordList(
  'type types kind name names count counts url urls uri uris endpoint endpoints ttl expiry expires expired expiration at on in by ' +
    'age length len size min max limit limits policy policies rule rules strength status state valid validity invalid required ' +
    'enabled disabled supported scope scopes issuer audience algorithm algorithms alg method methods format version path paths file files filename ' +
    'dir directory folder location ref refs reference references arn field fields column columns label placeholder hint prompt ' +
    'description message messages error errors usage used budget total remaining created updated changed rotated issued ' +
    'provider providers manager service services store source server servers domain domains mode index position consent ' +
    'banner parser bucket id ids visible attempts retries failures rate quota needed missing set exists present ' +
    'encoding charset case seconds minutes days hours ms date time timestamp schema title reset details',
)
/** First words that ask or count: `hasPassword`, `maxTokens`. */
const QUESTIONS = wordList(
  'has is needs requires require show hide forgot max min num no count total allow supports',
)
/** Tokens that are places in a list, marks of progress, or words of a language. */
const OTHER_TOKENS = wordList(
  'progress page next previous prev continuation continue cancellation cancel stop eos bos pad unk mask special sync ' +
    'unexpected resume lexer parser paging pagination start end prompt completion input output cached reasoning',
)
/** Keys that are secrets with some services and names with others. */
const OPAQUE_KEYS = wordList(
  'account subscription functions function license deploy webhook role tls ssl app client admin storage shared host ' +
    'stripe openai anthropic sendgrid mailgun twilio supabase firebase google gemini groq mistral cohere datadog algolia aws azure ' +
    'github gitlab slack sentry maps service crypto root user session',
)
const OPAQUE_NAMES = wordList('auth session sessionid sid pat jsessionid phpsessid sig')

/** What the name of a field, header, variable or parameter says of its value; undefined when it says nothing. */
export function secretKind(name: string): SecretKind | undefined {
  if (!HINT.test(name)) return undefined
  const parts = wordsOf(name)
  const last = parts.at(-1) ?? ''
  if (!isSensitiveName(name)) return isOpaqueName(parts, last) ? 'opaque' : undefined
  if (QUESTIONS.has(parts[0] ?? '')) return undefined
  const ofSecret = parts.includes('secret') && last === 'id' // the half of Vault's AppRole that is secret
  if (DESCRIPTORS.has(last) && parts.length > 1 && !ofSecret) return undefined
  if ((last === 'token' || last === 'tokens') && OTHER_TOKENS.has(parts.at(-2) ?? '')) return undefined
  const found = parts.find((word) => SHORT.has(word))
  if (found !== undefined && !isSensitiveName(parts.filter((word) => !SHORT.has(word)).join(' '))) {
    // `pin` is a secret, `pinBoard` is none.
    const after = parts[parts.lastIndexOf(found) + 1]
    const holds = after === undefined || /^(?:code|number|hash|value|no|\d{1,3})$/.test(after)
    return holds ? 'password' : undefined
  }
  if (parts.some((word) => HEADERS.has(word))) return 'header'
  if (last.endsWith('s') && !last.endsWith('pass')) return 'count'
  return parts.some((word) => PASSWORDS.has(word)) || /passw|passphrase/.test(last) ? 'password' : 'token'
}

function isOpaqueName(parts: readonly string[], last: string): boolean {
  const before = parts.at(-2) ?? ''
  if (last === 'key' || last === 'keys') return OPAQUE_KEYS.has(before)
  if (last === 'id') return before === 'session'
  if (last === 'pat') return parts.length > 1
  return OPAQUE_NAMES.has(last) || /(?:account|subscription|license|storage|client)key$/.test(last)
}

/** Whether a value under a name that is a secret only with some services is one. UUIDs are kept, and so are addresses. */
export function isOpaqueValue(value: string): boolean {
  if (value.length < 16 || /\s/.test(value) || /^[0-9a-f]{8}-[0-9a-f]{4}-|^https?:/i.test(value)) return false
  return isRandomRun(value) || (/[a-z]/.test(value) && /[A-Z]/.test(value) && /\d/.test(value))
}
