import { randomUUID } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CellClient, featureCells } from './feature-cells.js'
import type { Progress } from './feature-client.js'
import { featuresForFile } from './served-features.js'

const served = featuresForFile()

describe.each(featureCells)('$name', ({ connect, revision, modern }) => {
  let client: CellClient
  beforeAll(async () => {
    client = await connect(served().url)
  })
  afterAll(async () => {
    await client.close()
    expect(client.errors).toEqual([])
  })

  it('settles on the revision', () => {
    expect(client.revision).toBe(revision)
  })

  /** Counts to three, as slowly as it is heard; gives what was heard. */
  async function count(): Promise<readonly Progress[]> {
    const name = randomUUID()
    const heard: Progress[] = []
    const told: Promise<unknown>[] = []
    const onprogress = (progress: Progress): void => {
      heard.push(progress)
      told.push(client.call('happen', { name: `${name} ${progress.progress}` }))
    }
    expect((await client.call('count', { name }, { onprogress })).text).toBe('counted')
    await Promise.all(told)
    return heard
  }

  const steps = [1, 2, 3].map((progress) => ({
    progress,
    total: 3,
    ...(revision >= '2025-03-26' && { message: `step ${progress}` }),
  }))

  it('hears how far a call is while it runs', async () => {
    expect(await count()).toEqual(steps)
  })

  it('hears of calls that run at once, of each its own', async () => {
    expect(await Promise.all([count(), count(), count()])).toEqual([steps, steps, steps])
  })

  it.each([
    ['that reported nothing', false],
    ['that had reported progress', true],
  ])('cancels a call %s, and goes on', async (_title, reports) => {
    const name = randomUUID()
    const hurry = new AbortController()
    const reported: Progress[] = []
    const call = client.call(
      'endless',
      { name },
      { signal: hurry.signal, ...(reports && { onprogress: (progress) => reported.push(progress) }) },
    )
    const outcome = call.then(
      () => 'answered',
      (error: unknown) => String(error),
    )
    await client.call('until', { name: `${name} began` })
    hurry.abort('enough')
    expect(await outcome).toContain('enough')
    // The handler's own signal has fired.
    expect((await client.call('until', { name: `${name} aborted` })).text).toContain('happened')
    expect((await client.call('times', { name: `${name} aborted` })).text).toBe('1')
    if (reports) expect(reported).toMatchObject([{ progress: 1 }])
    expect(await client.call('pid')).toMatchObject({ isError: false })
  })

  it('cancels before the call went out, and the server never hears of it', async () => {
    const name = randomUUID()
    const signal = AbortSignal.abort('never mind')
    await expect(client.call('endless', { name }, { signal })).rejects.toThrow('never mind')
    expect((await client.call('times', { name: `${name} began` })).text).toBe('0')
  })

  const messages = [
    { level: 'debug', data: 'a detail', logger: 'talker' },
    { level: 'info', data: { step: 1 }, logger: 'talker' },
    { level: 'warning', data: ['careful'], logger: 'talker' },
    { level: 'error', data: 'broken' },
  ] as const

  /** What the server said during one call. */
  async function talk(level?: (typeof messages)[number]['level']): Promise<readonly unknown[]> {
    const from = client.heard.items.length
    const meta = level !== undefined && modern ? { 'io.modelcontextprotocol/logLevel': level } : {}
    if (level !== undefined && !modern) await client.setLevel(level)
    expect((await client.call('talk', {}, { meta })).text).toBe('talked')
    // The client hands over what came a few promises after it took it.
    await turn()
    return client.heard.items.slice(from).map(({ params }) => params)
  }

  it('is sent log messages once it asked for them, from the severity it asked for', async () => {
    expect(await talk()).toEqual([])
    expect(await talk('warning')).toEqual(messages.slice(2))
    expect(await talk('debug')).toEqual(messages)
    expect(await talk('error')).toEqual(messages.slice(3))
    // The handshake revisions keep the level; afterwards each request speaks for itself.
    expect(await talk()).toEqual(modern ? [] : messages.slice(3))
  })

  it('has no method for the level where requests say it', async () => {
    if (modern) await expect(client.setLevel('info')).rejects.toThrow('logging/setLevel')
    else await expect(client.setLevel('info')).resolves.toEqual({})
  })
})
