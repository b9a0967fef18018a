import { StartError } from '../errors/start-error.js'

export type Jose = typeof import('jose')

let loading: Promise<Jose> | undefined

/** @throws StartError when the package is not installed. */
export function loadJose(): Promise<Jose> {
  loading ??= import('jose').catch((cause: unknown) => {
    loading = undefined
    throw new StartError('Checking tokens needs the package jose: install it with `npm install jose`.', {
      cause,
    })
  })
  return loading
}
