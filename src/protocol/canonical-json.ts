/**
 * JSON text that is the same for the same value, however its keys were ordered (by UTF-16 units here). The value must be plain JSON; it
 * is written at once, because every cached call has a key made by this.
 */
export function canonicalJson(value: unknown): string {
  return write(value) ?? 'null'
}

/** Undefined for what JSON leaves out. */
function write(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if ('toJSON' in value && typeof value.toJSON === 'function') return write(value.toJSON())
  if (Array.isArray(value)) return `[${value.map((item) => write(item) ?? 'null').join(',')}]`
  let text = ''
  for (const key of Object.keys(value).sort()) {
    const member = write(Reflect.get(value, key))
    if (member !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${member}`
  }
  return `{${text}}`
}

/** SHA-256 as base64, of as many bytes as tell things apart that are sealed anyway. */
export async function digestOf(text: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return btoa(String.fromCharCode(...hash.subarray(0, 18)))
}

/**
 * A short name for a text, made at once where a cryptographic hash would make a question wait. It tells the questions of
 * one call apart, all of which the same client answers, so nothing hangs on its being hard to collide (cyrb53).
 */
export function shortHash(text: string): string {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    high = Math.imul(high ^ code, 2654435761)
    low = Math.imul(low ^ code, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return (4294967296 * (2097151 & low) + (high >>> 0)).toString(36)
}
