// Written by scripts/generate-sql-functions.mjs; what is missing or too much is mended there.
/** Built-in functions of SQLite 3.53 that only read, with those of its documented options. */

export const sqliteFunctions: ReadonlySet<string> = new Set(
  `
  -> ->> abs acos acosh asin asinh atan atan2 atanh avg bm25 ceil ceiling changes char coalesce concat
  concat_ws cos cosh count cume_dist current_date current_time current_timestamp date datetime degrees
  dense_rank exp first_value floor format geopoly_area geopoly_bbox geopoly_blob geopoly_ccw
  geopoly_contains_point geopoly_debug geopoly_group_bbox geopoly_json geopoly_overlap geopoly_regular
  geopoly_svg geopoly_within geopoly_xform glob group_concat hex highlight if ifnull iif instr json
  json_array json_array_insert json_array_length json_error_position json_extract json_group_array
  json_group_object json_insert json_object json_patch json_pretty json_quote json_remove json_replace
  json_set json_type json_valid jsonb jsonb_array jsonb_array_insert jsonb_extract jsonb_group_array
  jsonb_group_object jsonb_insert jsonb_object jsonb_patch jsonb_remove jsonb_replace jsonb_set julianday lag
  last_insert_rowid last_value lead length like likelihood likely ln log log10 log2 lower ltrim match
  matchinfo max median min mod nth_value ntile nullif octet_length offsets percent_rank percentile
  percentile_cont percentile_disc pi pow power printf quote radians random randomblob rank regexp replace
  round row_number rtreecheck rtreedepth rtreenode rtrim sign sin sinh snippet soundex
  sqlite_compileoption_get sqlite_compileoption_used sqlite_offset sqlite_source_id sqlite_version sqrt
  strftime string_agg substr substring subtype sum tan tanh time timediff total total_changes trim trunc
  typeof unhex unicode unistr unistr_quote unixepoch unlikely upper zeroblob
`
    .trim()
    .split(/\s+/),
)
