/** What stands in a text where a secret stood. */
export const REDACTED = '[redacted]'

/** Only runs of these characters are held against the shapes, so plain prose costs one pass. */
const RUN = /[\w~.-]{16,}/g
/** Hashes, UUIDs and numbers, the runs that logs are full of; no shape begins like them. */
const PLAIN_RUN = /^[0-9a-f.-]{16,}$/
/** Names of types, functions and files: short, and without a digit. No issuer's tokens are. */
const NAME_RUN = /^[^\d]{16,23}$/

/**
 * Tokens that say what they are, by the prefixes that their issuers publish. Letters and digits before a shape end
 * it; repetitions are of one class each and bounded where more must follow.
 */
const ISSUED = [
  // JWT and JWE; after an underscore or a hyphen the header is bounded, or many starts would scan one run.
  String.raw`(?<![_-])eyJ[\w-]{5,}\.(?:[\w-]{5,}|(?=\.))(?:\.[\w-]*){0,3}`,
  String.raw`(?<=[_-])eyJ[\w-]{5,400}\.(?:[\w-]{5,}|(?=\.))(?:\.[\w-]*){0,3}`,
  // Clouds: AWS, Google, Azure, DigitalOcean, Alibaba, Tencent, Heroku, Fly, Databricks, Tailscale, OpenShift
  '(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}(?![A-Za-z0-9])',
  String.raw`AIza[\w-]{20,}|ya29\.[\w.-]{10,}|GOCSPX-[\w-]{16,}`,
  String.raw`[\w~.-]{3}[0-9]Q~[\w~.-]{31,}`,
  String.raw`do[opr]_v1_[0-9a-f]{32,}|LTAI[A-Za-z0-9]{12,24}|AKID[A-Za-z0-9]{28,40}|HRKU-[\w-]{20,}|fo1_[\w-]{20,}`,
  String.raw`dapi[0-9a-f]{32}|tskey-[a-z]{2,16}-[\w-]{10,}|sha256~[\w-]{40,}|nfp_[\w]{20,}|vcp_[\w]{20,}|sbp_[0-9a-f]{20,}`,
  String.raw`sb_secret_[\w-]{16,}|pscale_(?:tkn|pw|oauth)_[\w.-]{16,}|napi_[a-z0-9]{20,}`,
  // Code and packages: GitHub, GitLab, Atlassian, npm, PyPI, RubyGems, crates.io, NuGet, Docker, JFrog, Sonar, CI
  String.raw`gh[pousr]_\w{16,}|github_pat_\w{16,}|gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|oas|wt|ffct)-[\w.-]{10,}`,
  String.raw`GR1348941[\w-]{16,}|ATATT3[\w.-]{20,}|ATCTT3[\w.-]{20,}|ATBB[A-Za-z0-9]{24,}`,
  String.raw`npm_[A-Za-z0-9]{16,}|pypi-(?=[a-z_-]{0,80}[A-Z0-9])[\w-]{16,}|rubygems_[0-9a-f]{32,}|cio[A-Za-z0-9]{32}(?![A-Za-z0-9])`,
  String.raw`oy2[a-z0-9]{43}|dckr_[po]at_[\w-]{16,}|AKCp[A-Za-z0-9]{40,}|sq[upa]_[0-9a-f]{32,}|CCIPAT_\w{16,}|bkua_[0-9a-f]{32,}`,
  String.raw`PMAK-[\w-]{24,}|lin_api_\w{20,}|figd_[\w-]{20,}|ntn_\w{20,}|secret_[A-Za-z0-9]{32,}|CFPAT-[\w-]{20,}`,
  String.raw`pul-[0-9a-f]{40}|dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{20,}|hv[sbr]\.[\w-]{16,}|[A-Za-z0-9]{14}\.atlasv1\.[\w-]{20,}`,
  String.raw`pat[A-Za-z0-9]{14}\.[0-9a-f]{40,}|ops_eyJ[\w-]{20,}|AGE-SECRET-KEY-1[A-Z0-9]{20,}|b3BlbnNzaC1rZXktdjE\w{4,}`,
  // Models: OpenAI, Anthropic, OpenRouter, Hugging Face, Groq, xAI, Replicate, Perplexity, NVIDIA, LangSmith, ...
  String.raw`sk-(?:proj|ant|svcacct|admin|or|lf)-[\w-]{8,}|sk-(?=[a-z_-]{0,80}[A-Z0-9])[\w-]{16,}|sess-[A-Za-z0-9]{32,}`,
  'hf_[A-Za-z0-9]{16,}|api_org_[A-Za-z0-9]{16,}|gsk_[A-Za-z0-9]{16,}|xai-[A-Za-z0-9]{20,}|r8_[A-Za-z0-9]{20,}',
  String.raw`pplx-[A-Za-z0-9]{20,}|nvapi-[\w-]{20,}|lsv2_(?:pt|sk)_\w{20,}|pcsk_\w{20,}|tgp_v1_[\w-]{20,}|tvly-[\w-]{16,}|fc-[0-9a-f]{32}`,
  // Payment and mail: Stripe, Square, Shopify, SendGrid, Twilio, Mailgun, Mailchimp, Brevo, Resend, ...
  String.raw`(?:sk|rk|pk)_(?:live|test|prod)_\w{10,}|whsec_\w{16,}|sq0(?:atp|csp|idp)-[\w-]{16,}|shp(?:at|ca|pa|ss|ua)_[0-9A-Za-z]{16,}`,
  String.raw`SG\.[\w-]{10,64}\.[\w-]{10,}|SG\.[\w-]{32,}|SK[0-9a-f]{32}|key-[0-9a-f]{32}|[0-9a-f]{32}-us[0-9]{1,2}`,
  String.raw`xkeysib-[\w-]{32,}|re_[A-Za-z0-9]{6,12}_[A-Za-z0-9]{16,}|EZ[AT]K[A-Za-z0-9]{40,}|(?:shippo|duffel)_(?:live|test)_[\w-]{20,}`,
  String.raw`FLWSECK(?:_TEST)?-[\w-]{20,}|EAA[A-Za-z0-9]{60,}`,
  // Talk and watching: Slack, Discord, New Relic, Grafana, Sentry
  String.raw`xox[abeoprs]-[\w-]{8,}|xoxe\.xox[bp]-[\w-]{8,}|xapp-[0-9]-[\w-]{16,}|[MNO][\w-]{23,28}\.[\w-]{6}\.[\w-]{27,}`,
  String.raw`NR(?:AK|JS|II|AL)-[\w-]{20,}|glc_[\w]{20,}|glsa_\w{20,}|sntry[su]_[\w-]{20,}|sl\.[\w-]{40,}`,
]
const TOKEN = new RegExp(`(?<![A-Za-z0-9])(?:${ISSUED.join('|')})`, 'g')

