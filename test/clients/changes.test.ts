import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { type CellClient, type FeatureCell, featureCells } from './feature-cells.js'
import type { FeatureClientOptions, Heard } from './feature-client.js'
import { featuresForFile, serveFeatures } from './served-features.js'

const served = featuresForFile()

const open: CellClient[] = []
afterEach(async () => {
  for (const client of open.splice(0)) {
    await client.close()
    expect(client.errors).toEqual([])
  }
})

async function connected(cell: FeatureCell, options?: FeatureClientOptions): Promise<CellClient> {
  const client = await cell.connect(served().url, options)
  open.push(client)
  await client.listening()
  return client
}

const uri = 'features://counter'
const updated = 'notifications/resources/updated'
const listChanged = (what: string): string => `notifications/${what}/list_changed`
const is =
  (method: string) =>
  (heard: Heard): boolean =>
    heard.method === method
const methods = (client: CellClient): readonly string[] => client.heard.items.map(({ method }) => method)

describe.each(featureCells.filter(({ modern }) => !modern))('$name', (cell) => {
  it('hears that lists changed, each change once', async () => {
    const client = await connected(cell)
    for (const what of ['tools', 'prompts', 'resources']) {
      await client.call('change', { what })
      await client.heard.until(is(listChanged(what)))
    }
    await client.call('change', { what: 'tools' })
    await client.heard.until(is(listChanged('tools')), 3)
    expect(methods(client)).toEqual(['tools', 'prompts', 'resources', 'tools'].map(listChanged))
  })

  it('hears that a resource changed from when it subscribed until it unsubscribed', async () => {
    const client = await connected(cell)
    const fence = async (): Promise<void> => {
      const from = client.heard.items.length
      await client.call('change', { what: 'tools' })
      await client.heard.until(is(listChanged('tools')), from)
    }
    await client.call('change', { what: 'counter' })
    await client.subscribe(uri)
    await client.call('change', { what: 'other' })
    await client.call('change', { what: 'counter' })
    await fence()
    expect(client.heard.items.slice(0, -1)).toEqual([{ method: updated, params: { uri } }])
    await client.unsubscribe(uri)
    await client.call('change', { what: 'counter' })
    await fence()
    expect(methods(client).filter((method) => method === updated)).toHaveLength(1)
  })

  it('cannot subscribe to what is not there', async () => {
    const client = await connected(cell)
    await expect(client.subscribe('features://nowhere')).rejects.toThrow('features://nowhere')
  })

  it('has no subscriptions/listen', async () => {
    const client = await connected(cell)
    await expect(client.listen({ toolsListChanged: true })).rejects.toThrow('subscriptions/listen')
  })
})

describe.each(featureCells.filter(({ modern }) => modern))('$name', (cell) => {
  const everything = {
    toolsListChanged: true,
    promptsListChanged: true,
    resourcesListChanged: true,
    resourceSubscriptions: [uri],
  }

  it('agrees on what there is, and tells of each change once', async () => {
    const client = await connected(cell)
    const asked = { ...everything, resourceSubscriptions: [uri, 'features://nowhere'] }
    const subscription = await client.listen(asked)
    expect(subscription.honoredFilter).toEqual(everything)
    for (const what of ['tools', 'prompts', 'resources']) {
      await client.call('change', { what })
      await client.heard.until(is(listChanged(what)))
    }
    await client.call('change', { what: 'other' })
    await client.call('change', { what: 'counter' })
    expect((await client.heard.until(is(updated))).params).toMatchObject({ uri })
    await client.call('change', { what: 'tools' })
    await client.heard.until(is(listChanged('tools')), 3)
    const lists = ['tools', 'prompts', 'resources'].map(listChanged)
    expect(methods(client)).toEqual([...lists, updated, listChanged('tools')])
    await subscription.close()
    expect(await subscription.closed).toBe('local')
  })

  it('tells of nothing that was not asked for, and of nothing after the close', async () => {
    const client = await connected(cell)
    const resources = await client.listen({ resourceSubscriptions: [uri] })
    expect(resources.honoredFilter).toEqual({ resourceSubscriptions: [uri] })
    await client.call('change', { what: 'tools' })
    await client.call('change', { what: 'counter' })
    await client.heard.until(is(updated))
    expect(methods(client)).toEqual([updated])
    await resources.close()
    // A second stream has the last word: what the first one would still have told comes before.
    const prompts = await client.listen({ promptsListChanged: true })
    await client.call('change', { what: 'counter' })
    await client.call('change', { what: 'prompts' })
    await client.heard.until(is(listChanged('prompts')))
    await turn()
    expect(methods(client)).toEqual([updated, listChanged('prompts')])
    await prompts.close()
  })

  it('has room for another stream once one was closed', async () => {
    const client = await connected(cell)
    const first = await client.listen({ toolsListChanged: true })
    const second = await client.listen({ toolsListChanged: true })
    await client.call('change', { what: 'tools' })
    await client.heard.until(is(listChanged('tools')), 1)
    await first.close()
    await client.call('change', { what: 'tools' })
    await client.heard.until(is(listChanged('tools')), 2)
    await second.close()
    await turn()
    expect(methods(client)).toHaveLength(3)
  })

  it('has no subscriptions beside the stream', async () => {
    const client = await connected(cell)
    await expect(client.subscribe(uri)).rejects.toThrow('resources/subscribe')
  })
})

describe.each(featureCells)('$name', (cell) => {
  it('reads the tools again by itself when they changed', async () => {
    const seen: (readonly string[])[] = []
    let told: () => void = () => undefined
    const client = await connected(cell, {
      onTools(names) {
        seen.push(names)
        told()
      },
    })
    for (const _round of [1, 2]) {
      const noticed = new Promise<void>((resolve) => {
        told = resolve
      })
      await client.call('change', { what: 'tools' })
      await noticed
    }
    const there = seen.map((names) => names.includes('extra-tool'))
    expect(there).toHaveLength(2)
    expect(there[0]).toBe(!there[1])
  })
})

describe.each(featureCells.filter(({ modern }) => modern))('$name', (cell) => {
  it('is told that the stream has ended when the server closes', async () => {
    // Who only listens is not waited for.
    const own = await serveFeatures({ drainMs: 60_000 })
    const client = await cell.connect(own.url)
    const subscription = await client.listen({ toolsListChanged: true })
    if (client.pid === undefined) await own.close()
    else process.kill(client.pid, 'SIGTERM')
    expect(await subscription.closed).toBe('graceful')
    await client.close()
    await own.close()
  })
})
