import { parseArgs } from 'node:util'
import { signToken } from 'holdfast/auth'

/** What `jwt({ secret, audience: 'holdfast-development' })` takes. */
const developmentAudience = 'holdfast-development'

const usage = `Usage: holdfast token --sub <name> [options]

Makes a token for development and writes it to stdout. It is signed with HS256 and the secret in the environment's
HOLDFAST_SECRET, or in a file; a server with jwt({ secret, audience: '${developmentAudience}' }) takes it.

  --sub <name>            whom the token is for
  --permission <name>     what it grants; may be given again
  --expires <duration>    how long it counts, such as 15m or 1h (default: 1h)
  --audience <text>       the server it is for (default: ${developmentAudience})
  --issuer <text>         who issues it (default: holdfast)
  --secret-file <path>    the file that holds the secret`

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The command `holdfast token`.
 * @returns what goes to stdout: the token, or the usage
 * @throws Error with one sentence for arguments or a secret that cannot be used; it never shows the secret
 */
export async function token(
  args: readonly string[],
  environment: Environment,
  readFile: (path: string) => string,
): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sub: { type: 'string' },
      permission: { type: 'string', multiple: true, default: [] },
      expires: { type: 'string', default: '1h' },
      audience: { type: 'string', default: developmentAudience },
      issuer: { type: 'string', default: 'holdfast' },
      'secret-file': { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return usage
  if (values.sub === undefined)
    throw new Error('holdfast token needs --sub, the name of whom the token is for.')
  return signToken({
    secret: secretOf(values['secret-file'], environment, readFile),
    subject: values.sub,
    permissions: values.permission,
    // What is no duration is refused with a sentence of its own.
    expiresIn: values.expires as '1h',
    audience: values.audience,
    issuer: values.issuer,
  })
}

/** Never an argument: those stand in the list of processes and in the shell's history. */
function secretOf(
  path: string | undefined,
  environment: Environment,
  readFile: (path: string) => string,
): string {
  if (path !== undefined) {
    try {
      return readFile(path).trim()
    } catch (error) {
      const { code = 'no reason given' } = error as { code?: string }
      throw new Error(`The secret cannot be read from ${JSON.stringify(path)} (${code}).`)
    }
  }
  const secret = environment['HOLDFAST_SECRET']
  if (secret !== undefined && secret !== '') return secret
  throw new Error('holdfast token needs a secret; set HOLDFAST_SECRET, or name a file with --secret-file.')
}
