import type { Message } from './test-client.js'

/** How a client answers what it is asked, by method. What it throws becomes an error answer. */
export type Answers = Readonly<Record<string, (params: Message) => unknown>>

/** A request of the server's, as it came. */
export interface ServerRequest {
  readonly id: string | number
  readonly method: string
  readonly params: Message
}

/** The response to a request of the server's, as a frame. */
export async function answerTo(request: ServerRequest, answers: Answers): Promise<object> {
  const { id, method, params } = request
  const answer = answers[method]
  if (answer === undefined) {
    return { jsonrpc: '2.0', id, error: { code: -32601, message: `The client knows no ${method}.` } }
  }
  try {
    return { jsonrpc: '2.0', id, result: await answer(params) }
  } catch (error) {
    return { jsonrpc: '2.0', id, error: { code: -1, message: error instanceof Error ? error.message : '' } }
  }
}

/** The answers to all that a result asks; undefined when there is one that the client does not answer. */
export async function answersTo(result: Message, answers: Answers): Promise<Message | undefined> {
  const requests = Object.entries((result['inputRequests'] ?? {}) as Readonly<Record<string, ServerRequest>>)
  const pairs: [key: string, answer: unknown][] = []
  for (const [key, { method, params }] of requests) {
    const answer = answers[method]
    if (answer === undefined) return undefined
    pairs.push([key, await answer(params)])
  }
  return Object.fromEntries(pairs)
}
