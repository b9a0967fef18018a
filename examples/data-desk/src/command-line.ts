import { parseArgs } from 'node:util'

export const usage = `data-desk: SQL over real datasets as an MCP server, read only

  --data DIR   serve the CSV, TSV, JSON and Parquet files of DIR instead of the bundled data
  --port N     serve HTTP on this port (default: PORT, else 3000; 0 takes a free one)
  --stdio      serve on standard input and output instead
  --auth       ask for tokens, and make two for development: DATA_DESK_SECRET signs them (32 characters or more),
               or a secret that ends with the process; on stdio the caller's token is in HOLDFAST_TOKEN
  --allow-fetch HOST:PORT
               let import-csv fetch from this private address, for development (up to 20 times)
  --help       show this

With DATABASE_URL the datasets are those that "npm run data-desk:load" has put into that PostgreSQL database.
`

const takes = 'data-desk takes --data DIR, --port N, --stdio, --auth, --allow-fetch HOST:PORT and --help'
const maxAllowed = 20

export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'mistake'; readonly message: string }
  | {
      readonly kind: 'serve'
      readonly data: string | undefined
      readonly port: number | undefined
      /** Whether callers need tokens. */
      readonly auth: boolean
      /** Private addresses that may be fetched from, as host:port. */
      readonly allowFetch: readonly string[]
    }

const options = {
  data: { type: 'string' },
  port: { type: 'string' },
  stdio: { type: 'boolean' },
  auth: { type: 'boolean' },
  'allow-fetch': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

function mistake(message: string): Command {
  return { kind: 'mistake', message }
}

/** A name, an IPv4 address or an IPv6 address in brackets, and a port. */
function isHostAndPort(text: string): boolean {
  const [, port] = /^(?:\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253}):(\d{1,5})$/i.exec(text) ?? []
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535
}

/**
 * Reads the arguments after the script's name. `port` is undefined on stdio. Never throws: a mistake is one sentence.
 */
export function readCommand(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Command {
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true })
  const values = new Map<string, string | true>()
  const allowFetch: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional')
      return mistake(`Unexpected argument ${JSON.stringify(token.value)}; ${takes}.`)
    if (token.kind !== 'option') continue
    const known = Object.entries(options).find(([name]) => name === token.name)
    if (known === undefined) return mistake(`Unknown option ${token.rawName}; ${takes}.`)
    const [name, { type }] = known
    if (values.has(name) && name !== 'allow-fetch') return mistake(`The option --${name} is given twice.`)
    if (type === 'boolean' && token.value !== undefined)
      return mistake(`The option --${name} takes no value.`)
    if (
      type === 'string' &&
      (token.value === undefined || token.value === '' || token.value.startsWith('--'))
    ) {
      return mistake(`The option --${name} needs a value; ${takes}.`)
    }
    if (name === 'allow-fetch') allowFetch.push(token.value ?? '')
    values.set(name, token.value ?? true)
  }
  if (values.has('help')) return { kind: 'help' }
  const wrong = allowFetch.find((text) => !isHostAndPort(text))
  if (wrong !== undefined) {
    return mistake(
      `--allow-fetch must be HOST:PORT, such as 127.0.0.1:8080, and is ${JSON.stringify(wrong)}.`,
    )
  }
  if (allowFetch.length > maxAllowed) {
    return mistake(`--allow-fetch can be given ${maxAllowed} times, and is given ${allowFetch.length} times.`)
  }
  const data = values.get('data')
  const served = {
    kind: 'serve',
    data: typeof data === 'string' ? data : undefined,
    auth: values.has('auth'),
    allowFetch,
  } as const
  const port = values.get('port')
  if (values.has('stdio')) {
    return port === undefined ? { ...served, port: undefined } : mistake('Give --stdio or --port, not both.')
  }
  const fromEnvironment = env['PORT'] === '' ? undefined : env['PORT']
  const [text, origin] = port !== undefined ? [String(port), '--port'] : [fromEnvironment ?? '3000', 'PORT']
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    return mistake(`${origin} must be a number from 0 to 65535, and is ${JSON.stringify(text)}.`)
  }
  return { ...served, port: Number(text) }
}
