import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { server } from './fixture.js'

server.tool(
  'greet',
  { description: 'Greets.', input: z.object({ name: z.string().describe('Whom to greet.') }) },
  ({ name }) => `Hello, ${name}!`,
)

server.tool(
  'slow_compute',
  {
    description: 'Takes as long as it is told.',
    task: 'optional',
    input: z.object({
      seconds: z.number().describe('How long, in seconds.'),
      label: z.string().optional().describe('What to call it.'),
    }),
  },
  async ({ seconds, label = 'unnamed' }, ctx) => {
    await sleep(seconds * 1000, undefined, { signal: ctx.signal })
    return `Computed ${label}.`
  },
)

server.tool(
  'failing_job',
  {
    description: 'Fails as a tool may.',
    task: 'required',
    errors: { job_failed: { message: 'The job failed, as it should.' } },
  },
  (_input, ctx) => {
    throw ctx.error('job_failed')
  },
)

server.tool(
  'protocol_error_job',
  { description: 'Needs what the client did not declare.', task: 'optional' },
  async (_input, ctx) => JSON.stringify(await ctx.roots()),
)

const confirm = z.object({ confirm: z.boolean().describe('Whether to do it.') })

server.tool(
  'confirm_delete',
  {
    description: 'Asks before it does what it pretends to do.',
    task: 'optional',
    input: z.object({ filename: z.string().describe('What to delete.') }),
  },
  async ({ filename }, ctx) => {
    const answer = await ctx.elicit({ message: `Delete ${filename}?`, schema: confirm })
    return answer.action === 'accept' && answer.content.confirm ? `Deleted ${filename}.` : 'Kept it.'
  },
)

server.tool(
  'multi_input',
  { description: 'Asks two things at once.', task: 'optional' },
  async (_input, ctx) => {
    const answers = await Promise.all([
      ctx.elicit({ message: 'The first question.', schema: confirm }),
      ctx.elicit({ message: 'The second question.', schema: confirm }),
    ])
    return JSON.stringify(answers)
  },
)

server.tool(
  'test_tool_with_task',
  {
    description: 'Asks first, then goes on as a task.',
    task: { support: 'required', begins: 'handler' },
  },
  async (_input, ctx) => {
    const answer = await ctx.elicit({
      key: 'user_name',
      message: 'What is your name?',
      schema: z.object({ name: z.string().describe('Your name.') }),
    })
    const name = answer.action === 'accept' ? answer.content.name : 'nobody'
    await ctx.beginTask()
    await sleep(100, undefined, { signal: ctx.signal })
    return `Done for ${name}.`
  },
)
