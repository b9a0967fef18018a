export type RefusalCode =
  | 'not_read_only'
  | 'sql_error'
  | 'query_timeout'
  | 'desk_busy'
  | 'result_too_large'
  | 'cancelled'

/** Why a query was not answered, in words meant for whoever wrote the SQL; tools pass it on unchanged. */
export class QueryRefusal extends Error {
  readonly code: RefusalCode
  readonly hint: string | undefined

  constructor(code: RefusalCode, message: string, hint?: string) {
    super(message)
    this.name = 'QueryRefusal'
    this.code = code
    this.hint = hint
  }
}
