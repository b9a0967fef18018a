import { jsonSchema } from 'holdfast'
import { z } from 'zod'
import { server } from './fixture.js'

// The keys are those that the suite answers with; without them a question names itself.
const nameForm = {
  key: 'user_name',
  message: 'What is your name?',
  schema: z.object({ name: z.string().describe('Your name.') }),
}

server.tool(
  'test_sampling',
  {
    description: "Asks the client's model.",
    input: z.object({ prompt: z.string().describe('What to ask it.') }),
  },
  async ({ prompt }, ctx) => {
    const messages = [{ role: 'user', content: { type: 'text', text: prompt } }] as const
    const { content } = await ctx.sample({ messages, maxTokens: 100 })
    return `LLM response: ${JSON.stringify(content)}`
  },
)

server.tool(
  'test_elicitation',
  {
    description: 'Asks the user for a name and an address.',
    input: z.object({ message: z.string().describe('What the user is told.') }),
  },
  async ({ message }, ctx) => {
    const schema = z.object({
      username: z.string().describe("User's response"),
      email: z.string().describe("User's email address"),
    })
    return `User response: ${JSON.stringify(await ctx.elicit({ message, schema }))}`
  },
)

server.tool(
  'test_elicitation_sep1034_defaults',
  { description: 'Asks with a default for each kind of field.' },
  async (_input, ctx) => {
    const schema = {
      type: 'object',
      properties: {
        name: { type: 'string', description: 'Full name.', default: 'John Doe' },
        age: { type: 'integer', description: 'Age in years.', default: 30 },
        score: { type: 'number', description: 'Score.', default: 95.5 },
        status: {
          type: 'string',
          description: 'Status.',
          enum: ['active', 'inactive', 'pending'],
          default: 'active',
        },
        verified: { type: 'boolean', description: 'Whether it was verified.', default: true },
      },
    } as const
    const answer = await ctx.elicit({ message: 'Please review your details.', schema })
    return `Elicitation completed: ${JSON.stringify(answer)}`
  },
)

server.tool(
  'test_elicitation_sep1330_enums',
  { description: 'Asks with each kind of choice.' },
  async (_input, ctx) => {
    const titled = (title: string) => [
      { const: 'value1', title: `First ${title}` },
      { const: 'value2', title: `Second ${title}` },
      { const: 'value3', title: `Third ${title}` },
    ]
    const options = ['option1', 'option2', 'option3']
    const schema = jsonSchema<object>({
      type: 'object',
      properties: {
        untitledSingle: { type: 'string', description: 'One of three.', enum: options },
        titledSingle: { type: 'string', description: 'One of three.', oneOf: titled('Option') },
        legacyEnum: {
          type: 'string',
          description: 'One of three.',
          enum: ['opt1', 'opt2', 'opt3'],
          enumNames: ['Option One', 'Option Two', 'Option Three'],
        },
        untitledMulti: {
          type: 'array',
          description: 'Some of three.',
          items: { type: 'string', enum: options },
        },
        titledMulti: { type: 'array', description: 'Some of three.', items: { anyOf: titled('Choice') } },
      },
    })
    const answer = await ctx.elicit({ message: 'Please choose.', schema })
    return `Elicitation completed: ${JSON.stringify(answer)}`
  },
)

server.tool(
  'test_input_required_result_elicitation',
  { description: 'Asks the user for a name.' },
  async (_input, ctx) => {
    const answer = await ctx.elicit(nameForm)
    return answer.action === 'accept' ? `Hello, ${answer.content.name}!` : 'Hello, whoever you are!'
  },
)

server.tool(
  'test_input_required_result_sampling',
  { description: "Asks the client's model for a capital." },
  async (_input, ctx) => {
    const messages = [
      { role: 'user', content: { type: 'text', text: 'What is the capital of France?' } },
    ] as const
    const { content } = await ctx.sample({ key: 'capital_question', messages, maxTokens: 100 })
    return JSON.stringify(content)
  },
)

server.tool(
  'test_input_required_result_list_roots',
  { description: 'Asks the client for its roots.' },
  async (_input, ctx) => JSON.stringify(await ctx.roots({ key: 'client_roots' })),
)

const confirmation = {
  key: 'confirm',
  message: 'Please confirm',
  schema: z.object({ ok: z.boolean().describe('Whether to go on.') }),
}

for (const name of [
  'test_input_required_result_request_state',
  'test_input_required_result_tampered_state',
]) {
  server.tool(name, { description: 'Asks for a confirmation.' }, async (_input, ctx) => {
    const { action } = await ctx.elicit(confirmation)
    return `state-ok: ${action}`
  })
}

server.tool(
  'test_input_required_result_multiple_inputs',
  { description: 'Asks three things at once.' },
  async (_input, ctx) => {
    const messages = [{ role: 'user', content: { type: 'text', text: 'Generate a greeting' } }] as const
    const answers = await Promise.all([
      ctx.elicit(nameForm),
      ctx.sample({ key: 'greeting', messages, maxTokens: 50 }),
      ctx.roots({ key: 'client_roots' }),
    ])
    return JSON.stringify(answers)
  },
)

server.tool(
  'test_input_required_result_multi_round',
  { description: 'Asks two things, one after the other.' },
  async (_input, ctx) => {
    const first = await ctx.elicit({
      key: 'step1',
      message: 'Step 1: What is your name?',
      schema: z.object({ name: z.string().describe('Your name.') }),
    })
    const second = await ctx.elicit({
      key: 'step2',
      message: 'Step 2: What is your favorite color?',
      schema: z.object({ color: z.string().describe('A color.') }),
    })
    return JSON.stringify([first, second])
  },
)

server.tool(
  'test_input_required_result_capabilities',
  { description: 'Asks what the client can answer.' },
  async (_input, ctx) => {
    const messages = [{ role: 'user', content: { type: 'text', text: 'Say hello.' } }] as const
    const answers = await Promise.all([
      ctx.supports('elicitation') ? ctx.elicit(nameForm) : undefined,
      ctx.supports('sampling') ? ctx.sample({ messages, maxTokens: 50 }) : undefined,
    ])
    return JSON.stringify(answers)
  },
)

server.tool(
  'test_streaming_elicitation',
  { description: 'Reports progress, then asks.' },
  async (_input, ctx) => {
    await ctx.progress(1, 2)
    const { action } = await ctx.elicit(confirmation)
    return action
  },
)

server.prompt(
  'test_input_required_result_prompt',
  { description: 'A prompt whose context the user gives.' },
  async (_args, ctx) => {
    const answer = await ctx.elicit({
      key: 'user_context',
      message: 'What context should the prompt use?',
      schema: z.object({ context: z.string().describe('The context.') }),
    })
    return answer.action === 'accept' ? `Context: ${answer.content.context}` : 'No context.'
  },
)
