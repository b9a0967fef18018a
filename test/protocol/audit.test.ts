import { createHash } from 'node:crypto'
import type { AuditRecord } from 'holdfast'
import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { byHeader, gate, open, testServer } from './support.js'

const description = 'Does.'
const input = { type: 'object', properties: { id: { type: 'string', description: 'Which.' } } } as const

describe.each(cells({ revisions: ['2025-06-18', '2026-07-28'] }))('audit, $name', (cell) => {
  it('writes one record a call: who, what, hash, decision, outcome, duration', async () => {
    const records: AuditRecord[] = []
    const { server } = testServer({ auth: byHeader, audit: (record) => records.push(record) })
    server.tool('ok', { description, input }, () => 'ok')
    server.tool('refused', { description, permissions: ['x'] }, () => 'never')
    server.tool('denied', { description, authorize: () => false }, () => 'never')
    server.tool('thrown', { description }, () => {
      throw new Error('token=sk-live-4242424242424242')
    })
    server.tool('named', { description }, (_args, ctx) => {
      throw ctx.error('not_found', { message: 'Not there.' })
    })
    server.resource('r', { uri: 'app://r', description }, () => 'r')
    const breaks = (): never => {
      throw new Error('Broken.')
    }
    server.resource('rb', { uri: 'app://broken', description }, breaks)
    server.prompt('pb', { description }, breaks)
    server.prompt('p', { description }, () => 'p')
    const client = await open(cell, server, { headers: { 'x-user': 'alice' } })
    const call = (name: string, args: object = {}): Promise<unknown> =>
      client.request('tools/call', { name, arguments: args }).catch(() => undefined)
    await call('ok', { id: 'a secret' })
    await call('ok', { id: 7 })
    for (const name of ['refused', 'denied', 'thrown', 'named']) await call(name)
    await client.readResource('app://r')
    await client.request('prompts/get', { name: 'p' })
    await client.readResource('app://broken').catch(() => undefined)
    await client.request('prompts/get', { name: 'pb' }).catch(() => undefined)
    await expect.poll(() => records.length).toBe(10)
    expect(
      records.map(({ kind, name, decision, outcome, code }) => [kind, name, decision, outcome, code]),
    ).toEqual([
      ['tool', 'ok', 'allowed', 'ok', undefined],
      ['tool', 'ok', 'refused', 'error', 'invalid_arguments'],
      ['tool', 'refused', 'refused', 'error', 'insufficient_permissions'],
      ['tool', 'denied', 'refused', 'error', 'not_permitted'],
      ['tool', 'thrown', 'allowed', 'error', 'internal'],
      ['tool', 'named', 'allowed', 'error', 'not_found'],
      ['resource', 'r', 'allowed', 'ok', undefined],
      ['prompt', 'p', 'allowed', 'ok', undefined],
      ['resource', 'rb', 'allowed', 'error', 'internal'],
      ['prompt', 'pb', 'allowed', 'error', 'internal'],
    ])
    const [first] = records
    expect(first).toMatchObject({
      transport: cell.transport,
      revision: cell.revision,
      round: 1,
      argumentsHash: createHash('sha256')
        .update('{"id":"a secret"}')
        .digest()
        .subarray(0, 18)
        .toString('base64'),
      principal:
        cell.transport === 'http'
          ? { kind: 'user', issuer: 'https://issuer.example', subject: 'alice' }
          : { kind: 'anonymous', issuer: '', subject: '' },
    })
    expect(first?.durationMs).toBeGreaterThanOrEqual(0)
    expect(Date.parse(first?.at ?? '')).toBeGreaterThan(0)
    // What was sent and what was thrown is in no record.
    expect(JSON.stringify(records)).not.toMatch(/a secret|sk-live/)
  })

  it('knows that the handler of a cached answer was begun, for all that waited for it', async () => {
    const records: AuditRecord[] = []
    const { server } = testServer({ audit: (record) => records.push(record) })
    const cached = { description, annotations: { readOnlyHint: true }, cache: { ttl: '1m' } } as const
    const go = gate()
    server.tool('now', cached, () => {
      throw new Error('Broken.')
    })
    server.tool('later', cached, async () => {
      await go.opened
      throw new Error('Broken.')
    })
    const client = await open(cell, server)
    await client.callTool('now')
    const calls = [client.callTool('later'), client.callTool('later')]
    await expect.poll(() => server.stats().counters.cacheMisses).toBe(3)
    go.open()
    await Promise.all(calls)
    await expect.poll(() => records.length).toBe(3)
    expect(records.map(({ decision, code }) => [decision, code])).toEqual(
      Array.from({ length: 3 }, () => ['allowed', 'internal']),
    )
  })

  it('holds no secret, wherever it stood', async () => {
    const records: AuditRecord[] = []
    const { server } = testServer({ audit: (record) => records.push(record) })
    server.tool('ok', { description }, () => 'ok')
    const subject = 'sk-live-4242424242424242424242'
    const principal = {
      kind: 'user',
      issuer: 'i',
      subject,
      permissions: new Set<string>(),
      claims: {},
    } as const
    await (await open(cell, server, { principal })).callTool('ok')
    await expect.poll(() => records.length).toBe(1)
    expect(JSON.stringify(records)).not.toContain(subject)
    expect(records[0]).toMatchObject({
      name: 'ok',
      outcome: 'ok',
      argumentsHash: expect.stringMatching(/^.{24}$/),
    })
  })

  it('says when nobody waited for the end, and which round of a call it was', async () => {
    const records: AuditRecord[] = []
    const { server } = testServer({ audit: (record) => records.push(record) })
    const never = gate()
    server.tool('slow', { description }, () => never.opened)
    const schema = { type: 'object', properties: { yes: { type: 'boolean' } } } as const
    server.tool(
      'asks',
      { description },
      async (_args, ctx) => (await ctx.elicit({ message: 'Go on?', schema })).action,
    )
    const answers = { 'elicitation/create': () => ({ action: 'accept', content: { yes: true } }) }
    const client = await open(cell, server, { capabilities: { elicitation: {} }, answers })
    const leave = new AbortController()
    client.callTool('slow', {}, { signal: leave.signal }).catch(() => undefined)
    await expect.poll(() => server.stats().bounded.find(({ name }) => name === 'deadlines')?.size).toBe(1)
    leave.abort()
    await expect.poll(() => records.map(({ outcome }) => outcome)).toEqual(['cancelled'])
    await client.callTool('asks')
    const rounds = cell.stateless
      ? [
          ['asked', 1],
          ['ok', 2],
        ]
      : [['ok', 1]]
    await expect.poll(() => records.slice(1).map(({ outcome, round }) => [outcome, round])).toEqual(rounds)
  })
})

describe('audit', () => {
  it('that fails is logged, and changes no call', async () => {
    const { server, logged } = testServer({
      audit: () => {
        throw new Error('The disk is full.')
      },
    })
    server.tool('ok', { description }, () => 'ok')
    const [cell] = cells({ transports: ['memory'], revisions: ['2026-07-28'] })
    if (cell === undefined) throw new Error('There is no such cell.')
    const client = await open(cell, server)
    expect((await client.callTool('ok')).isError).not.toBe(true)
    await expect
      .poll(() => logged.map(({ message }) => message))
      .toContain('An audit record could not be written.')
  })

  it('true writes records to the log, without secrets', async () => {
    const { server, logged } = testServer({ audit: true })
    server.tool('ok', { description }, () => 'ok')
    const [cell] = cells({ transports: ['memory'], revisions: ['2026-07-28'] })
    if (cell === undefined) throw new Error('There is no such cell.')
    await (await open(cell, server)).callTool('ok')
    await expect
      .poll(() => logged.find(({ message }) => message === 'audit')?.fields)
      .toMatchObject({ name: 'ok', decision: 'allowed', outcome: 'ok' })
  })
})
