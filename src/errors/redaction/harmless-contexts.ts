import { isSensitiveName } from '../secrets.js'
import { isHarmless } from './harmless-values.js'
import { isSchemaKeyword } from './schema-keywords.js'
import type { SecretKind } from './secret-names.js'
import type { Span } from './value-spans.js'

/** A name in the text, and what it says of the value that may follow. */
export interface Name {
  readonly start: number
  readonly end: number
  readonly text: string
  readonly kind: SecretKind
}

/** What a permission such as `secrets:read` allows. */
const SCOPE =
  /^(?:read|write|manage|create|delete|update|list|view|rotate|revoke|issue|refresh|introspect|exchange|reset|all|use|\*)$/

/** `secrets:read` is a permission, and `arn:…:secret:name` the name of a resource. */
export function isResource(text: string, value: string, { kind, start }: Name): boolean {
  if (SCOPE.test(value) || (kind === 'count' && value === 'admin')) return true
  return text[start - 1] === ':' && /\barn:[\w:/*-]{0,100}$/.test(text.slice(Math.max(0, start - 110), start))
}

/** Whether a list or an object under a sensitive name has text in it; what it counts may be seen. */
export function isSecretList(text: string, span: Span, { kind, text: name }: Name): boolean {
  const list = text.slice(span.start, span.end)
  if (isHarmless(list, kind, name) || isSchemaText(list)) return false
  const values = list
    .replace(/[\\"'\w-]{1,80}\s{0,4}:/g, '')
    .replace(/\b(?:true|false|null|undefined)\b/g, '')
  return /[^\s\d[\]{},.:+-]/.test(values)
}

/** A JSON Schema that says what a secret looks like. */
function isSchemaText(list: string): boolean {
  const type =
    /^\{\s{0,20}[\\"']{0,8}type[\\"']{0,8}\s{0,4}:\s{0,4}[\\"']{0,8}(?:string|number|integer|boolean|object|array|null)\b/
  if (!type.test(list)) return false
  const names = [...list.matchAll(/([\w$-]{1,40})[\\"']{0,8}\s{0,4}:/g)].map((match) => match[1] ?? '')
  return names.every(isSchemaKeyword)
}

/**
 * `Failed to refresh the token: connection refused`: a sentence that goes on with its reason. Tokens and keys are
 * never plain words; a password may be one, so there somebody must have failed before.
 */
export function isReason(text: string, probe: Span, name: Name): boolean {
  const value = text.slice(probe.start, probe.end)
  const after = text.slice(probe.end, probe.end + 2)
  if (!/^[\p{L}'’]{1,40}$/u.test(value)) return false
  if (
    /^[A-Z]\w*(?:Error|Exception)$|^E(?:NO|CONN|TIMED|ACC|PERM|EXIST|HOST|NET|PIPE|ADDR|IS|MFILE)[A-Z]*$/.test(
      value,
    )
  )
    return true
  if (!/^(?: [\p{L}'"\d(]|: ?)/u.test(after)) return false
  if (name.kind !== 'password') return true
  const before = text.slice(Math.max(0, name.start - 64), name.start)
  return /\b(?:fail\w{0,4}|error\w{0,4}|cannot|could not|couldn't|can't|unable|while|when)\b/i.test(before)
}

/** What source code and SQL put behind `=`: calls, members of the same meaning, bound parameters, variables. */
export function isCode(text: string, value: string, name: Name): boolean {
  if (/^[A-Za-z_$][\w$.]{0,128}\(/.test(value) || isExpression(value)) return true
  const bound = /^[:@$]([A-Za-z_]\w{0,60})$/.exec(value)?.[1]
  if (bound !== undefined) return isSensitiveName(bound) || /^(?:[a-z]{1,2}\d{0,2}|hash|value)$/.test(bound)
  // `hashedPassword`, `new_token`: variables are called after what they hold, and have no digits.
  if (/^[a-z][A-Za-z_]{7,60}$/.test(value) && /[a-z][A-Z]|_/.test(value) && isSensitiveName(value))
    return true
  const before = text.slice(Math.max(0, name.start - 12), name.start)
  return /\b(?:const|let|var|return|if \(?)\s{1,4}$/.test(before) && /^[A-Za-z_$]+$/.test(value)
}

/** Source code that no value looks like: `z.string()`, `req.headers.authorization`, `process.env.TOKEN`. */
export function isExpression(value: string): boolean {
  if (/^[A-Za-z_$][\w$]{0,40}\.[\w$.]{1,128}\(/.test(value) || /^(?:new|await)$/.test(value)) return true
  if (
    /^(?:process\.env|import\.meta|os\.environ)\b|^(?:env|req|request|ctx|this|self)\.[A-Za-z_$]{2}/.test(
      value,
    )
  )
    return true
  const member = /^[A-Za-z_$][\w$.?[\]]{0,128}\.([A-Za-z_$][\w$]{0,60})$/.exec(value)?.[1]
  return member !== undefined && /^[A-Za-z_$]+$/.test(member) && isSensitiveName(member)
}
