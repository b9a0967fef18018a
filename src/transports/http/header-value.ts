const prefix = '=?base64?'
const suffix = '?='

/** Visible ASCII, space and tab (specification 2026-07-28, "Value Encoding"): narrower than RFC 9110 §5.5. */
const plainValue = /^[\t\x20-\x7e]*$/

/** `ignoreBOM` keeps a leading U+FEFF, which is a character of the value like any other. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The value without the optional whitespace around it (RFC 9110 §5.5), or undefined for characters it may not hold. */
export function readPlainValue(raw: string): string | undefined {
  const value = trimOptionalSpace(raw)
  return plainValue.test(value) ? value : undefined
}

/**
 * Like `readPlainValue`, and undoes `=?base64?...?=` (specification 2026-07-28, "Value Encoding"). Undefined
 * for a payload that is not canonical, padded Base64 (RFC 4648 §3.5, §4) of valid UTF-8: two readings of one
 * header are what the comparison with the body is there to prevent.
 */
export function readEncodedValue(raw: string): string | undefined {
  const value = readPlainValue(raw)
  if (value === undefined || !isEncoded(value)) return value
  return decodeBase64(value.slice(prefix.length, -suffix.length))
}

/** Prefix and suffix may not share their question mark, and the markers are case-sensitive. */
function isEncoded(value: string): boolean {
  return value.length >= prefix.length + suffix.length && value.startsWith(prefix) && value.endsWith(suffix)
}

function decodeBase64(payload: string): string | undefined {
  try {
    const binary = atob(payload)
    // atob forgives missing padding, whitespace and stray bits; only the canonical text comes back the same.
    if (btoa(binary) !== payload) return undefined
    return decoder.decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)))
  } catch {
    return undefined
  }
}

function trimOptionalSpace(raw: string): string {
  let start = 0
  let end = raw.length
  while (start < end && isSpace(raw.charCodeAt(start))) start += 1
  while (end > start && isSpace(raw.charCodeAt(end - 1))) end -= 1
  return start === 0 && end === raw.length ? raw : raw.slice(start, end)
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09
}
