import type { Server } from 'holdfast'
import { namesFor } from '../names-for.js'
import type { Services } from '../services.js'

/** `data://{name}/schema`: one dataset's columns and types, as JSON, for clients that attach context themselves. */
export function addSchemaResource(server: Server<Services>): void {
  server.resource(
    'dataset-schema',
    {
      uriTemplate: 'data://{name}/schema',
      title: 'Dataset schema',
      description: 'The columns and types of one dataset, its number of rows and the file it came from.',
      mimeType: 'application/json',
      list: ({ services }) =>
        [...services.desk.datasets.values()].map(({ name, file, rows }) => ({
          uri: `data://${name}/schema`,
          name: `${name}-schema`,
          title: `Schema of ${name}`,
          description: `Columns of ${name} (${file}, ${rows} rows).`,
          mimeType: 'application/json',
        })),
      complete: { name: (typed, { services }) => namesFor(services.desk, typed) },
    },
    ({ params }, { services }) => services.desk.datasets.get(params.name),
  )
}
