const revision = '2026-07-28'

/** A statement that works on whatever data is served, without single quotes, which end a shell's argument. */
export function exampleSql(datasets: ReadonlyMap<string, { readonly sql: string }>): string {
  if (datasets.has('flights') && datasets.has('airports')) {
    return 'SELECT origin, count(*) AS flights, round(avg(delay), 1) AS delay FROM flights GROUP BY origin ORDER BY flights DESC LIMIT 5'
  }
  const [first] = datasets.values()
  return `SELECT * FROM ${first?.sql ?? 'information_schema.tables'} LIMIT 5`
}

/** One call of query-dataset as a curl command; it needs no session, because {@link revision} has none. */
export function exampleCall(url: string, sql: string, token?: string): string {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      name: 'query-dataset',
      arguments: { sql },
      _meta: {
        'io.modelcontextprotocol/protocolVersion': revision,
        'io.modelcontextprotocol/clientInfo': { name: 'curl', version: '1.0.0' },
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  })
  return [
    `curl -sS ${url}`,
    "-H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream'",
    `-H 'MCP-Protocol-Version: ${revision}' -H 'Mcp-Method: tools/call' -H 'Mcp-Name: query-dataset'`,
    ...(token === undefined ? [] : [`-H 'Authorization: Bearer ${token}'`]),
    `-d '${body.replaceAll("'", "'\\''")}'`,
  ].join(' \\\n  ')
}

/** What a newcomer needs once the server listens: the address, how clients connect, and one call to paste. */
export function connectHelp(url: string, stdioArgs: readonly string[], sql: string, token?: string): string {
  const headers = token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } }
  // Another process has another secret unless it is given one, and then the token of its start.
  const env =
    token === undefined
      ? {}
      : { env: { DATA_DESK_SECRET: 'the secret', HOLDFAST_TOKEN: 'a token made with it' } }
  const http = JSON.stringify({ mcpServers: { 'data-desk': { type: 'http', url, ...headers } } })
  const stdio = JSON.stringify({ mcpServers: { 'data-desk': { command: 'node', args: stdioArgs, ...env } } })
  return `
data-desk is ready at ${url}

Connect a client over HTTP:
  ${http}
or let it start the server itself, over stdio:
  ${stdio}

Try it:
${exampleCall(url, sql, token)}

Ctrl+C stops the server.
`
}
