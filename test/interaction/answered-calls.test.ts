import { describe, expect, it } from 'vitest'
import { gate, textOf } from '../protocol/support.js'
import { accept, asked, nameForm, requestCells, waiting } from './support.js'

const isQuestion = (message: unknown): boolean => JSON.stringify(message).includes('elicitation/create')

// What a handler left open when it returned: nobody is there any more who could use an answer.

describe.each(requestCells)('$name', (cell) => {
  /** A call that gives up on its question once the client has it; the client answers when it is told to. */
  async function givenUp() {
    const enough = gate()
    const answer = gate<object>()
    const late: unknown[] = []
    const { client, server } = await asked(
      cell,
      (ctx) => {
        const question = ctx.elicit(nameForm)
        question.catch((error: unknown) => late.push(error))
        return Promise.race([question, enough.opened.then(() => 'gave up')])
      },
      { answers: { 'elicitation/create': () => answer.opened } },
    )
    const call = client.callTool('ask')
    await client.waitFor(isQuestion)
    enough.open()
    expect(textOf(await call)).toBe('gave up')
    return { client, server, answer, late }
  }

  it('a question that is still open when its call is answered waits for nobody', async () => {
    const { server, late } = await givenUp()
    await expect.poll(() => waiting(server, 'questions')).toEqual([0])
    expect(late).toHaveLength(1)
  })

  it('a question that is still open when its call is answered is taken back', async () => {
    const { client } = await givenUp()
    const [{ id } = { id: '' }] = client.serverRequests
    const isCancel = (message: unknown): boolean =>
      JSON.stringify(message).includes('notifications/cancelled')
    await expect.poll(() => client.received.filter(isCancel)).toMatchObject([{ params: { requestId: id } }])
  })

  it('an answer that comes too late and does not fit is not asked for again', async () => {
    const { client, server, answer } = await givenUp()
    answer.open(accept({ name: 7 }))
    await expect.poll(() => server.stats().counters.strayResponses).toBe(1)
    expect(client.serverRequests).toHaveLength(1)
  })

  it('a call that was answered asks nothing more', async () => {
    const answered = gate()
    const outcome = gate<unknown>()
    const { client } = await asked(
      cell,
      (ctx) => {
        void answered.opened
          .then(() => ctx.elicit(nameForm))
          .then(outcome.open, (error: unknown) => outcome.open(error))
        return 'done'
      },
      { answers: { 'elicitation/create': () => accept({ name: 'Ada' }) } },
    )
    expect(textOf(await client.callTool('ask'))).toBe('done')
    answered.open()
    expect(await outcome.opened).not.toHaveProperty('action')
    expect(client.serverRequests).toEqual([])
  })
})
