import { setTimeout as sleep } from 'node:timers/promises'
import { server } from './fixture.js'

const extraTool = server.tool('test_extra_tool', { description: 'Comes and goes.' }, () => 'Here.')
const extraPrompt = server.prompt('test_extra_prompt', { description: 'Comes and goes.' }, () => 'Here.')
extraTool.disable()
extraPrompt.disable()

server.tool('test_trigger_tool_change', { description: 'Changes the list of tools.' }, () => {
  if (extraTool.enabled) extraTool.disable()
  else extraTool.enable()
  return 'The list of tools changed.'
})

server.tool('test_trigger_prompt_change', { description: 'Changes the list of prompts.' }, () => {
  if (extraPrompt.enabled) extraPrompt.disable()
  else extraPrompt.enable()
  return 'The list of prompts changed.'
})

server.resource(
  'watched',
  { uri: 'test://watched-resource', description: 'A text that clients watch.', mimeType: 'text/plain' },
  () => 'Watched.',
)

server.tool(
  'test_reconnection',
  { description: 'Lets its client come back for the result.' },
  async (_input, ctx) => {
    ctx.closeStream()
    await sleep(100)
    return 'The client came back.'
  },
)

server.tool('test_tool_with_logging', { description: 'Sends three log messages.' }, async (_input, ctx) => {
  await ctx.logToClient('info', 'Tool execution started')
  await sleep(50)
  await ctx.logToClient('info', 'Tool processing data')
  await sleep(50)
  await ctx.logToClient('info', 'Tool execution completed')
  return 'Three messages were sent.'
})
