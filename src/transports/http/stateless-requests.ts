import { isHidden } from '../../engine/access.js'
import type { Opening } from '../../engine/discovery.js'
import type { Engine } from '../../engine/engine.js'
import { noBatches } from '../../engine/refusals.js'
import { ProtocolError } from '../../errors/protocol-error.js'
import {
  isRecord,
  type NotificationFrame,
  type RequestFrame,
  type ResponseFrame,
} from '../../protocol/json-rpc.js'
import { metaKeys } from '../../protocol/meta-keys.js'
import type { MirroredParam } from '../../protocol/mirrored-params.js'
import { checkRoutingHeaders } from './mcp-headers.js'
import { answerThrown, exchangeOf, type Post, sendAnswer, sendRefusal, versionHeader } from './post.js'
import { invalidRequestCode } from './refusal.js'
import type { RunningRequests } from './running-requests.js'

/** POSTs of the stateless revisions: each says itself what it needs, in its body and mirrored in headers. */
export class StatelessRequests {
  readonly #engine: Engine
  readonly #running: RunningRequests

  constructor(engine: Engine, running: RunningRequests) {
    this.#engine = engine
    this.#running = running
  }

  request(frame: RequestFrame, post: Post): void {
    let opening: Opening
    try {
      opening = this.#open(frame, post.head.header(versionHeader))
    } catch (thrown) {
      sendAnswer(answerThrown(this.#engine, thrown, frame.id), post)
      return
    }
    const disagreement = checkRoutingHeaders((name) => post.head.header(name), frame, {
      mirroredParams: frame.method === 'tools/call' ? this.#mirroredParams(frame, post) : undefined,
    })
    if (disagreement !== undefined) {
      sendRefusal(this.#engine, disagreement, post, frame.id)
      return
    }
    const exchange = exchangeOf(this.#engine, frame, opening, post)
    void this.#running.run(exchange, post).then((answer) => sendAnswer(answer, post))
  }

  /** A POST holds one message (2026-07-28, streamable-http, "Sending Messages"). */
  batch(post: Post): void {
    const { message } = noBatches(this.#engine.discovery.newestStateless?.revision)
    sendRefusal(this.#engine, { status: 400, code: invalidRequestCode, message }, post)
  }

  /** The revision defines no notification of clients over HTTP; one is taken and counted, a response is not. */
  oneWay(frame: NotificationFrame | ResponseFrame, post: Post): void {
    const { counters } = this.#engine.environment.stats
    if (frame.kind === 'response') {
      counters.strayResponses += 1
      const message = 'This revision has no requests from the server, so a response cannot be taken.'
      sendRefusal(this.#engine, { status: 400, code: invalidRequestCode, message }, post)
      return
    }
    if (frame.method !== 'notifications/cancelled') counters.unknownNotifications += 1
    post.sink.reply({ status: 202, headers: post.headers })
  }

  /** @throws ProtocolError for an envelope or a version header that is not right. */
  #open(frame: RequestFrame, version: string | undefined): Opening {
    const meta = frame.params['_meta']
    const claimed = isRecord(meta) ? meta[metaKeys.protocolVersion] : undefined
    // A proxy has routed by the header, so it must say what the body says, before anything else is looked at.
    if (typeof claimed === 'string' && claimed !== version) {
      throw new ProtocolError(
        'header_mismatch',
        version === undefined
          ? `The header MCP-Protocol-Version is missing, but the body says ${JSON.stringify(claimed.slice(0, 40))}; send it.`
          : 'The header MCP-Protocol-Version and the body name different versions; send the same in both.',
      )
    }
    return this.#engine.discovery.openStateless(frame.params)
  }

  /** A tool that is hidden from its caller has no parameters either. */
  #mirroredParams(frame: RequestFrame, { principal }: Post): readonly MirroredParam[] | undefined {
    const { name } = frame.params
    const entry = typeof name === 'string' ? this.#engine.tools.get(name) : undefined
    return entry === undefined || isHidden(entry, principal) ? undefined : entry.mirroredParams
  }
}
