export type ImportRefusalCode =
  | 'name_taken'
  | 'download_failed'
  | 'import_timeout'
  | 'not_csv'
  | 'csv_malformed'
  | 'file_too_large'
  | 'quota_reached'
  | 'import_running'
  | 'desk_full'
  | 'cancelled'

/** Why a file was not imported, in words meant for whoever asked for it; tools pass it on unchanged. */
export class ImportRefusal extends Error {
  readonly code: ImportRefusalCode
  readonly hint: string | undefined

  constructor(code: ImportRefusalCode, message: string, hint?: string) {
    super(message)
    this.name = 'ImportRefusal'
    this.code = code
    this.hint = hint
  }
}
