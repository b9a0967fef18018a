import { wordList } from './word-list.js'

const KEYWORDS = wordList(
  'type description title format minLength maxLength pattern writeOnly readOnly nullable deprecated minimum maximum ' +
    'minItems maxItems uniqueItems items required additionalProperties contentEncoding $schema $id $ref $comment',
)

/**
 * Whether a member of an object says in JSON Schema what a value looks like, and never what it is: `default`, `const`,
 * `enum` and `examples` are none of these.
 */
export function isSchemaKeyword(name: string): boolean {
  return KEYWORDS.has(name)
}
