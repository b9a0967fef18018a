import { serve } from 'holdfast/node'
import { server } from './fixture.js'
import './tools.js'
import './resources.js'
import './prompts.js'
import './interaction.js'
import './tasks.js'
import './changes.js'

await serve(server)
