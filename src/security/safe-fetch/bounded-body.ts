import { fetchError } from './refusals.js'

export interface BodyLimits {
  /** Bytes, as the reader gets them: after decompression. */
  readonly maxBytes: number
  /** What an error of the connection becomes. */
  readonly explain: (error: unknown) => unknown
  /** Called once, however the body ends. */
  readonly onEnd: () => void
}

/** Where this is known from the head, nothing of the body is read. */
export function refuseDeclaredLength(headers: { get(name: string): string | null }, maxBytes: number): void {
  const declared = Number(headers.get('content-length') ?? 0)
  if (declared > maxBytes) throw tooLarge(maxBytes)
}

export function tooLarge(maxBytes: number): Error {
  return fetchError('response_too_large', `The response has more than ${maxBytes} bytes.`)
}

/**
 * A body that ends in an error once it has more bytes than it may. It is read only as fast as its reader reads, so a small
 * compressed body that would become gigabytes costs one chunk.
 */
export function boundedBody(
  body: ReadableStream<Uint8Array>,
  { maxBytes, explain, onEnd }: BodyLimits,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let bytes = 0
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (done) {
            onEnd()
            controller.close()
            return
          }
          bytes += value.byteLength
          if (bytes > maxBytes) throw tooLarge(maxBytes)
          controller.enqueue(value)
        } catch (error) {
          const reason = explain(error)
          onEnd()
          controller.error(reason)
          await reader.cancel(reason).catch(() => undefined)
        }
      },
      async cancel(reason) {
        onEnd()
        await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
