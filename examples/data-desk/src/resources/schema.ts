import type { Server } from 'holdfast'
import { namesFor } from '../names-for.js'
import { deskOf, type Services } from '../services.js'

/** `data://{name}/schema`: one dataset's columns and types, as JSON, for clients that attach context themselves. */
export function addSchemaResource(server: Pick<Server<Services>, 'resource'>): void {
  server.resource(
    'dataset-schema',
    {
      uriTemplate: 'data://{name}/schema',
      title: 'Dataset schema',
      description: 'The columns and types of one dataset, its number of rows and the file it came from.',
      mimeType: 'application/json',
      list: (ctx) =>
        [...deskOf(ctx).datasets.values()].map(({ name, file, rows }) => ({
          uri: `data://${name}/schema`,
          name: `${name}-schema`,
          title: `Schema of ${name}`,
          description: `Columns of ${name} (${file}, ${rows} rows).`,
          mimeType: 'application/json',
        })),
      complete: { name: (typed, ctx) => namesFor(deskOf(ctx), typed) },
    },
    ({ params }, ctx) => {
      const dataset = deskOf(ctx).datasets.get(params.name)
      if (dataset === undefined) return undefined
      const { name, sql, file, rows, columns } = dataset
      return { name, sql, file, rows, columns }
    },
  )
}
