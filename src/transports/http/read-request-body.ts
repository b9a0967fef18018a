import {
  alreadyRead,
  type Body,
  type BodyLimits,
  ByteCollector,
  checkBodyHeaders,
  decodeBody,
  tooLarge,
  tooSlow,
} from './body-rules.js'

/**
 * The body of a Web `Request` within the limits; the promise never rejects. Content-Length is believed only to
 * refuse: a Request that was made by hand can carry any. The time limit has a timer of its own for each body,
 * because on Workers a timer ends with the request that set it, so requests cannot share one.
 */
export async function readRequestBody(request: Request, limits: BodyLimits): Promise<Body> {
  const { headers, body } = request
  const encoding = headers.get('content-encoding') ?? undefined
  const refused = checkBodyHeaders(encoding, headers.get('content-length') ?? undefined, limits.maxBytes)
  if (refused !== undefined) return refused
  if (request.bodyUsed || body?.locked === true) return alreadyRead
  if (body === null) return ''

  const reader = body.getReader()
  const cancel = (): void => {
    reader.cancel().catch(() => undefined)
  }
  let late = false
  const timer = setTimeout(() => {
    late = true
    cancel()
  }, limits.timeoutMs)
  try {
    const collected = new ByteCollector()
    for (;;) {
      const piece: { done: boolean; value?: unknown } = await reader.read()
      if (late) {
        // `Connection` is the platform's business here, and some refuse to send it.
        const { status, code, message } = tooSlow(limits.timeoutMs)
        return { status, code, message }
      }
      if (piece.done) return decodeBody(collected.bytes())
      if (!(piece.value instanceof Uint8Array)) return undefined
      if (collected.size + piece.value.length > limits.maxBytes) {
        cancel()
        return tooLarge(limits.maxBytes)
      }
      collected.add(piece.value)
    }
  } catch {
    // The stream broke: the client has gone.
    return undefined
  } finally {
    clearTimeout(timer)
  }
}
