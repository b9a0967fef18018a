import { describe, expect, it } from 'vitest'
import type { Bus } from '../contracts/bus.js'
import { anonymous, type Principal } from '../contracts/principal.js'
import type { Sealer } from '../contracts/sealer.js'
import type { Store } from '../contracts/store.js'
import { Discovery, type Opening } from '../engine/discovery.js'
import type { Session } from '../engine/session.js'
import { Stats } from '../engine/stats.js'
import { ServedRevisions } from '../protocol/revisions/all.js'
import type { ClientCapabilities } from '../protocol/types.js'
import { createSealer } from '../security/sealer.js'
import { createMemoryBus } from '../stores/memory/memory-bus.js'
import { SealedSessions } from './sealed-sessions.js'

const day = 24 * 60 * 60 * 1000
const secret = 'one secret for every server of the fleet'

function user(subject: string, issuer = 'https://issuer.example'): Principal {
  return { kind: 'user', issuer, subject, permissions: new Set(), claims: {} }
}

function discoveryOf(revisions?: readonly string[]): Discovery {
  return new Discovery({
    info: { name: 'test-server', version: '1.0.0' },
    instructions: undefined,
    revisions: new ServedRevisions(revisions),
    capabilities: () => ({}),
  })
}

interface Rig {
  readonly sessions: SealedSessions
  readonly sealer: Sealer
  readonly stats: Stats
  /** The wall clock, in milliseconds. */
  time: number
}

/** One server; those with the same secret stand for one fleet, or for one server before and after a restart. */
function rig(
  options: { revisions?: readonly string[]; time?: number; sealer?: Sealer; bus?: Bus; ended?: Store } = {},
): Rig {
  const sealer = options.sealer ?? createSealer(() => [secret])
  const stats = new Stats()
  const made = { time: options.time ?? 1_800_000_000_000, sealer, stats }
  const clock = { now: () => made.time, monotonic: () => 0, after: () => () => undefined }
  const discovery = discoveryOf(options.revisions)
  const bus = options.bus ?? createMemoryBus()
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  const sessions = new SealedSessions({ sealer, discovery, clock, stats, bus, logger, ended: options.ended })
  return Object.assign(made, { sessions })
}

function opening(
  info: { name: string; version: string } | null = { name: 'client', version: '1.0.0' },
  capabilities: ClientCapabilities = {},
  revision = '2025-11-25',
): Opening {
  const dialect = discoveryOf().dialect(revision)
  if (dialect === undefined) throw new Error(`${revision} is no revision.`)
  return { dialect, client: { info: info ?? undefined, capabilities } }
}

async function opened(made: Rig, id: string, principal: Principal = anonymous): Promise<Session> {
  const session = await made.sessions.open(id, principal)
  if (session === undefined) throw new Error('The session does not open.')
  return session
}

/** Ends `count` sessions that nobody ever opened here. */
async function endOthers(made: Rig, like: Session, from: number, count: number): Promise<void> {
  for (let n = from; n < from + count; n += 1) {
    await made.sessions.end({ ...like, id: `other-${n}`, key: `other-${n}` })
  }
}

function listOfEnded({ stats }: Rig): { size: number; limit: number; dropped: number } {
  const list = stats.snapshot().bounded.find(({ name }) => name === 'sessions, ended')
  if (list === undefined) throw new Error('The stats do not show the list of ended sessions.')
  return list
}

