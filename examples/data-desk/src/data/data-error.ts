/** The data cannot be served; the message is one sentence for whoever starts the server. */
export class DataError extends Error {
  override readonly name = 'DataError'
}
