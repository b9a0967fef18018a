import { holdsTokenShape } from './redaction/token-shapes.js'
import { wordList } from './redaction/word-list.js'

/** How much of a string is looked at; no more than its first 80 characters are ever shown. */
const WINDOW = 4096
/** How much of a name is looked at. */
const MAX_NAME = 200

const SENSITIVE_WORDS = wordList(
  'password passwords passwd passphrase passcode pass pwd secret secrets token tokens authorization credential ' +
    'credentials bearer cookie cookies apikey accesskey privatekey signingkey encryptionkey secretkey masterkey ' +
    'sshkey pin otp totp cvv cvc ssn jwt dsn psk mnemonic passwort kennwort senha wachtwoord contrasena',
)
/** What a key is for, when that makes it a secret. */
const KEY_KINDS = wordList(
  'api access private secret signing encryption auth master ssh hmac cipher symmetric pgp gpg',
)
const COMPOUNDS = [
  'password',
  'passphrase',
  'secret',
  'apikey',
  'accesstoken',
  'authtoken',
  'privatekey',
  'credential',
  'presharedkey',
  'seedphrase',
  'recoveryphrase',
]
/** One word that ends in a sensitive one: `dbpass`, `csrftoken`. */
const ENDS =
  /(?:passwd|pwd|token|tokens|passphrase)$|(?:db|user|my|pg|sql|ftp|smtp|mail|http|admin|root|redis)pass$/
/** English words around the compounds that name no secret. */
const INNOCENT = /secretar|secreti|secrets?manager|passwordless/g

/** The words of a name, in lower case: `accessToken`, `access_token` and `Access-Token` are the same two. */
export function wordsOf(name: string): readonly string[] {
  return name
    .slice(0, MAX_NAME)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
}

/** Whether a parameter's name says that its value must not be repeated: `password`, `api_key`, `accessToken`. */
export function isSensitiveName(name: string): boolean {
  const parts = wordsOf(name)
  if (parts.some((word) => SENSITIVE_WORDS.has(word) || ENDS.test(word))) return true
  if (parts.some((word, i) => (word === 'key' || word === 'keys') && KEY_KINDS.has(parts[i - 1] ?? '')))
    return true
  const joined = parts.join('').replace(INNOCENT, '')
  return COMPOUNDS.some((compound) => joined.includes(compound))
}

/** Every repetition is bounded or followed by what it cannot contain, so none of these backtracks. */
const SHAPES: readonly RegExp[] = [
  /(?:^|[^\w])(?:sk|rk|pk)[-_][\w-]{12}/, // OpenAI, Anthropic, Stripe
  /(?:gh[pousr]_|github_pat_|glpat-|npm_|pypi-|hf_|xox[abeoprs]-|shpat_|dop_v1_|SG\.)[\w-]{10}/,
  /(?:AKIA|ASIA|AGPA|AIDA|AROA)[0-9A-Z]{16}/, // AWS
  /AIza[\w-]{20}/, // Google
  /ya29\.[\w-]{10}/, // Google OAuth
  /-----BEGIN/, // PEM
  /:\/\/[^\s/@:]{0,256}:[^\s@]{1,256}@/, // connection strings
  /\b(?:bearer|basic)\s{1,4}[\w+/.=-]{8}/i,
  /(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_]?key|access[-_]?key|accountkey|authorization|signature)["']?\s{0,4}[=:]\s{0,4}["']?\S/i,
]
const JWT = /eyJ[\w-]{5,2000}\.[\w-]{5,2000}/

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * Whether a text holds something shaped like a secret: the well-known prefixes, JWT, PEM, credentials in a URL or a
 * connection string, or a long random-looking run. Looks at the first 4096 characters. Errs on the side of hiding.
 */
export function looksSecret(text: string): boolean {
  const window = text.slice(0, WINDOW)
  if (SHAPES.some((shape) => shape.test(window)) || JWT.test(window) || holdsTokenShape(window)) return true
  return window.split(/[^\w+/=.~-]+/).some(isRandomRun)
}

/** Whether a run of characters without a space looks drawn at random: 24 or more of mixed kinds, or long hexadecimal. */
export function isRandomRun(run: string): boolean {
  if (run.length < 24 || UUID.test(run)) return false
  const parts = run.split(/[/.]/)
  if (parts.length > 2 && parts.every((part) => part.length < 20)) return false // a path or a host name
  if (/^[0-9a-f]{32,}$/i.test(run)) return /[a-f]/i.test(run) && /\d/.test(run)
  const kinds = Number(/[a-z]/.test(run)) + Number(/[A-Z]/.test(run)) + Number(/\d/.test(run))
  return kinds >= 2 && /\d/.test(run) && entropy(run.slice(0, 256)) > (kinds === 3 ? 3.6 : 4)
}

/** Shannon entropy in bits a character. English words stand near 3.5 to 4 over their letters alone. */
function entropy(text: string): number {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length)
  return bits
}
