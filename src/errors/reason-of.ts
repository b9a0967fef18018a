import { redactText } from './redaction/redact-text.js'

/** What went wrong, as one sentence for whoever runs the server: its secrets taken out. */
export function reasonOf(error: unknown): string {
  const message = redactText(error instanceof Error ? messageOf(error) : String(error)).trim()
  return message === '' ? 'it did not say why.' : message.replace(/\.?$/, '.')
}

/** Errors of several attempts to connect have no message of their own. */
function messageOf(error: Error): string {
  if (error.message !== '') return error.message
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : []
  if (first instanceof Error && first.message !== '') return first.message
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