describe('SealedSessions', () => {
  it('opens what was negotiated, also on another server with the same secret', async () => {
    const capabilities: ClientCapabilities = { elicitation: { form: {} }, sampling: { tools: {} }, roots: {} }
    const id = await rig().sessions.create(opening(null, capabilities, '2025-06-18'), anonymous)
    const session = await rig().sessions.open(id, anonymous)
    expect(session?.id).toBe(id)
    expect(session?.dialect.revision.version).toBe('2025-06-18')
    expect(session?.client).toEqual({ info: undefined, capabilities })
  })

  it.each<[string, ClientCapabilities]>([
    ['none', {}],
    ['the group alone', { elicitation: {} }],
    ['both modes', { elicitation: { form: {}, url: {} } }],
    ['everything', { elicitation: { form: {}, url: {} }, sampling: { tools: {}, context: {} }, roots: {} }],
  ])('keeps the capabilities: %s', async (_, capabilities) => {
    const { sessions } = rig()
    const id = await sessions.create(opening(null, capabilities), anonymous)
    expect((await sessions.open(id, anonymous))?.client.capabilities).toEqual(capabilities)
  })

  it('gives every session its own id, which is visible ASCII (2025-11-25, basic/transports)', async () => {
    const { sessions } = rig()
    const ids = await Promise.all(Array.from({ length: 50 }, () => sessions.create(opening(), anonymous)))
    expect(new Set(ids).size).toBe(50)
    for (const id of ids) expect(id).toMatch(/^[\x21-\x7e]+$/)
  })

  it('opens for nobody else', async () => {
    const { sessions } = rig()
    const id = await sessions.create(opening(), user('alice'))
    expect(await sessions.open(id, user('mallory'))).toBeUndefined()
    expect(await sessions.open(id, user('alice', 'https://other.example'))).toBeUndefined()
    expect(await sessions.open(id, anonymous)).toBeUndefined()
    expect(await sessions.open(id, user('alice'))).toBeDefined()
    // Also once it is known, and also the other way round.
    expect(await sessions.open(id, user('mallory'))).toBeUndefined()
    const open = await sessions.create(opening(), anonymous)
    expect(await sessions.open(open, user('alice'))).toBeUndefined()
  })

  it('is over after a day, whether or not it was opened before', async () => {
    const made = rig()
    const id = await made.sessions.create(opening(), anonymous)
    const fresh = rig({ time: made.time + day - 1 })
    made.time += day - 1
    for (const { sessions } of [made, fresh]) expect(await sessions.open(id, anonymous)).toBeDefined()
    made.time += 1
    fresh.time += 1
    for (const { sessions } of [made, fresh]) expect(await sessions.open(id, anonymous)).toBeUndefined()
    expect(await rig({ time: made.time }).sessions.open(id, anonymous)).toBeUndefined()
  })

  const longest: [string, string][] = [
    ['plain letters', 'x'],
    ['letters of three bytes', '世'],
    ['pairs, cut in the middle', '😀'],
    ['pairs, cut after the middle', 'a😀'],
    ['quotes, which JSON escapes', '"'],
    ['control characters, which JSON writes in six characters', '\u0001'],
    ['halves of pairs, which JSON writes in six characters', '\ud800'],
    ['the end of a text between letters of three bytes', '世\u0000'],
  ]
  it.each(longest)('has at most 512 characters, however long the client is named: %s', async (_, unit) => {
    const { sessions } = rig()
    const everything: ClientCapabilities = {
      elicitation: { form: {}, url: {} },
      sampling: { tools: {}, context: {} },
      roots: {},
    }
    const client = opening({ name: unit.repeat(500), version: unit.repeat(500) }, everything)
    const id = await sessions.create(client, user('x'.repeat(1000)))
    expect(id.length).toBeLessThanOrEqual(512)
    const session = await rig().sessions.open(id, user('x'.repeat(1000)))
    expect(session?.client.capabilities).toEqual(everything)
    expect(session?.client.info?.name.length).toBeLessThanOrEqual(40)
  })

  it('asks the sealer nothing about an id that is too long', async () => {
    let asked = 0
    const own = createSealer(() => [secret])
    const counting: Sealer = {
      seal: (purpose, data) => own.seal(purpose, data),
      open(purpose, token) {
        asked += 1
        return own.open(purpose, token)
      },
    }
    const { sessions } = rig({ sealer: counting })
    expect(await sessions.open('x'.repeat(513), anonymous)).toBeUndefined()
    expect(asked).toBe(0)
    expect(await sessions.open('x'.repeat(512), anonymous)).toBeUndefined()
    expect(asked).toBe(1)
  })

  it('does not open under a revision that was switched off since', async () => {
    const id = await rig().sessions.create(opening(null, {}, '2024-11-05'), anonymous)
    const narrowed = rig({ revisions: ['2025-11-25', '2026-07-28'] })
    expect(await narrowed.sessions.open(id, anonymous)).toBeUndefined()
  })

  it.each([
    ['no JSON', 'v=2025-11-25'],
    ['nothing', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['a text', '"2025-11-25"'],
    ['an empty object', '{}'],
    ['no time', '{"v":"2025-11-25","c":0,"p":""}'],
    ['a time as text', '{"v":"2025-11-25","c":0,"p":"","t":"1800000000000"}'],
    ['no principal', '{"v":"2025-11-25","c":0,"t":1800000000000}'],
    ['an unknown revision', '{"v":"2099-01-01","c":0,"p":"","t":1800000000000,"r":""}'],
    ['a revision named like a member', '{"v":"__proto__","c":0,"p":"","t":1800000000000,"r":""}'],
  ])('does not open sealed JSON that is no facts: %s', async (_, data) => {
    const { sessions, sealer } = rig()
    expect(await sessions.open(await sealer.seal('session', data), anonymous)).toBeUndefined()
  })

  it('does not open what was sealed for something else, was tampered with or is no id at all', async () => {
    const { sessions, sealer } = rig()
    const facts = '{"v":"2025-11-25","c":0,"p":"","t":1800000000000,"r":""}'
    expect(await sessions.open(await sealer.seal('session', facts), anonymous)).toBeDefined()
    expect(await sessions.open(await sealer.seal('cursor', facts), anonymous)).toBeUndefined()
    const id = await sessions.create(opening(), anonymous)
    for (const faulty of ['', ' ', '世界', id.slice(1), `${id}A`, `${id}=`, id.toLowerCase()]) {
      expect(await sessions.open(faulty, anonymous)).toBeUndefined()
    }
  })

  it('ends a session for good, under whatever spelling', async () => {
    const made = rig()
    const { sessions } = made
    // Names of three lengths: base64 leaves 0, 2 or 4 bits of the last character unused.
    for (const name of ['a', 'ab', 'abc']) {
      const id = await sessions.create(opening({ name, version: '1' }), anonymous)
      await sessions.end(await opened(made, id))
      for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
        expect(await sessions.open(id.slice(0, -1) + last, anonymous)).toBeUndefined()
      }
    }
  })

  it('gives every session its own short key, the same one each time it is opened', async () => {
    const made = rig()
    const ids = await Promise.all(
      Array.from({ length: 50 }, () => made.sessions.create(opening(), anonymous)),
    )
    const keys = await Promise.all(ids.map(async (id) => (await opened(made, id)).key))
    expect(new Set(keys).size).toBe(50)
    const restarted = rig()
    expect(await Promise.all(ids.map(async (id) => (await opened(restarted, id)).key))).toEqual(keys)
    for (const key of keys) expect(key.length).toBeLessThanOrEqual(40)
  })

  it('leaves the others open when one ends', async () => {
    const made = rig()
    const [one, other] = await Promise.all([
      made.sessions.create(opening(), anonymous),
      made.sessions.create(opening(), anonymous),
    ])
    await made.sessions.end(await opened(made, one))
    expect(await made.sessions.open(one, anonymous)).toBeUndefined()
    expect(await made.sessions.open(other, anonymous)).toBeDefined()
  })

  it('opens no ended session again when the list of ended ones overflows, and counts that it did', async () => {
    const made = rig()
    const { sessions } = made
    const old = await sessions.create(opening(), anonymous)
    const bystander = await sessions.create(opening(), anonymous)
    const session = await opened(made, old)
    await sessions.end(session)
    made.time += 1000
    const young = await sessions.create(opening(), anonymous)
    const { limit } = listOfEnded(made)
    await endOthers(made, session, 1, limit - 1)
    expect(listOfEnded(made)).toMatchObject({ size: limit, dropped: 0 })
    for (const id of [bystander, young]) expect(await sessions.open(id, anonymous)).toBeDefined()

    await endOthers(made, session, limit, 1)
    expect(listOfEnded(made)).toMatchObject({ size: limit, dropped: 1 })
    expect(await sessions.open(old, anonymous)).toBeUndefined()
    // The price: what is as old as the forgotten one is over too. What is younger goes on.
    expect(await sessions.open(bystander, anonymous)).toBeUndefined()
    expect(await sessions.open(young, anonymous)).toBeDefined()
  })

  it('never lowers that mark when an older one is forgotten later', async () => {
    const made = rig()
    const { sessions } = made
    const older = await opened(made, await sessions.create(opening(), anonymous))
    made.time += 1000
    const youngerId = await sessions.create(opening(), anonymous)
    const younger = await opened(made, youngerId)
    await sessions.end(younger)
    await sessions.end(older)
    made.time += 1000
    const { limit } = listOfEnded(made)
    // First `younger` is forgotten, then `older`, which is no reason to open `younger` again.
    await endOthers(made, older, 1, limit - 1)
    expect(await sessions.open(youngerId, anonymous)).toBeUndefined()
    await endOthers(made, older, limit, 1)
    expect(listOfEnded(made).dropped).toBe(2)
    for (const { id } of [younger, older]) expect(await sessions.open(id, anonymous)).toBeUndefined()
  })

  describe('with a store that all nodes share', () => {
    function sharedStore() {
      const kept = new Map<string, number>()
      const asked: string[] = []
      const how = { down: false }
      const ended: Store = {
        async get(key) {
          asked.push(key)
          if (how.down) throw new Error('out of reach')
          return kept.has(key) ? '1' : undefined
        },
        async set(key, _value, ttlMs) {
          if (how.down) throw new Error('out of reach')
          kept.set(key, ttlMs)
        },
        setIfAbsent: async () => true,
        async delete() {},
      }
      return { ended, kept, asked, how }
    }

    it('a node that heard of nothing does not open what another one ended', async () => {
      const { ended, kept } = sharedStore()
      const made = rig({ ended })
      const id = await made.sessions.create(opening(), anonymous)
      made.time += 1000
      await made.sessions.end(await opened(made, id))
      expect([...kept.values()]).toEqual([day - 1000])
      const later = rig({ ended })
      for (let n = 0; n < 2; n += 1) expect(await later.sessions.open(id, anonymous)).toBeUndefined()
    })

    it('asks once for each id', async () => {
      const { ended, asked } = sharedStore()
      const made = rig({ ended })
      const ids = [
        await made.sessions.create(opening(), anonymous),
        await made.sessions.create(opening(), user('ada')),
      ]
      for (let n = 0; n < 3; n += 1) {
        await opened(made, ids[0] ?? '')
        await opened(made, ids[1] ?? '', user('ada'))
      }
      expect(asked).toHaveLength(2)
    })

    it('serves a session while the store is out of reach, and asks again until it knows', async () => {
      const { ended, how } = sharedStore()
      const made = rig({ ended })
      const id = await made.sessions.create(opening(), anonymous)
      await made.sessions.end(await opened(made, id))
      const later = rig({ ended })
      how.down = true
      expect(await later.sessions.open(id, anonymous)).toBeDefined()
      how.down = false
      expect(await later.sessions.open(id, anonymous)).toBeUndefined()
    })

    it('ends a session here also while the store is out of reach', async () => {
      const { ended, how } = sharedStore()
      const made = rig({ ended })
      const id = await made.sessions.create(opening(), anonymous)
      const session = await opened(made, id)
      how.down = true
      await made.sessions.end(session)
      expect(await made.sessions.open(id, anonymous)).toBeUndefined()
    })
  })
})
