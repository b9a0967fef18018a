import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CellClient, featureCells } from './feature-cells.js'
import { featuresForFile } from './served-features.js'
import { tasksExtension } from './task-client.js'

const served = featuresForFile()

// Clients that declare nothing, so they cannot be asked anything.
describe.each(featureCells)('$name', ({ connect, modern }) => {
  let client: CellClient
  beforeAll(async () => {
    client = await connect(served().url)
  })
  afterAll(async () => {
    await client.close()
    expect(client.errors).toEqual([])
  })

  it.each([
    ['ask-name', 'elicitation', { elicitation: {} }],
    ['ask-page', 'elicitation.url', { elicitation: { url: {} } }],
    ['ask-model', 'sampling', { sampling: {} }],
    ['ask-roots', 'roots', { roots: {} }],
    ['ask-at-once', 'elicitation', { elicitation: {} }],
    ['needs-model', 'sampling', { sampling: {} }],
    ['failing-job', 'tasks', { extensions: { [tasksExtension]: {} } }],
  ])('%s: says that it takes %s', async (tool, feature, requiredCapabilities) => {
    const call = client.call(tool)
    if (modern) {
      await expect(call).rejects.toMatchObject({
        code: -32021,
        message: expect.stringContaining(feature),
        data: { requiredCapabilities },
      })
    } else {
      const { isError, text, meta } = await call
      expect({ isError, text, meta }).toMatchObject({
        isError: true,
        text: expect.stringContaining(feature),
        meta: { 'dev.holdfast/error': { code: 'missing_client_capability', data: { requiredCapabilities } } },
      })
    }
  })

  it('has an error for it where there is no tool result', async () => {
    const code = -32021
    const message = expect.stringContaining('elicitation') as string
    await expect(client.prompt('ask-topic')).rejects.toMatchObject(modern ? { code, message } : { message })
    await expect(client.read('features://asking')).rejects.toMatchObject(
      modern ? { code, message } : { message },
    )
  })

  it('waits for what others would have as a task', async () => {
    const name = randomUUID()
    const answer = client.call('long-job', { name })
    await client.call('happen', { name })
    expect((await answer).text).toBe(`${name} is done`)
  })

  it('is done without where the tool can', async () => {
    expect((await client.call('ask-or-guess')).text).toBe('Nobody')
  })
})
