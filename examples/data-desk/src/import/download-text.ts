import { ImportRefusal } from './import-refusal.js'
import { notText, webPage } from './other-formats.js'

/** The platform's `fetch`, or a safer one of its kind. What that one throws on its own account is let through. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>

export interface DownloadOptions {
  readonly fetch: Fetch
  /** Of the body, after decompression. */
  readonly maxBytes: number
  readonly signal: AbortSignal
  /** Called every 64 KB and at the end, and awaited; `total` only where the server said it. Default: nobody is told. */
  readonly onBytes?: ((bytes: number, total: number | undefined) => Promise<void>) | undefined
}

const headers = { Accept: 'text/csv, text/plain;q=0.9, */*;q=0.5' }
/** A server that sends byte by byte must not make a message of each. */
const bytesPerReport = 65_536
const connectionHint = 'Check the address, or try again later.'

export function tooManyBytes(limit: number): ImportRefusal {
  return new ImportRefusal(
    'file_too_large',
    `The file is larger than ${limit / 1_000_000} MB.`,
    'Look for a smaller extract: fewer rows or columns, or one period.',
  )
}

/** `fetch` and the bodies it makes fail with a TypeError when the network does; anything else has its own words. */
function networkFailure(error: unknown, bytes: number): unknown {
  if (!(error instanceof TypeError)) return error
  return bytes === 0
    ? new ImportRefusal('download_failed', 'The address could not be reached.', connectionHint)
    : new ImportRefusal('download_failed', `The download broke off after ${bytes} bytes.`, connectionHint)
}

async function open(url: string, { fetch, maxBytes, signal }: DownloadOptions): Promise<Response> {
  const response = await fetch(url, { signal, headers }).catch((error: unknown) => {
    throw networkFailure(error, 0)
  })
  const refusal = refusalOf(response, maxBytes)
  if (refusal === undefined) return response
  // A body that nobody reads would hold its connection.
  await response.body?.cancel()
  throw refusal
}

function refusalOf(response: Response, maxBytes: number): ImportRefusal | undefined {
  if (!response.ok) {
    const message = `The server of this address answered with status ${response.status}.`
    return new ImportRefusal('download_failed', message, connectionHint)
  }
  if (/^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test(response.headers.get('content-type') ?? '')) {
    return webPage()
  }
  return (declaredLength(response) ?? 0) > maxBytes ? tooManyBytes(maxBytes) : undefined
}

/** The length that the server announced; of a compressed body it says nothing about the text. */
function declaredLength(response: Response): number | undefined {
  const { headers } = response
  const length = headers.get('content-length')
  return length === null || headers.has('content-encoding') ? undefined : Number(length)
}

/**
 * The text behind an address, piece by piece, no faster than it is read; leaving the loop ends the download. It is
 * UTF-8 whatever the server says of it: many say Latin-1 of every text they have.
 * @throws {ImportRefusal} `download_failed`, `file_too_large` or `not_csv`; and what `fetch` or the signal rejects with
 */
export async function* downloadText(url: string, options: DownloadOptions): AsyncGenerator<string> {
  const response = await open(url, options)
  const total = declaredLength(response)
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let firstBytes = new Uint8Array()
  let bytes = 0
  let reported = 0
  const report = async (): Promise<void> => {
    if (bytes === reported) return
    reported = bytes
    await options.onBytes?.(bytes, total)
  }
  const decode = (chunk?: Uint8Array): string => {
    let text: string | undefined
    try {
      text = chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true })
    } catch {
      // Not UTF-8.
    }
    if (text === undefined || text.includes('\0')) throw notText(firstBytes)
    return text
  }
  for await (const chunk of chunksOf(response, () => bytes)) {
    bytes += chunk.byteLength
    if (bytes > options.maxBytes) throw tooManyBytes(options.maxBytes)
    if (firstBytes.length < 8) firstBytes = Buffer.concat([firstBytes, chunk.subarray(0, 8)])
    yield decode(chunk)
    if (bytes - reported >= bytesPerReport) await report()
  }
  yield decode()
  await report()
}

async function* chunksOf(response: Response, bytes: () => number): AsyncGenerator<Uint8Array> {
  if (response.body === null) return
  try {
    yield* response.body as AsyncIterable<Uint8Array>
  } catch (error) {
    throw networkFailure(error, bytes())
  }
}
