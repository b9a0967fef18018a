import { REDACTED } from './token-shapes.js'

/** Parameters that are secrets in a URL and anything elsewhere; names that are sensitive everywhere are not here. */
const PARAM =
  /([?&#]|&amp;|%(?:25)?(?:3f|26|23)|\\u0026)(code|key|sig|signature|x-(?:amz|goog|oss|cos|ms)-signature|auth|session|session_?id|sid|ticket|assertion|code_verifier|samlresponse|hmac|hash_token|policy_signature)(=|%(?:25)?3d)([^&\s"'`<>\\#]{1,8192})/gi
/** A login in front of a host. It ends where an authority ends (RFC 3986 3.2), or at the last `@` in it. */
const AUTHORITY = /:\/\/([^\s"'`<>\\/?#]{1,1024})/g
/** A password with a slash, a question mark or a hash in it, as people write them into variables. */
const LOOSE_LOGIN = /:\/\/([^\s"'`<>\\/?#@:[\]]{0,256}):(?!\d{1,5}[/?#])([^\s"'`<>\\@]{1,256})@(?=[\w[])/g
const ENCODED_LOGIN = /%3A%2F%2F([\w.~-]{0,128})%3A((?:[\w.~!*'()+-]|%(?!40)[0-9a-f]{2}){1,256})%40/gi
/** `user:password@tcp(host:port)/db` of Go, and `user:password@host:port` without a scheme. */
const BARE_LOGIN =
  /(?<![\w.+/:@-])([A-Za-z][\w.+-]{0,63}):([^\s"'`<>@:/,;(){}[\]]{1,128})@(?=(?:tcp|unix)\(|[\w.-]{1,253}:\d{2,5}(?!\d))/g
/** `user/password@//host:1521/service` of Oracle. */
const ORACLE_LOGIN =
  /((?:thin:|oci:|^|[\s"'=])[A-Za-z][\w$#]{0,63}\/)([^\s"'`/@]{1,128})@(?=\/\/|\(DESCRIPTION|[\w.-]{1,253}:1521)/gi
const ADDRESSES = /^(?:mailto|sips?|xmpp|acct|from|to|cc|bcc|email|mail|user|by|author|im|pres|ssh)$/i

/** Replaces logins in addresses and connection strings, and the parameters that are secrets in a URL. */
export function redactUrls(text: string): string {
  let out = text
  if (out.includes('@')) {
    if (out.includes('://')) {
      out = out.replace(AUTHORITY, redactAuthority).replace(LOOSE_LOGIN, `://$1:${REDACTED}@`)
    }
    out = out.replace(BARE_LOGIN, (whole: string, user: string) =>
      ADDRESSES.test(user) ? whole : `${user}:${REDACTED}@`,
    )
    if (out.includes('/')) out = out.replace(ORACLE_LOGIN, `$1${REDACTED}@`)
  }
  if (out.includes('%40')) out = out.replace(ENCODED_LOGIN, `%3A%2F%2F$1%3A${REDACTED}%40`)
  return /=|%3d/i.test(out) ? out.replace(PARAM, redactParam) : out
}

function redactAuthority(whole: string, authority: string): string {
  const at = authority.lastIndexOf('@')
  if (at === -1) return whole
  const login = authority.slice(0, at)
  const colon = login.indexOf(':')
  const rest = authority.slice(at)
  if (colon !== -1) {
    return colon === login.length - 1 ? whole : `://${login.slice(0, colon)}:${REDACTED}${rest}`
  }
  // Alone before the host: a token if it is long and mixed, or else a user's name.
  const token = login.length >= 20 && /\d/.test(login) && /[a-z]/i.test(login)
  return token ? `://${REDACTED}${rest}` : whole
}

function redactParam(whole: string, sign: string, name: string, equals: string, raw: string): string {
  const next = equals === '=' ? -1 : raw.search(/%(?:25)?26/)
  const value = next === -1 ? raw : raw.slice(0, next)
  return isSecretParam(name.toLowerCase(), value)
    ? sign + name + equals + REDACTED + raw.slice(value.length)
    : whole
}

/** Codes and keys in URLs are also numbers, words and paths; those are kept. */
function isSecretParam(name: string, value: string): boolean {
  if (name === 'key') {
    const path = /^[\w.-]{0,64}(?:\/|%2f)|\.\w{2,4}$/i.test(value)
    return (
      value.length >= 5 &&
      !path &&
      (/\d/.test(value) ? /[a-z]/i.test(value) : /[A-Z]/.test(value) && /[a-z]{2}/.test(value))
    )
  }
  if (name === 'code') {
    return value.length >= 6 && /\d/.test(value) && (/[a-z]/i.test(value) || value.length >= 8)
  }
  if (name.startsWith('session') || name === 'sid') return value.length >= 8 && /\d/.test(value)
  if (name === 'auth') return value.length >= 12 && /\d/.test(value)
  return value.length >= 8
}
