import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CuttingProxy, cuttingProxy } from './cutting-proxy.js'
import { type CellClient, featureCells } from './feature-cells.js'
import type { ClientAnswers, Progress } from './feature-client.js'
import { Inbox } from './inbox.js'
import { featuresForFile } from './served-features.js'
import type { WatchedRequest } from './watched-fetch.js'

const served = featuresForFile()
let proxy: CuttingProxy
beforeEach(async () => {
  proxy = await cuttingProxy(served().url)
})
afterEach(() => proxy.close())

const isGet = ({ method }: WatchedRequest): boolean => method === 'GET'
const resumes = ({ method, lastEventId }: WatchedRequest): boolean =>
  method === 'GET' && lastEventId !== undefined
const http = featureCells.filter(({ transport, modern }) => transport === 'http' && !modern)

describe.each(http)('$name', ({ client: which, connect, revision }) => {
  const primes = revision >= '2025-11-25'
  let client: CellClient
  /** Not through the proxy, so that its connections are not cut. */
  let helper: CellClient

  async function connected(answers: ClientAnswers = {}): Promise<void> {
    client = await connect(proxy.url, { answers, hurries: true })
    await client.listening()
    helper = await connect(served().url)
  }
  afterEach(async () => {
    await client.close()
    await helper.close()
  })

  const requests = (): readonly WatchedRequest[] => client.http?.requests.items ?? []

  /** Waits until the client has come back so often to a stream; gives how that was answered. */
  async function comebacks(times: number, from = 0): Promise<WatchedRequest | undefined> {
    const back = from === 0 ? resumes : isGet
    await client.http?.requests.until(() => requests().slice(from).filter(back).length >= times)
    return requests().slice(from).findLast(back)
  }

  /** Begins a call; resolves once it has reported something. */
  async function begin(
    tool: string,
    name: string,
    signal?: AbortSignal,
  ): Promise<{ answer: Promise<string>; heard: Inbox<Progress> }> {
    const heard = new Inbox<Progress>()
    const onprogress = (progress: Progress): void => heard.put(progress)
    const call = client.call(tool, { name }, { onprogress, ...(signal && { signal }) })
    const answer = call.then(({ text }) => text)
    answer.catch(() => undefined)
    await heard.until(() => true)
    return { answer, heard }
  }

  it('comes back to a call whose connection was cut, and misses nothing', async () => {
    await connected()
    const name = randomUUID()
    const { answer, heard } = await begin('half-way', name)
    expect(proxy.cut('POST')).toBeGreaterThan(0)
    // All that is left of the call happens while nobody is there to hear it.
    await helper.call('happen', { name })
    expect(await answer).toBe('all of it')
    expect(heard.items.map(({ progress }) => progress)).toEqual([1, 2])
    expect(requests().filter(resumes)).toMatchObject([{ status: 200, sessionId: client.sessionId }])
    // The handler ran once.
    expect((await helper.call('times', { name: `${name} began` })).text).toBe('1')
  })

  it('comes back before the call is over, and hears the rest as it happens', async () => {
    await connected()
    const name = randomUUID()
    const { answer, heard } = await begin('half-way', name)
    proxy.cut('POST')
    await comebacks(1)
    await helper.call('happen', { name })
    expect(await answer).toBe('all of it')
    expect(heard.items.map(({ progress }) => progress)).toEqual([1, 2])
  })

  it('comes back as often as it is cut', async () => {
    await connected()
    const name = randomUUID()
    const { answer, heard } = await begin('count', name)
    for (const [step, method] of ['POST' as const, 'GET' as const].entries()) {
      proxy.cut(method)
      await helper.call('happen', { name: `${name} ${step + 1}` })
      await heard.until(({ progress }) => progress === step + 2)
    }
    await helper.call('happen', { name: `${name} 3` })
    expect(await answer).toBe('counted')
    expect(heard.items.map(({ progress }) => progress)).toEqual([1, 2, 3])
  })

  if (primes) {
    it('comes back again although nothing came since the last time', async () => {
      await connected()
      const name = randomUUID()
      const { answer, heard } = await begin('half-way', name)
      proxy.cut('POST')
      await comebacks(1)
      const from = requests().length
      // Now both its streams are taken by GET.
      expect(proxy.cut('GET')).toBe(2)
      await comebacks(2, from)
      expect(
        requests()
          .slice(from)
          .filter(isGet)
          .map(({ lastEventId }) => lastEventId),
      ).toEqual([expect.any(String), expect.any(String)])
      await helper.call('happen', { name })
      expect(await answer).toBe('all of it')
      expect(heard.items.map(({ progress }) => progress)).toEqual([1, 2])
    })
  }

  // A client that is given an empty stream for one that is over comes back once more, as a new listener, and each
  // one beyond the fourth sends another away, which then comes back.
  it('is sent away from the stream of a call that it cancelled', async () => {
    await connected()
    const name = randomUUID()
    const hurry = new AbortController()
    const { answer } = await begin('endless', name, hurry.signal)
    hurry.abort('enough')
    await expect(answer).rejects.toThrow('enough')
    expect((await comebacks(1))?.status).not.toBe(200)
  })

  if (which === 'v1') {
    it('is sent away from the stream of a request that ended in an error', async () => {
      await connected()
      const reading = new Promise((_resolve, reject) => {
        client.read('features://torn', { onprogress: () => undefined }).catch(reject)
      })
      await expect(reading).rejects.toMatchObject({ code: -32603 })
      // The v1 client takes an error for no response, and comes back for one.
      expect((await comebacks(1))?.status).not.toBe(200)
    })
  }

  if (revision >= '2025-06-18') {
    it('is asked on the stream that it came back to', async () => {
      let asked = 0
      await connected({
        elicit() {
          asked += 1
          return { action: 'accept', content: { name: 'Ada' } }
        },
      })
      const name = randomUUID()
      const { answer } = await begin('ask-half-way', name)
      proxy.cut('POST')
      await helper.call('happen', { name })
      expect(await answer).toBe('Ada')
      expect(asked).toBe(1)
    })
  }

  it('comes back to the stream by which it hears of changes', async () => {
    await connected()
    const from = client.http?.requests.items.length
    await client.subscribe('features://counter')
    expect(proxy.cut('GET')).toBe(1)
    if (!primes) {
      // Before 2025-11-25 there is no event to come back to until the first one came.
      await client.http?.requests.until(({ method, status }) => method === 'GET' && status === 200, from)
    }
    await helper.call('change', { what: 'counter' })
    await helper.call('change', { what: 'tools' })
    await client.heard.until(({ method }) => method.endsWith('tools/list_changed'))
    expect(client.heard.items.map(({ method }) => method)).toEqual([
      'notifications/resources/updated',
      'notifications/tools/list_changed',
    ])
  })

  it('hears on that stream what it missed, once it has heard anything', async () => {
    await connected()
    await helper.call('change', { what: 'tools' })
    await client.heard.until(({ method }) => method.endsWith('tools/list_changed'))
    expect(proxy.cut('GET')).toBe(1)
    await helper.call('change', { what: 'prompts' })
    await client.heard.until(({ method }) => method.endsWith('prompts/list_changed'))
    expect(client.heard.items).toHaveLength(2)
    expect(requests().filter(resumes)).toMatchObject([{ status: 200 }])
  })

  it('lets go of a connection on the server’s word, and comes back for the answer', async () => {
    await connected()
    const name = randomUUID()
    const answer = client.call('let-go', { name })
    if (primes) await comebacks(1)
    await helper.call('happen', { name })
    expect((await answer).text).toBe(primes ? 'let go' : 'held on')
  })
})
