import type { Server } from 'holdfast'
import { user } from 'holdfast'
import { z } from 'zod'
import { namesFor } from '../names-for.js'
import { deskOf, type Services } from '../services.js'

const questions = [
  'What stands out in this data?',
  'What changed over time?',
  'Which groups differ most?',
  'What is missing or looks wrong?',
]

/** A prompt that walks a model through one dataset: look first, then ask, then check. */
export function addExploreDataset(server: Pick<Server<Services>, 'prompt'>): void {
  server.prompt(
    'explore-dataset',
    {
      title: 'Explore a dataset',
      description: 'Starts an analysis of one dataset, with a question of your own or an open one.',
      input: z.object({
        dataset: z.string().min(1).max(100).describe('Name of a dataset, e.g. movies'),
        question: z
          .string()
          .max(1000)
          .optional()
          .describe('What you want to know; left out: what stands out'),
      }),
      complete: {
        dataset: (typed, ctx) => namesFor(deskOf(ctx), typed),
        question: (typed) =>
          questions.filter((question) => question.toLowerCase().startsWith(typed.toLowerCase())),
      },
    },
    ({ dataset, question }, ctx) => {
      const desk = deskOf(ctx)
      const known = desk.datasets.get(dataset.toLowerCase())
      const near = known === undefined ? desk.near(dataset) : []
      const about =
        known === undefined
          ? `There is no dataset named ${JSON.stringify(dataset)}. ` +
            (near.length > 0 ? `Similar names: ${near.join(', ')}. ` : '') +
            'Call list-datasets, choose the one that fits, and say which you chose.'
          : `The dataset ${known.name} (in SQL: ${known.sql}) has ${known.rows} rows and the columns ` +
            `${known.columns.map(({ name, type }) => `${JSON.stringify(name)} ${type}`).join(', ')}.`
      return user(
        [
          `Analyse a dataset and answer: ${question ?? questions[0]}`,
          about,
          'Work like this:',
          '1. Call describe-dataset, and note missing values, odd extremes and units.',
          '2. Answer with query-dataset. Let SQL do the arithmetic, and aggregate instead of reading many rows.',
          '3. Check the answer with a second query that could prove it wrong.',
          '4. Report the finding first, then the numbers, then the SQL, and what the data cannot tell.',
        ].join('\n'),
      )
    },
  )
}