/** Shapes with characters that stand in no run, each with what must be in a text for it to be worth looking. */
const OTHERS: readonly (readonly [sign: string, shape: RegExp])[] = [
  ['==', /(?<![\w+/]|sha-?512[-=:])[A-Za-z0-9+/]{86}==(?![\w=])/gi], // keys of Azure Storage, Cosmos DB, Batch
  ['1//0', /(?<![\w/])1\/\/0[\w-]{20,}/g], // refresh tokens of Google
  [':', /(?<![A-Za-z0-9])(?<!\d)\d{8,10}:[\w-]{35}(?![\w-])/g], // bots of Telegram
  ['/bot', /(?<=\/bot)\d{8,10}:[\w-]{30,}/g],
  ['hooks.slack.com/', /(?<=hooks\.slack\.com\/(?:services|workflows|triggers)\/)[\w/-]{8,}/g],
  ['/webhooks/', /(?<=\/webhooks\/\d{5,24}\/)[\w-]{16,}/g], // Discord
  ['webhookb2/', /(?<=\/webhookb2\/)[\w@/.-]{16,}/g], // Teams
  ['access_token$', /access_token\$(?:production|sandbox)\$[\w$]{16,}/g], // Braintree
  // Hashes of passwords: bcrypt, argon2, crypt, scrypt, PBKDF2
  ['$', /\$(?:2[abxy]|argon2id?|argon2i|[156]|y|7|scrypt|pbkdf2[\w-]{0,12})\$[\w./$,=+-]{20,}/g],
]

/** Replaces tokens that say by their own shape what they are. */
export function redactTokens(text: string): string {
  let out = text.replace(RUN, redactRun)
  for (const [sign, shape] of OTHERS) if (out.includes(sign)) out = out.replace(shape, REDACTED)
  return out
}

/** Whether a text holds such a token. */
export function holdsTokenShape(text: string): boolean {
  return redactTokens(text) !== text
}

function redactRun(run: string, at: number, text: string): string {
  if (PLAIN_RUN.test(run) || NAME_RUN.test(run)) return run
  // `%3D`, `\n` and `\u0026` before a token are written with letters and digits that are not the token's.
  const before = text.charCodeAt(at - 1)
  const skip = before === 0x25 ? 2 : before === 0x5c ? (run.startsWith('u') ? 5 : 1) : 0
  return run.slice(0, skip) + run.slice(skip).replace(TOKEN, REDACTED)
}
