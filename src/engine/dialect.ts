import type { RequestId } from '../protocol/json-rpc.js'
import { metaKeys } from '../protocol/meta-keys.js'
import type { Revision } from '../protocol/revisions/revision.js'
import type { Implementation, Meta } from '../protocol/types.js'
import { wireImplementation } from '../protocol/wire.js'

export interface CacheHint {
  readonly ttlMs: number
  readonly scope: 'public' | 'private'
}

/**
 * One revision as one server speaks it. What every result ends with is written once here, so that an
 * answer is put together from strings and no object is copied per call.
 */
export class Dialect {
  readonly revision: Revision
  readonly #tail: string
  readonly #serverInfo: object

  constructor(revision: Revision, info: Implementation) {
    this.revision = revision
    this.#serverInfo = wireImplementation(revision, info)
    this.#tail = revision.resultType
      ? `"resultType":"complete","_meta":${JSON.stringify({ [metaKeys.serverInfo]: this.#serverInfo })}`
      : ''
  }

  get serverInfo(): object {
    return this.#serverInfo
  }

  /**
   * A result object as JSON text, from the text of its own members (without braces, may be empty). `type` is what its
   * client is to make of it, where the revision says so: `complete` unless it is given.
   */
  result(
    members: string,
    options: { meta?: Meta | undefined; cache?: CacheHint | undefined; type?: string } = {},
  ): string {
    const { meta, cache, type = 'complete' } = options
    let text = members
    if (cache !== undefined && this.revision.cacheHints) {
      text = join(text, `"ttlMs":${cache.ttlMs},"cacheScope":"${cache.scope}"`)
    }
    if (meta === undefined && type === 'complete') return `{${join(text, this.#tail)}}`
    if (!this.revision.resultType) {
      return meta === undefined ? `{${text}}` : `{${join(text, `"_meta":${JSON.stringify(meta)}`)}}`
    }
    const merged = JSON.stringify({ ...meta, [metaKeys.serverInfo]: this.#serverInfo })
    return `{${join(text, `"resultType":${JSON.stringify(type)},"_meta":${merged}`)}}`
  }
}

function join(left: string, right: string): string {
  if (left === '') return right
  return right === '' ? left : `${left},${right}`
}

/** The answer to a request, from its result as JSON text. */
export function resultText(id: RequestId, result: string): string {
  return `{"jsonrpc":"2.0","id":${typeof id === 'number' ? id : JSON.stringify(id)},"result":${result}}`
}

/** An error answer; without an id when none could be read (the specification allows no null there). */
export function errorText(id: RequestId | undefined, code: number, message: string, data?: object): string {
  const head = id === undefined ? '{"jsonrpc":"2.0"' : `{"jsonrpc":"2.0","id":${JSON.stringify(id)}`
  return `${head},"error":{"code":${code},"message":${JSON.stringify(message)}${dataText(data)}}}`
}

/** An author's data may be what JSON cannot carry; the error must reach its caller all the same. */
function dataText(data: object | undefined): string {
  if (data === undefined) return ''
  try {
    return `,"data":${JSON.stringify(data) ?? '{}'}`
  } catch {
    return ''
  }
}
