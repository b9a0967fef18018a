import { windowsMeaning } from './windows-names.js'

/** Decoding `%2525252e` takes four rounds; nobody but an attacker needs more. */
const maxRounds = 8

const escapes = /(?:%[0-9a-f]{2})+|%u[0-9a-f]{4}/gi
/**
 * Escaped bytes that UTF-8 does not have: longer forms of a short character (RFC 3629 §3), as `%c0%ae` for a dot.
 * Careless decoders take them.
 */
const overlong = /%c[01]%|%e0%[89]|%f0%8|%f[89a-f]%/i
const control = /\p{Cc}/u
/** They look like a slash or a dot and stay what they are under NFKC; some code pages of Windows map them. */
const slashes = /[\\\u2044\u2215\u2216\u2571\u2572\u29f5\u29f8\u29f9]/g
const dots = /[\u00b7\u0701\u0702\u3002\ua4f8]/g
/** Not seen, and dropped by some file systems and by cleaners of text. */
const unseen = /[\p{Cf}\p{Default_Ignorable_Code_Point}\s]/gu

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * Why a name would be dangerous for whoever decodes or normalizes it later, or undefined. A name is a name here and is
 * never decoded, so `100%.txt`, `50%25 off.csv` and `A／B.txt` mean themselves.
 */
export function disguise(name: string): string | undefined {
  if (climbs(plainLooking(name))) return 'climbs with characters that look like dots or slashes'
  // Percent signs and digits have look-alikes too; a slash that comes from one was looked at above.
  const compatible = name.normalize('NFKC').replace(/[\\/]/g, '_')
  return escaped(name) ?? (compatible === name ? undefined : escaped(compatible))
}

function escaped(name: string): string | undefined {
  let text = name
  for (let round = 0; round < maxRounds; round += 1) {
    if (overlong.test(text)) return 'holds percent-encoded bytes that are not UTF-8'
    const decoded = decode(text)
    if (decoded === text) return undefined
    if (/[\\/]/.test(decoded)) return 'holds a percent-encoded separator'
    if (control.test(decoded)) return 'holds a percent-encoded control character'
    if (decoded === '.' || climbs(plainLooking(decoded))) return 'climbs with percent-encoded dots'
    if (/^(?:[a-z]|file):/i.test(decoded)) return 'holds a percent-encoded drive or scheme'
    const meaning = windowsMeaning(decoded, 'linux')
    if (meaning !== undefined) return meaning
    text = decoded
  }
  return 'is percent-encoded too many times'
}

/** One round of percent-decoding; what is no UTF-8 becomes U+FFFD, so that what stands beside it is still seen. */
function decode(text: string): string {
  return text.replace(escapes, (run) => {
    if (/^%u/i.test(run)) return String.fromCharCode(Number.parseInt(run.slice(2), 16))
    return utf8.decode(Uint8Array.from(run.slice(1).split('%'), (hex) => Number.parseInt(hex, 16)))
  })
}

/** A name with every character replaced by the plain one that it looks like. */
function plainLooking(name: string): string {
  return name.normalize('NFKC').replace(slashes, '/').replace(dots, '.').replace(unseen, '')
}

/** Whether a name steps up, or starts at a root or a drive. A slash alone leads to nowhere but further down. */
function climbs(plain: string): boolean {
  return plain.startsWith('/') || /^[a-z]:(?:\/|$)/i.test(plain) || plain.split('/').includes('..')
}
