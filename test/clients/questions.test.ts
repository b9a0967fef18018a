import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CellClient, featureCells } from './feature-cells.js'
import type { Asked, ClientAnswers, Form } from './feature-client.js'
import { featuresForFile } from './served-features.js'

const served = featuresForFile()

const accept = (content: NonNullable<Form['content']>): Form => ({ action: 'accept', content })

describe.each(featureCells)('$name', (cell) => {
  const { client: which, connect, modern, revision } = cell
  const hasForms = revision >= '2025-06-18'
  const hasPages = revision >= '2025-11-25'
  let client: CellClient
  /** How the client answers in the test that runs. */
  let answers: Required<ClientAnswers>

  beforeAll(async () => {
    client = await connect(served().url, {
      answers: {
        elicit: (asked, signal) => answers.elicit(asked, signal),
        sample: () => answers.sample(),
        roots: () => answers.roots(),
      },
    })
    await client.listening()
  })
  afterAll(async () => {
    await client.close()
    expect(client.errors).toEqual([])
  })

  /** Answers forms one after the other; gives what was asked. */
  function answerWith(...replies: Form[]): readonly Asked[] {
    const asked: Asked[] = []
    const elicit = (question: Asked): Form => {
      asked.push(question)
      return replies.shift() ?? { action: 'cancel' }
    }
    answers = { elicit, sample: () => 'Paris', roots: () => ['file:///here', 'file:///there'] }
    return asked
  }

  it('asks the model, and for roots', async () => {
    answerWith()
    expect((await client.call('ask-model')).text).toBe('test-model: Paris')
    expect((await client.call('ask-roots')).text).toBe('file:///here file:///there')
    expect((await client.call('needs-model')).text).toBe('there is one')
  })

  it('goes on when the client fails to answer', async () => {
    const said = 'The user said no.'
    const sample = (): never => {
      throw new Error(said)
    }
    answerWith()
    answers = { ...answers, sample }
    const call = client.call('ask-model')
    // Where the client asks by itself, it does not come back; elsewhere the tool is told.
    if (modern) await expect(call).rejects.toThrow(said)
    else expect(await call).toMatchObject({ isError: true, text: expect.stringContaining(said) })
    expect((await client.call('pid')).isError).toBe(false)
  })

  if (!hasForms) {
    it('asks for no form, whatever the client declares', async () => {
      const asked = answerWith(accept({ name: 'Ada' }))
      const { isError, text } = await client.call('ask-name')
      expect({ isError, text }).toEqual({ isError: true, text: expect.stringContaining('elicitation') })
      expect((await client.call('ask-or-guess')).text).toBe('Nobody')
      expect(asked).toEqual([])
    })
    return
  }

  it('asks for a form, and takes what the user says to it', async () => {
    const asked = answerWith(accept({ name: 'Ada' }), { action: 'decline' }, { action: 'cancel' })
    expect((await client.call('ask-name')).text).toBe('Hello, Ada')
    expect((await client.call('ask-name')).text).toBe('Hello, nothing (decline)')
    expect((await client.call('ask-name')).text).toBe('Hello, nothing (cancel)')
    expect(asked).toHaveLength(3)
    expect(asked[0]).toMatchObject({
      message: 'Hello! What is your name?',
      requestedSchema: {
        type: 'object',
        properties: { name: { type: 'string', minLength: 2, description: 'Your name.' } },
        required: ['name'],
      },
    })
    // Before there were two, the mode had no name; the v2 client gives it one.
    expect(asked[0]?.mode).toBe(hasPages || which === 'v2' ? 'form' : undefined)
  })

  it('asks the client although the tool could do without', async () => {
    answerWith(accept({ name: 'Ada' }))
    expect((await client.call('ask-or-guess')).text).toBe('Ada')
  })

  it('asks again, and says why, when the answer does not fit', async () => {
    const asked = answerWith(accept({ name: 'A' }), accept({ nom: 'Ada' }), accept({ name: 'Ada' }))
    expect((await client.call('ask-name')).text).toBe('Hello, Ada')
    expect(asked.map(({ message }) => message)).toEqual([
      'Hello! What is your name?',
      expect.stringMatching(/^Hello! What is your name\?\n\nThe last answer did not fit\. .*name.*2/s),
      expect.stringMatching(/^Hello! What is your name\?\n\nThe last answer did not fit\. .*name/s),
    ])
  })

  it('asks one thing after another in one call, and does once what is to be done once', async () => {
    const asked = answerWith(accept({ name: 'Ada' }), accept({ color: 'green' }))
    const name = randomUUID()
    expect((await client.call('ask-in-turn', { name })).text).toBe('7: Ada, green')
    expect(asked.map(({ message }) => message)).toEqual(['What is your name?', 'Ada, which colour?'])
    expect((await client.call('times', { name })).text).toBe('1')
  })

  it('goes on to the next question after a no', async () => {
    answerWith({ action: 'decline' }, accept({ color: 'red' }))
    expect((await client.call('ask-in-turn', { name: randomUUID() })).text).toBe('7: nothing (decline), red')
  })

  it('asks several things at once in one call', async () => {
    // Each answer waits until the other questions have come.
    const came: string[] = []
    let allCame: () => void = () => undefined
    const all = new Promise<void>((resolve) => {
      allCame = resolve
    })
    const meet = (what: string): Promise<void> => {
      came.push(what)
      if (came.length === 3) allCame()
      return all
    }
    answers = {
      elicit: () => meet('form').then(() => accept({ name: 'Ada' })),
      sample: () => meet('model').then(() => 'Paris'),
      roots: () => meet('roots').then(() => ['file:///here']),
    }
    expect((await client.call('ask-at-once')).text).toBe('Ada, Paris, 1')
    expect(came.sort()).toEqual(['form', 'model', 'roots'])
  })

  it('keeps apart what calls ask that run at once', async () => {
    answerWith()
    answers = { ...answers, elicit: ({ message }) => accept({ name: message.replace(/!.*/, '') }) }
    const greetings = ['Salve', 'Hej', 'Moin', 'Ahoj']
    const calls = greetings.map((greeting) => client.call('ask-name', { greeting }))
    expect((await Promise.all(calls)).map(({ text }) => text)).toEqual(
      greetings.map((greeting) => `${greeting}, ${greeting}`),
    )
  })

  it('takes a question back when its call is cancelled', async () => {
    const hurry = new AbortController()
    const takenBack = new Promise<void>((resolve) => {
      answerWith()
      const elicit = (_asked: Asked, signal: AbortSignal): Promise<Form> =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            resolve()
            reject(new Error('Nobody wants to know any more.'))
          })
          hurry.abort('enough')
        })
      answers = { ...answers, elicit }
    })
    const call = client.call('ask-name', {}, { signal: hurry.signal })
    // Where the client asks by itself, it gives what its own handler said then.
    await expect(call).rejects.toThrow(modern ? 'Nobody wants' : 'enough')
    await takenBack
    expect((await client.call('pid')).isError).toBe(false)
  })

  it('asks before a prompt is given or a resource read', async () => {
    const asked = answerWith(accept({ name: 'Ada' }), accept({ name: 'Bob' }))
    expect(await client.prompt('ask-topic')).toMatchObject([{ content: { text: 'About Ada.' } }])
    expect(await client.read('features://asking')).toBe('Bob')
    expect(asked).toHaveLength(2)
  })

  if (!hasPages) return

  it('asks to open a page', async () => {
    const asked = answerWith({ action: 'accept' }, { action: 'decline' })
    expect((await client.call('ask-page')).text).toBe('accept')
    expect((await client.call('ask-page')).text).toBe('decline')
    expect(asked[0]).toMatchObject({ mode: 'url', message: 'Open it.', url: 'https://example.com/form' })
    if (modern) return
    // Only 2025-11-25 says when the page is done with.
    const { params } = await client.heard.until(({ method }) => method.endsWith('elicitation/complete'))
    expect(params).toEqual({ elicitationId: 'page-1' })
  })
})
