/** RFC 7518 §3.2: a key of HMAC has at least as many bits as its digest; 32 characters are that for HS256. */
const leastLength = 32
/** What is left of a secret without the words below must still be hard to guess. */
const leastUnknown = 16
const leastDistinct = 8
/** A shorter piece, repeated, is no longer than the piece to whoever guesses. */
const longestRepeatedPiece = 16
/** Of the steps from one character to the next, how many may lead to its neighbour; by chance it is one in eight. */
const mostNeighbours = 0.6

/** What examples, templates and tutorials are written with. */
const placeholders =
  /secret|change|replace|password|passwort|default|example|sample|placeholder|development|production|dummy|insert|super|holdfast|signing|token|admin|test|here|this|your|with|please|long|least|random|string|value|goes|jwt|key|dev|foo|bar|abc|bits?|the|for|[^A-Za-z0-9]+/gi

/**
 * What is wrong with a secret that tokens are signed with, as the rest of a sentence; undefined when nothing is. It never
 * says anything of the secret but its length.
 */
export function weakness(secret: string, least: number = leastLength): string | undefined {
  if (secret.length < least) return `has ${secret.length} characters, and needs at least ${least}`
  if (new Set(secret).size < leastDistinct) return 'repeats a few characters'
  if (repeatsPiece(secret)) return 'repeats a short piece'
  if (isSequence(secret)) return 'is a sequence'
  // A drawn secret holds such short words by chance, but not so many that little else is left.
  if (isWords(secret)) return 'looks like the default of an example'
  return undefined
}

function repeatsPiece(text: string): boolean {
  for (let length = 1; length <= longestRepeatedPiece; length += 1) {
    if (text.slice(length) === text.slice(0, -length)) return true
  }
  return false
}

/** Most characters follow the one before them in the alphabet, or on the number row. */
function isSequence(text: string): boolean {
  let steps = 0
  for (let at = 1; at < text.length; at += 1) {
    if (Math.abs(text.charCodeAt(at) - text.charCodeAt(at - 1)) === 1) steps += 1
  }
  return steps > text.length * mostNeighbours
}

function isWords(text: string): boolean {
  const rest = text.replace(placeholders, '')
  return rest.length < Math.min(leastUnknown, text.length / 3)
}
