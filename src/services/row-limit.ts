import { shown } from '../errors/shown.js'

/**
 * The most rows of one result: what was asked for, and never more than `most`.
 * @throws TypeError for what is no number of rows: with NaN a result would have no bound, or no end
 */
export function rowLimit(asked: number | undefined, most: number): number {
  if (asked === undefined) return most
  if (Number.isSafeInteger(asked) && asked >= 0) return Math.min(asked, most)
  throw new TypeError(`"maxRows" must be a whole number from 0, received ${shown(asked)}.`)
}
