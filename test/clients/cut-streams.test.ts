import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CuttingProxy, cuttingProxy } from './cutting-proxy.js'
import { type CellClient, featureCells } from './feature-cells.js'
import { featuresForFile } from './served-features.js'

const served = featuresForFile()
let proxy: CuttingProxy
beforeEach(async () => {
  proxy = await cuttingProxy(served().url)
})
afterEach(() => proxy.close())

const cells = featureCells.filter(({ transport, modern }) => transport === 'http' && modern)

// In this revision nobody comes back to a stream: what is cut is over, on both sides.
describe.each(cells)('$name', ({ connect }) => {
  let client: CellClient
  /** Not through the proxy, so that its connections are not cut. */
  let helper: CellClient
  beforeEach(async () => {
    client = await connect(proxy.url)
    helper = await connect(served().url)
  })
  afterEach(async () => {
    await client.close()
    await helper.close()
  })

  it('ends a call that had answered nothing yet when its connection is cut', async () => {
    const name = randomUUID()
    const call = client.call('endless', { name })
    call.catch(() => undefined)
    await helper.call('until', { name: `${name} began` })
    proxy.cut('POST')
    await expect(call).rejects.toThrow()
    expect((await helper.call('until', { name: `${name} aborted` })).text).toContain('happened')
    expect((await client.call('pid')).isError).toBe(false)
  })

  it('ends a call that had begun its stream when its connection is cut', async () => {
    const name = randomUUID()
    await new Promise<unknown>((onprogress) => {
      // The client leaves this one waiting until it times out, so nobody waits for it here.
      client.call('endless', { name }, { onprogress }).catch(() => undefined)
    })
    proxy.cut('POST')
    expect((await helper.call('until', { name: `${name} aborted` })).text).toContain('happened')
    expect((await client.call('pid')).isError).toBe(false)
  })

  it('has a listening client hear that its stream was cut, and listens again', async () => {
    const isToolsChange = ({ method }: { method: string }): boolean => method.endsWith('tools/list_changed')
    const subscription = await client.listen({ toolsListChanged: true })
    await helper.call('change', { what: 'tools' })
    await client.heard.until(isToolsChange)
    proxy.cut('POST')
    expect(await subscription.closed).toBe('remote')
    const again = await client.listen({ toolsListChanged: true })
    await helper.call('change', { what: 'tools' })
    await client.heard.until(isToolsChange, 1)
    expect(client.heard.items).toHaveLength(2)
    await again.close()
  })
})
