import { describe, expect, it } from 'vitest'
import { systemClock } from '../contracts/clock.js'
import type { Principal } from '../contracts/principal.js'
import type { TaskRecord } from '../contracts/task-store.js'
import type { Engine } from '../engine/engine.js'
import { Exchange } from '../engine/exchange.js'
import { createSealer } from '../security/sealer.js'
import { openCall, sealCall } from './kept-call.js'

const dialect = { revision: { version: '2026-07-28' } } as Exchange['dialect']
const record = { id: 'task', attempt: 2 } as TaskRecord
const ada: Principal = {
  ...{ kind: 'user', issuer: 'https://issuer.example', subject: 'ada', expiresAt: 5000 },
  ...{ permissions: new Set(['reports:read']), claims: { email: 'ada@example.com' } },
}

function rig(secret = 'a secret of at least thirty-two characters') {
  const warned: unknown[] = []
  const nothing = (): void => undefined
  const logger = {
    debug: nothing,
    info: nothing,
    error: nothing,
    warn: (_: string, fields: unknown) => void warned.push(fields),
  }
  const engine = {
    environment: { sealer: createSealer(() => [secret]), clock: systemClock, logger },
    discovery: { dialect: (version: string) => (version === '2026-07-28' ? dialect : undefined) },
  } as unknown as Engine
  return { engine, warned }
}

function call(principal: Principal, more: object = {}): Exchange {
  return new Exchange({
    ...{ id: 7, method: 'tools/call', dialect, principal, transport: 'http', clock: systemClock },
    client: { info: { name: 'client', version: '1' }, capabilities: { elicitation: {} }, logLevel: 'info' },
    params: { name: 'report', arguments: { month: 'July, of Ada' }, _meta: { trace: 'x' }, ...more },
    address: () => '192.0.2.1',
  })
}

describe('the call of a task', () => {
  it('comes back as it came, and shows nothing of itself in between', async () => {
    const { engine } = rig()
    const sealed =
      (await sealCall('task', call(ada, { requestState: 'old', inputResponses: {} }), engine)) ?? ''
    expect(sealed).toMatch(/^[\w-]+$/)
    for (const part of ['Ada', 'ada@example.com', 'reports']) {
      expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain(part)
    }
    const opened = await openCall(sealed, record, engine)
    expect(opened).toMatchObject({ method: 'tools/call', transport: 'http', address: '192.0.2.1', round: 2 })
    expect(opened?.principal).toEqual(ada)
    expect(opened?.client).toEqual(call(ada).client)
    expect(opened?.params).toEqual(call(ada).params)
    expect(opened?.dialect).toBe(dialect)
  })

  it('opens for its own task only, under its own keys, and not when it was changed', async () => {
    const { engine } = rig()
    const sealed = (await sealCall('task', call(ada), engine)) ?? ''
    const changed = `${sealed.slice(0, 60)}${sealed[60] === 'A' ? 'B' : 'A'}${sealed.slice(61)}`
    expect(await openCall(sealed, { ...record, id: 'other' }, engine)).toBeUndefined()
    expect(await openCall(changed, record, engine)).toBeUndefined()
    expect(
      await openCall(sealed, record, rig('another secret of thirty-two characters').engine),
    ).toBeUndefined()
  })

  it.each<readonly [what: string, principal: Principal, argument: string]>([
    ['too large', ada, 'x'.repeat(200_000)],
    ['too large once it is UTF-8', ada, '世'.repeat(100_000)],
    ['of a caller with claims that are no JSON', { ...ada, claims: { since: new Date(0) } }, 'x'],
  ])('is not kept when it is %s, and the log says so', async (_what, principal, month) => {
    const { engine, warned } = rig()
    expect(await sealCall('task', call(principal, { arguments: { month } }), engine)).toBeUndefined()
    expect(warned).toEqual([{ tool: 'report', why: expect.any(String) }])
  })
})
