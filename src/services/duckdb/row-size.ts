import type * as Api from '@duckdb/node-api'
import type { DuckDBDataChunk, DuckDBVector } from '@duckdb/node-api'

/** What a cell counts for when it holds a number, a date, or nothing. */
const cellBytes = 8

/** Where a text or a blob of a vector says how long it is, sixteen bytes for each (duckdb.h, `duckdb_string_t`). */
interface TextVector {
  readonly dataView?: unknown
  readonly validity?: { itemValid?(index: number): boolean }
}

interface ListVector {
  readonly childVector?: DuckDBVector
  getEntryOffset?(index: number): number
  getEntryLength?(index: number): number
}

interface NestedVector {
  /** Of a map. */
  readonly listVector?: ListVector
  /** Of a union. */
  readonly structVector?: NestedVector
  readonly entryVectors?: readonly DuckDBVector[]
  /** Of an array. */
  readonly childData?: DuckDBVector
}

/**
 * Makes the function that says about how many bytes a row has, before it is made of JavaScript: one list of DuckDB can be larger than
 * the server's memory. Only as exact as it must be: it stops at `limit`, and what a version of the driver does not show counts as
 * little.
 */
export function rowSizes({
  DuckDBTypeId: { VARCHAR, BLOB, BIT, BIGNUM, GEOMETRY },
}: typeof Api): (chunk: DuckDBDataChunk, row: number, limit: number) => number {
  const texts: ReadonlySet<number> = new Set([VARCHAR, BLOB, BIT, BIGNUM, GEOMETRY])

  function itemBytes(vector: DuckDBVector, index: number, limit: number): number {
    const { dataView, validity } = vector as unknown as TextVector
    if (validity?.itemValid?.(index) === false) return cellBytes
    if (texts.has(vector.type.typeId)) {
      return cellBytes + (dataView instanceof DataView ? dataView.getUint32(index * 16, true) : 0)
    }
    const nested = vector as unknown as NestedVector & ListVector
    const list = nested.listVector ?? nested
    if (
      list.childVector !== undefined &&
      list.getEntryLength !== undefined &&
      list.getEntryOffset !== undefined
    ) {
      return itemsBytes(list.childVector, list.getEntryOffset(index), list.getEntryLength(index), limit)
    }
    const entries = nested.structVector?.entryVectors ?? nested.entryVectors
    if (entries !== undefined) {
      return entries.reduce(
        (sum, entry) => (sum > limit ? sum : sum + itemBytes(entry, index, limit)),
        cellBytes,
      )
    }
    if (nested.childData !== undefined && vector.itemCount > 0) {
      const each = nested.childData.itemCount / vector.itemCount
      return itemsBytes(nested.childData, index * each, each, limit)
    }
    return cellBytes
  }

  function itemsBytes(vector: DuckDBVector, from: number, count: number, limit: number): number {
    let bytes = count * cellBytes
    for (let index = from; index < from + count && bytes <= limit; index += 1) {
      bytes += itemBytes(vector, index, limit) - cellBytes
    }
    return bytes
  }

  return (chunk, row, limit) => {
    let bytes = 0
    for (let column = 0; column < chunk.columnCount && bytes <= limit; column += 1) {
      bytes += itemBytes(chunk.getColumnVector(column), row, limit)
    }
    return bytes
  }
}
