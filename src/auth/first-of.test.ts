import { describe, expect, it } from 'vitest'
import type { AuthenticationResult, Authenticator, Credentials } from '../contracts/authenticator.js'
import { anonymous } from '../contracts/principal.js'
import { apiKeys } from './api-keys.js'
import { firstOf } from './first-of.js'

const credentials: Credentials = { transport: 'http', header: () => undefined }
const yes: AuthenticationResult = { ok: true, principal: anonymous }
const no = (status: 401 | 403): AuthenticationResult => ({ ok: false, status, message: 'No.' })
const one = (result: AuthenticationResult, known?: AuthenticationResult): Authenticator => ({
  authenticate: () => result,
  ...(known !== undefined && { recall: () => (known.ok ? known : undefined) }),
})

describe('firstOf recalls without work', () => {
  it('who is known to one that can tell', () => {
    expect(firstOf(one(no(401), no(401)), one(yes, yes)).recall?.(credentials)).toBe(yes)
  })

  it('nobody behind one that would have to be asked, and might not want the caller', () => {
    expect(firstOf(one(no(403)), one(yes, yes)).recall?.(credentials)).toBeUndefined()
  })
})

describe('firstOf', () => {
  it("takes another library's promise for one", async () => {
    const foreign = (result: AuthenticationResult): Authenticator => ({
      authenticate: () => ({ then: (done: (value: unknown) => void) => done(result) }) as never,
    })
    expect(await firstOf(foreign(no(401)), one(yes)).authenticate(credentials)).toBe(yes)
    expect(await firstOf(foreign(yes), one(no(401))).authenticate(credentials)).toBe(yes)
    expect(await firstOf(foreign(no(403)), one(yes)).authenticate(credentials)).toMatchObject({ status: 403 })
  })
})

describe('keys that are looked up', () => {
  it('are the same principal as long as they say the same, and nobody once they are gone', async () => {
    let owner: { subject: string; permissions: string[] } | undefined = { subject: 'ci', permissions: ['a'] }
    const keys = apiKeys({ lookup: async () => owner })
    const header = (name: string): string | undefined => (name === 'x-api-key' ? 'k'.repeat(32) : undefined)
    const ask = async (): Promise<unknown> => {
      const result = await keys.authenticate({ transport: 'http', header })
      return result.ok ? result.principal : result.status
    }
    const first = await ask()
    expect(await ask()).toBe(first)
    owner = { subject: 'ci', permissions: ['a', 'b'] }
    const second = await ask()
    expect(second).not.toBe(first)
    expect(await ask()).toBe(second)
    owner = undefined
    expect(await ask()).toBe(401)
    expect(keys.bounded?.map((bounded) => bounded.stats().name)).toEqual(['API keys', 'API keys, looked up'])
  })
})
