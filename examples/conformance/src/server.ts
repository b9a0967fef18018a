import { serve } from 'holdfast/node'
import { server } from './fixture.js'
import './tools.js'
import './resources.js'
import './prompts.js'

await serve(server)
