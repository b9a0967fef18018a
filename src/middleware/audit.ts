import type { AuditRecord, AuditSink } from '../contracts/audit.js'
import type { Clock } from '../contracts/clock.js'
import type { Logger } from '../contracts/logger.js'
import type { Call, CallKind } from '../engine/call.js'
import type { MiddlewareFactory } from '../engine/pipeline.js'
import { unanswered } from '../engine/unanswered.js'
import { ProtocolError } from '../errors/protocol-error.js'
import { redact } from '../errors/redaction/redact.js'
import { ToolError } from '../errors/tool-error.js'
import { canonicalJson, digestOf } from '../protocol/canonical-json.js'
import { isRecord } from '../protocol/json-rpc.js'

const audited: ReadonlySet<CallKind> = new Set(['tool', 'resource', 'prompt'])

/** Writes one record for each call of a tool, resource or prompt, however it ended. It stands outside of everything that may refuse. */
export function audit(
  sink: AuditSink | undefined,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): MiddlewareFactory {
  // Hashes may be done in any order; records are handed on in that in which their calls ended.
  let last: Promise<void> = Promise.resolve()
  const failed = (error: unknown): void => {
    logger.error('An audit record could not be written.', { error })
  }

  return ({ kind }) => {
    if (sink === undefined || !audited.has(kind)) return undefined
    return function audit(call, next) {
      const at = clock.now()
      // Taken now: a handler may do with its arguments what it likes.
      const sent = canonicalJson(call.input ?? null)
      const done = (ended: Pick<AuditRecord, 'outcome' | 'code'>): void => {
        const record = recordOf(call, at, digestOf(sent), ended)
        last = last.then(async () => hand(await record)).catch(failed)
      }
      let work: unknown
      try {
        work = next()
      } catch (thrown) {
        done(outcomeOf(call, thrown))
        throw thrown
      }
      if (!(work instanceof Promise)) {
        done(outcomeOfResult(work))
        return work
      }
      work.then(
        (result: unknown) => done(outcomeOfResult(result)),
        (thrown: unknown) => done(outcomeOf(call, thrown)),
      )
      return work
    }
  }

  async function recordOf(
    call: Call,
    at: number,
    hash: Promise<string>,
    ended: Pick<AuditRecord, 'outcome' | 'code'>,
  ): Promise<AuditRecord> {
    const { exchange, name } = call
    const { kind, issuer, subject } = exchange.principal
    const { address } = exchange
    const durationMs = Math.round((clock.monotonic() - exchange.arrivedAt) * 10) / 10
    const refused = ended.outcome === 'error' && call.begun !== true
    const record: AuditRecord = {
      at: new Date(at).toISOString(),
      principal: { kind, issuer, subject },
      ...(address !== undefined && { address }),
      transport: exchange.transport,
      revision: exchange.dialect.revision.version,
      kind: call.kind as AuditRecord['kind'],
      name,
      argumentsHash: '',
      round: exchange.round,
      decision: refused ? 'refused' : 'allowed',
      ...ended,
      durationMs,
    }
    return { ...record, argumentsHash: await hash }
  }

  function hand(record: AuditRecord): void {
    // Names come from credentials and definitions, and one of them may be a secret in the wrong place.
    const written: unknown = sink?.(redact(record) as AuditRecord)
    // An async function is a sink too, whatever the types say: what it rejects with must be heard, and nobody waits for it.
    if (written instanceof Promise) written.catch(failed)
  }
}

/** Records on the server's own log, for who has no other place for them. */
export function auditLog(logger: Logger): AuditSink {
  return (record) => logger.info('audit', { ...record })
}

function outcomeOfResult(result: unknown): Pick<AuditRecord, 'outcome' | 'code'> {
  return isRecord(result) && result['isError'] === true
    ? { outcome: 'error', code: 'returned' }
    : { outcome: 'ok' }
}

function outcomeOf({ exchange }: Call, thrown: unknown): Pick<AuditRecord, 'outcome' | 'code'> {
  if (thrown === unanswered || exchange.ended === 'asking') return { outcome: 'asked' }
  if (exchange.ended === 'cancelled' || exchange.ended === 'disconnected') return { outcome: 'cancelled' }
  if (ToolError.is(thrown)) return { outcome: 'error', code: thrown.code }
  return { outcome: 'error', code: ProtocolError.is(thrown) ? thrown.kind : 'internal' }
}
