import type { Principal } from '../contracts/principal.js'
import type { TaskRecord } from '../contracts/task-store.js'
import type { Engine } from '../engine/engine.js'
import { type ClientState, Exchange, type TransportName } from '../engine/exchange.js'
import { findNonJson } from '../engine/json-value.js'
import type { Params } from '../protocol/json-rpc.js'

/** Characters of a sealed call: what is larger is not kept, and its task does not run again. */
const maxKeptLength = 256 * 1024
/** Sealing makes four characters of three bytes; this many characters can never fit. */
const maxTextLength = (maxKeptLength * 3) / 4

const purpose = 'call of a task'

/** What it takes to run a call again on another node. It may hold personal data, so no store ever sees it as it is. */
interface KeptCall {
  /** A call put beside another task's record must not run there. */
  readonly task: string
  readonly revision: string
  readonly transport: TransportName
  readonly address?: string | undefined
  readonly client: ClientState
  readonly principal: Omit<Principal, 'permissions'> & { readonly permissions: readonly string[] }
  readonly params: Params
}

type CallEngine = Pick<Engine, 'discovery' | 'environment'>

/**
 * The call of a task, sealed. Undefined, and logged, when it cannot be kept as it is: too large, or with claims that are
 * no JSON. Such a task is ended when its node dies.
 */
export async function sealCall(
  task: string,
  exchange: Exchange,
  { environment }: CallEngine,
): Promise<string | undefined> {
  const { params, principal, dialect, client, transport, address } = exchange
  const cannot = (why: string): undefined => {
    const message = 'A task will not run again if its node dies, because its call cannot be kept.'
    environment.logger.warn(message, { tool: params['name'], why })
  }
  const found = findNonJson(principal.claims)
  if (found !== undefined) return cannot(`The claim "${found.path}" is ${found.what}.`)
  // What came back with an earlier round is left out: its state counts for a while only, and is asked for again.
  const { name, arguments: given, _meta } = params
  const call: KeptCall = {
    task,
    revision: dialect.revision.version,
    transport,
    address,
    client,
    principal: { ...principal, permissions: [...principal.permissions] },
    params: { name, ...(given !== undefined && { arguments: given }), ...(_meta !== undefined && { _meta }) },
  }
  const text = JSON.stringify(call)
  const tooLarge = `It has more than the ${maxKeptLength} characters that are kept of a sealed call.`
  if (text.length > maxTextLength) return cannot(tooLarge)
  const sealed = await environment.sealer.seal(purpose, text)
  return sealed.length > maxKeptLength ? cannot(tooLarge) : sealed
}

/** The request again, for this attempt; undefined when it was sealed with other keys, for another task, or by another release. */
export async function openCall(
  sealed: string,
  { id, attempt = 1 }: TaskRecord,
  { environment, discovery }: CallEngine,
): Promise<Exchange | undefined> {
  const text = await environment.sealer.open(purpose, sealed)
  if (text === undefined) return undefined
  const call = JSON.parse(text) as KeptCall
  const dialect = discovery.dialect(call.revision)
  if (call.task !== id || dialect === undefined) return undefined
  const { principal, address, ...rest } = call
  const exchange = new Exchange({
    id,
    method: 'tools/call',
    params: rest.params,
    dialect,
    client: rest.client,
    transport: rest.transport,
    principal: { ...principal, permissions: new Set(principal.permissions) },
    clock: environment.clock,
    address: () => address,
  })
  // What its caller is allowed was taken when it came.
  exchange.round = attempt
  return exchange
}
