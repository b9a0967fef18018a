import { cleanText } from 'holdfast/security'

/** The last part of an address's path, or its host: enough to know a file by, without what may be secret in an address. */
export function fileNameOf(url: string): string {
  const { hostname, pathname } = new URL(url)
  const last = pathname.split('/').findLast((part) => part !== '') ?? hostname
  return cleanText(decoded(last)).text.replace(/\s+/g, ' ').trim().slice(0, 100) || hostname
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
