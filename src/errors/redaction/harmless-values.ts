import { isSensitiveName } from '../secrets.js'
import { isOpaqueValue, type SecretKind } from './secret-names.js'
import { wordList } from './word-list.js'

/** What a program writes in a secret's place, and the names of types; compared whole, in lower case. */
const STATES = wordList(
  'true false null undefined none nil nan yes no on off ok n/a na void empty blank present absent set unset missing required optional ' +
    'valid invalid expired revoked unknown hidden masked redacted filtered omitted removed changed unchanged updated reset requested sent ' +
    'rotated refreshed verified unverified accepted rejected refused denied granted allowed forbidden unauthorized authorized pending success ' +
    'successful failed failure error timeout unavailable enabled disabled active inactive created deleted found provided configured ' +
    'string number boolean bool object array integer int text any never uuid buffer bytes varchar varchar(255) char str bytea json date ' +
    'bearer basic digest negotiate oauth oauth2 jwt include omit same-origin mismatch malformed incorrect wrong weak unsupported supported ' +
    'exists plaintext encrypted hashed done ready complete completed started skipped running saved stored loaded cached',
)
/** What a sentence goes on with after `token:` or `Bearer`. */
const PROSE = wordList(
  'expected received unexpected must should shall can cannot could may might will would is are was were be been has have had does do did ' +
    'not the a an at too only please enter use using your this that it for from to of in with without and or if when while because ' +
    'token tokens password secret key authentication authorization credentials credential scheme header headers auth strong short long ' +
    'minimum maximum length contains needs duplicate default auto manual public readonly access permission connection request response ' +
    'invalid_token insufficient_scope realm',
)
/** A mask, a variable, a template. */
const PLACEHOLDER =
  /^(?:[*•●xX.…_-]{3,}\w{0,4}|<[A-Za-z _.-]{1,60}>|\$\{[^}]{0,100}\}?|\$\([a-z][^)]{0,100}\)?|\$[A-Z_][A-Z0-9_]{0,60}|\$\d{1,3}|%[A-Z_]{2,60}%|%[sdojOv]|%\(\w{1,60}\)s|\{\{[^{}]{0,100}\}\}|#\{[^}]{0,100}\}|\?)$/
/** What something else has put there, and what JavaScript writes for objects. */
const MARK =
  /^\[(?:redacted|filtered|hidden|masked|removed|secret|circular|unreadable|left out|object|function|getter|symbol|too deep)\b[^\]]{0,60}\]$/i
/** What `redact` writes for things that are no data, for what it leaves out, and for days. */
const WRITTEN =
  /^(?:\[[A-Z][A-Za-z]{0,63}\]|\[\w{1,64} of [\d,]{1,20} bytes?\]|… [\d,]{1,20} more (?:entry|entries)|(?:[+-]\d{6}|\d{4})-\d\d-\d\dT\d\d:\d\d:[\d.]{2,9}Z|Invalid Date)$/
const NUMBER = /^[+-]?\d{1,20}(?:[.,]\d{1,20})?(?:ms|s|m|h|d|k|kb|mb|%)?$/i
const COUNTS = /^[\d.,:/_%+-]{1,40}$/
/** What a validator says of a value, in words of letters and short numbers. */
const SENTENCE = /^[\p{L}\d'"`,.;:()/ _-]{8,300}$/u
const RULE =
  /\b(?:must|should|required|expected|invalid|characters?|missing|expired|mismatch|incorrect|cannot|too (?:short|long|weak|many|common)|at least|at most|do(?:es)? not|not (?:found|set|provided|allowed|valid|configured)|denied|forbidden|unauthorized|is (?:empty|blank|optional))\b/i
/** Addresses of databases that take no login. */
const LOCAL_DATABASE = /^(?:sqlite|file|memory|:memory):/i
const PATH = /^(?:[~.]{0,2}\/|[A-Za-z]:\\)/

/** Whether a number under a name is shown: codes and numeric passwords of three digits or more are not. */
export function isShownNumber(value: number, kind: SecretKind): boolean {
  return kind !== 'password' || (value < 100 && value > -100)
}

/** Whether a text under a sensitive name says nothing that must be hidden. */
export function isHarmless(value: string, kind: SecretKind, name: string): boolean {
  const text = value.trim()
  if (text === '') return true
  if (kind === 'opaque') return !isOpaqueValue(text)
  if (STATES.has(bare(text)) || PLACEHOLDER.test(text) || MARK.test(text) || WRITTEN.test(text)) return true
  if (NUMBER.test(text)) {
    if (kind === 'count') return true
    return text.replace(/\D/g, '').length < (kind === 'password' ? 3 : 6)
  }
  if (kind === 'count' && COUNTS.test(text)) return true
  // A name stands for the value: API_KEY=YOUR_API_KEY, {token}.
  if (/^(?:[A-Z]{1,20}_[A-Z_]{2,60}|TOKEN|PASSWORD|SECRET|\{[a-z_]{0,60}\})$/.test(text)) {
    return text === '{}' || isSensitiveName(text)
  }
  if (kind === 'header' && LOCAL_DATABASE.test(text)) return true
  if (/pwd$/i.test(name) && PATH.test(text)) return true // the working directory
  return isRule(text)
}

/** Whether a word is one that sentences go on with, where a value might have stood. */
export function isProse(word: string): boolean {
  return PROSE.has(bare(word)) || STATES.has(bare(word))
}

function bare(word: string): string {
  return word.replace(/[!?.,:;]{1,3}$/, '').toLowerCase()
}

/** `must have at least 8 characters`: what was wrong with a value, where the value might have stood. */
function isRule(text: string): boolean {
  if (!text.includes(' ') || text.length > 300 || !RULE.test(text) || !SENTENCE.test(text)) return false
  return text.split(/[\s'"`,.;:()/]+/).every((word) => /^(?:[\p{L}_-]{0,24}|\d{1,4})$/u.test(word))
}
