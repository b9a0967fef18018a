import { describe, expect, it } from 'vitest'
import { redact } from './redact.js'
import { redactText } from './redact-text.js'

const JWT =
  'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U'
const JWE =
  'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6ji.XFBoMYUZodetZdvTiFvSkQ'
/** Split, so that no scanner of repositories takes the examples for leaked keys. */
const made = (...parts: readonly string[]): string => parts.join('')
const PEM =
  '-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAxyzSECRETBODYxyz\nq2w3e4r5t6\n-----END RSA PRIVATE KEY-----'

/** A label, a text, and what must not be seen of it afterwards. */
type Case = readonly [label: string, text: string, secret: string]

const addresses: readonly Case[] = [
  [
    'a connection string in a sentence',
    'connect to postgres://app:hunter2@db.internal/orders failed',
    'hunter2',
  ],
  ['an @ in the password', 'postgres://app:hun@ter2@db/orders', 'ter2'],
  ['a slash in the password', 'could not reach postgres://app:hun/ter2@db/orders', 'ter2'],
  ['a hash in the password', 'mysql://root:pa#ss?wd@localhost:3306/x', 'ss?wd'],
  ['no user', 'redis://:s3cr3t-redis@cache:6379/0', 's3cr3t-redis'],
  ['srv', 'mongodb+srv://svc:Tr0ub4dor@cluster0.abc.mongodb.net/?retryWrites=true', 'Tr0ub4dor'],
  ['amqp', 'amqp://guest:gu3st@mq:5672/%2f', 'gu3st'],
  ['percent-encoded password', 'https://ann:p%40ss%2Fw0rd@example.com/a', 'p%40ss%2Fw0rd'],
  [
    'a token instead of a login',
    'git clone https://x7Yb29dkQ0pLmN3vZr8Tt1@github.com/a/b.git',
    'x7Yb29dkQ0pLmN3vZr8Tt1',
  ],
  ['a whole address encoded', 'next=postgres%3A%2F%2Fapp%3Ahunter2%40db%2Forders', 'hunter2'],
  ['Go DSN', 'open root:hunter2@tcp(127.0.0.1:3306)/db?parseTime=true', 'hunter2'],
  ['login without a scheme', 'dial app:hunter2@db.internal:5432: refused', 'hunter2'],
  ['Oracle thin', 'jdbc:oracle:thin:scott/t1ger@//db:1521/orcl', 't1ger'],
  ['JDBC parameters', 'jdbc:postgresql://db/x?user=app&password=hunter2&ssl=true', 'hunter2'],
  ['ftp with port', 'ftp://ann:hunter2@ftp.example.com:21/a.txt', 'hunter2'],
  ['IPv6 host', 'http://ann:hunter2@[2001:db8::1]:8080/', 'hunter2'],
  ['in JSON', '{"url":"amqps://a:hunter2@h/v","n":1}', 'hunter2'],
  [
    'in a stack',
    'Error: connect ECONNREFUSED redis://u:hunter2@10.0.0.1:6379\n    at x (/app/a.js:1:2)',
    'hunter2',
  ],
  ['access_token', 'GET /a?access_token=abc123def&b=1', 'abc123def'],
  ['token, in the middle', 'https://x.example/a?b=1&token=swordfishy&c=2', 'swordfishy'],
  ['token in a fragment', 'https://x.example/cb#access_token=swordfishy&token_type=Bearer', 'swordfishy'],
  [
    'S3 signature',
    'https://b.s3.amazonaws.com/k?X-Amz-Credential=x&X-Amz-Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024',
    'fe5f80f77d5fa3be',
  ],
  [
    'SAS',
    'https://a.blob.core.windows.net/c/b?sv=2022-11-02&sr=b&sig=Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA%3D%3D&se=2030',
    'Zm9vYmFyYmF6',
  ],
  ['authorization code', 'GET /callback?code=4%2F0AX4XfWhsecret&state=xyz', '0AX4XfWhsecret'],
  [
    'code in a form',
    'grant_type=authorization_code&code=SplxlOBeZQQYbYS6WxSbIA&redirect_uri=x',
    'SplxlOBeZQQYbYS6WxSbIA',
  ],
  ['key of a service', 'https://maps.example/json?key=abc123secret&q=x', 'abc123secret'],
  [
    'JSON-escaped ampersand',
    '{"url":"https://x/?a=1\\u0026access_token=abcSECRET1\\u0026b=2"}',
    'abcSECRET1',
  ],
  ['HTML-escaped ampersand', '<a href="/x?a=1&amp;token=abcSECRET1&amp;b=2">', 'abcSECRET1'],
  [
    'address in a parameter',
    '/login?next=https%3A%2F%2Fx%2F%3Faccess_token%3DabcSECRET1%26b%3D1',
    'abcSECRET1',
  ],
  [
    'slack webhook',
    made('POST https://hooks.slack.com/services/', 'T00000000/B00000000/XXXXXXXXXXXXyyyyyyyyyyyy failed'),
    'XXXXXXXXXXXXyyyyyyyyyyyy',
  ],
  [
    'discord webhook',
    made('https://discord.com/api/webhooks/123456789012345678/', 'aBcD_eFgHiJkLmNoPqRsTuVwXyZ0123456789'),
    'aBcD_eFgHiJkLmNoPqRs',
  ],
  [
    'telegram bot',
    made('https://api.telegram.org/bot', '123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/getMe'),
    'AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw',
  ],
]

const connectionStrings: readonly Case[] = [
  ['SQL Server', 'Server=tcp:db,1433;Database=x;User ID=sa;Password=P@ss;word!;Encrypt=true', 'P@ss'],
  ['a space in the password', 'Server=db;Password=my pass phrase;Encrypt=true', 'pass phrase'],
  ['quotes', 'Server=db;Password="a;b c";Encrypt=true', 'a;b c'],
  ['ODBC braces', 'Driver={X};Server=db;Uid=sa;Pwd={a;b};', 'a;b'],
  [
    'Azure storage',
    'DefaultEndpointsProtocol=https;AccountName=x;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq==;EndpointSuffix=core.windows.net',
    'Eby8vdM02xNOcqFl',
  ],
  [
    'Service Bus',
    'Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=abc123+def/456=',
    'abc123+def',
  ],
  ['libpq', "host=db user=app password='hunter 2' dbname=x", 'hunter 2'],
  ['libpq, bare', 'host=db user=app password=hunter2 dbname=x', 'hunter2'],
  ['JDBC SQL Server', 'jdbc:sqlserver://h:1433;user=sa;password=hunter2;database=x', 'hunter2'],
  ['pwd', 'Uid=root;Pwd=hunter2;', 'hunter2'],
]

const headers: readonly Case[] = [
  ['bearer', 'Authorization: Bearer abc.def-123 was refused', 'abc.def-123'],
  ['bearer of letters', 'authorization: Bearer mysecretvalue', 'mysecretvalue'],
  ['basic', 'Authorization: Basic YW5uOmh1bnRlcjI=', 'YW5uOmh1bnRlcjI'],
  ['token', 'Authorization: token 0123456789abcdef0123456789abcdef01234567', '0123456789abcdef'],
  ['no scheme', 'Authorization: 0f9e8d7c6b5a4f3e', '0f9e8d7c6b5a4f3e'],
  [
    'digest',
    'Authorization: Digest username="ann", nonce="n", response="6629fae49393a05397450978507c4ef1"',
    '6629fae49393a0539',
  ],
  [
    'AWS',
    'Authorization: AWS4-HMAC-SHA256 Credential=x/20130524/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f01',
    'f0e8bdb87c964420',
  ],
  [
    'OAuth 1',
    'Authorization: OAuth oauth_consumer_key="k", oauth_signature="tnnArxj06cWHq44gCs1OSKk/jLY="',
    'tnnArxj06cWHq44gCs1OSKk',
  ],
  ['proxy', 'Proxy-Authorization: Basic cHJveHk6c2VjcmV0', 'cHJveHk6c2VjcmV0'],
  ['curl', `curl -H "Authorization: Bearer abcdef123456" -H 'X-Api-Key: zyx987' https://x`, 'abcdef123456'],
  ['curl api key', `curl -H "Accept: */*" -H 'X-Api-Key: zyx987' https://x`, 'zyx987'],
  [
    'raw request',
    'GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer qwe.rty\r\nCookie: sid=abc; theme=dark\r\n\r\n',
    'qwe.rty',
  ],
  [
    'raw request cookie',
    'GET / HTTP/1.1\r\nHost: x\r\nCookie: sid=abcsecret; theme=dark\r\n\r\n',
    'abcsecret',
  ],
  ['cookie', 'Cookie: a=bsecret; c=dsecret', 'bsecret'],
  ['second cookie', 'Cookie: a=bsecret; c=dsecret', 'dsecret'],
  ['set-cookie', 'Set-Cookie: sid=s%3Aabcdef.xyz; Path=/; HttpOnly', 's%3Aabcdef.xyz'],
  ['x-api-key', 'x-api-key: 12ab34cd', '12ab34cd'],
  ['bearer in a sentence', 'The request had Bearer abcdefgh12345678 and failed', 'abcdefgh12345678'],
  ['bearer, encoded space', 'header=Bearer%20abcdefgh12345678', 'abcdefgh12345678'],
  ['basic in a sentence', 'sent Basic YWRtaW46YWRtaW4= to it', 'YWRtaW46YWRtaW4='],
  ['JSON headers', '{"headers":{"authorization":"Bearer xyz","x-api-key":"zzz999"}}', 'zzz999'],
  ['inspected headers', "{ authorization: 'Bearer xyzxyz', accept: '*/*' }", 'xyzxyz'],
  ['session header', 'x-auth-token: 5f4dcc3b', '5f4dcc3b'],
  ['csrf', 'X-CSRF-Token: i8XNjC4b8KVok4uw5RftR38Wgp2BFwql', 'i8XNjC4b8KVok4uw5RftR38Wgp2BFwql'],
]

const notations: readonly Case[] = [
  ['JSON', '{"password":"hunter2","user":"ann"}', 'hunter2'],
  ['JSON with a quote', '{"password":"hun\\"ter2","user":"ann"}', 'ter2'],
  ['JSON with a backslash at the end', '{"password":"hunter2\\\\","user":"ann"}', 'hunter2'],
  ['spaced JSON', '{ "apiKey" : "hunter2" }', 'hunter2'],
  ['JSON in a string', '{"body":"{\\"password\\":\\"hun ter2\\",\\"a\\":1}"}', 'ter2'],
  ['JSON in JSON in a string', '"{\\"a\\":\\"{\\\\\\"token\\\\\\":\\\\\\"hunter2\\\\\\"}\\"}"', 'hunter2'],
  ['a list in JSON', '{"passwords":["hunter2","swordfish"],"a":1}', 'swordfish'],
  ['an object in JSON', '{"credentials":{"user":"ann","pass":"hunter2"}}', 'hunter2'],
  ['Python', "{'client_secret': 'hunter2', 'a': True}", 'hunter2'],
  ['Ruby', '{:password=>"hunter2", "token"=>"swordfish"}', 'hunter2'],
  ['PHP', "['password' => 'hunter2']", 'hunter2'],
  ['YAML', 'db:\n  user: app\n  password: hunter2\n', 'hunter2'],
  ['ini', '[db]\npassword = swordfish\nuser = app', 'swordfish'],
  ['form', 'username=ann&password=hun%20ter2&remember=1', 'ter2'],
  ['nested form', 'user[password]=hunter2&user[name]=ann', 'hunter2'],
  ['encoded nested form', 'user%5Bpassword%5D=hunter2&x=1', 'hunter2'],
  ['logfmt', 'level=info user=ann token=hunter2 ms=3', 'hunter2'],
  [
    'environment',
    'AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\nPATH=/bin',
    'wJalrXUtnFEMI',
  ],
  ['export', 'export DB_PASS="hunter 2"', 'hunter 2'],
  ['mixed marks', 'PASSWORD=p@ss,w;rd&x#1', 'w;rd&x#1'],
  ['rails', 'SECRET_KEY_BASE=0123abcd4567', '0123abcd4567'],
  ['dotenv', 'SMTP_PASSWORD=swordfish\nSMTP_USER=ann', 'swordfish'],
  ['flag =', 'run --password=hunter2 --verbose', 'hunter2'],
  ['flag and space', 'run --api-key hunter2 --verbose', 'hunter2'],
  ['flag and quotes', "run --token 'hun ter2' x", 'ter2'],
  ['curl -u', 'curl -s -u ann:hunter2 https://x', 'hunter2'],
  ['mysql -p', 'mysql -uroot -phunter2 db', 'hunter2'],
  ['PGPASSWORD', 'PGPASSWORD=hunter2 psql -h db', 'hunter2'],
  ['sshpass', 'sshpass -p hunter2 ssh x', 'hunter2'],
  ['redis-cli', 'redis-cli -h x -a hunter2 ping', 'hunter2'],
  ['npmrc', '//registry.example/:_authToken=0a1b2c3d4e5f', '0a1b2c3d4e5f'],
  ['netrc', 'machine x.example login ann password swordfish', 'swordfish'],
  ['SQL', "ALTER USER app WITH PASSWORD 'hunter2'", 'hunter2'],
  ['MySQL', "CREATE USER 'a'@'%' IDENTIFIED BY 'hunter2'", 'hunter2'],
  ['SQL update', "UPDATE users SET password = 'hunter2' WHERE id = 1", 'hunter2'],
  ['XML', '<user><password>hunter2</password></user>', 'hunter2'],
  ['SOAP', '<wsse:Password Type="x#PasswordText">hunter2</wsse:Password>', 'hunter2'],
  ['attribute', '<add key="Password" value="hunter2"/>', 'hunter2'],
  ['named value', '[{"name":"DB_PASSWORD","value":"hunter2"}]', 'hunter2'],
  ['a sentence', 'password is hunter2', 'hunter2'],
  ['a colon', 'Password: swordfish', 'swordfish'],
  ['quoted in a sentence', "login with password 'correct horse' failed", 'correct horse'],
  ['API key in two words', 'Incorrect API key: 12345abcde given', '12345abcde'],
  ['PostgreSQL detail', 'Key (token)=(abc123xyz) already exists.', 'abc123xyz'],
  ['passcode', 'passcode: 482913', '482913'],
  ['pin', '{"pin":"4829"}', '4829'],
  ['confirmation', 'password_confirmation=hunter2', 'hunter2'],
  ['numeric password', '{"password": 12345678}', '12345678'],
  ['client secret', 'client_secret=abc~DEF.123', 'abc~DEF.123'],
  ['bracketed', '(password=hunter2)', 'hunter2'],
  ['template literal', 'secret: `hunter2`', 'hunter2'],
]

const shapes: readonly Case[] = [
  ['JWT', `got ${JWT} from it`, 'eyJzdWIiOiIxMjM0NTY3ODkwIn0'],
  ['JWT, no signature', `got ${JWT.slice(0, JWT.lastIndexOf('.') + 1)}`, 'eyJzdWIiOiIxMjM0NTY3ODkwIn0'],
  ['JWE', `got ${JWE}`, '48V1_ALb6US04U3b'],
  ['JWT behind an escape', `{"m":"x\\n${JWT}"}`, 'eyJzdWIiOiIxMjM0NTY3ODkwIn0'],
  ['PEM', `key:\n${PEM}\nend`, 'SECRETBODY'],
  ['PEM in JSON', JSON.stringify({ note: PEM }), 'SECRETBODY'],
  ['PEM cut off', PEM.slice(0, 60), 'MIIEow'],
  ['OpenSSH', '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----', 'b3BlbnNz'],
  ['PGP', '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBF\n-----END PGP PRIVATE KEY BLOCK-----', 'lQOYBF'],
  [
    'JWK',
    '{"kty":"EC","crv":"P-256","x":"abc","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}',
    '870MB6gfuTJ4HtUn',
  ],
  ['JWK oct', '{"kty":"oct","k":"GawgguFyGrWKav7AX4VKUg"}', 'GawgguFyGrWKav7AX4VKUg'],
  ...(
    [
      ['AWS', made('AKIA', 'IOSFODNN7EXAMPLE')],
      ['AWS temporary', made('ASIA', 'IOSFODNN7EXAMPLE')],
      ['Google', made('AIza', 'SyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe')],
      ['Google OAuth', made('ya29.', 'a0AfH6SMBx1234567890abcdef')],
      ['Google client', made('GOCSPX-', 'abcdefGHIJKL1234567890mnop')],
      ['GitHub', made('ghp_', 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJ')],
      ['GitHub, fine', made('github_pat_', '11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz0123456789')],
      ['GitHub app', made('ghs_', '16C7e42F292c6912E7710c838347Ae178B4a')],
      ['GitLab', made('glpat-', 'ABCdef123456_7890xyz')],
      ['Slack', made('xoxb-', '123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx')],
      ['Slack app', made('xapp-', '1-A0123-456-abcdef0123456789')],
      ['Stripe', made('sk_', 'live_51HabcdefghijklmnopQRSTUV')],
      ['Stripe restricted', made('rk_', 'test_51Habcdefghijklmnop')],
      ['Stripe webhook', made('whsec_', 'abcdef0123456789ABCDEF')],
      ['OpenAI', made('sk-', 'abcdEFGHijklMNOPqrstUVWXyz0123456789abcd')],
      ['OpenAI project', made('sk-', 'proj-abcdEFGHijklMNOP_qrst-UVWXyz')],
      ['Anthropic', made('sk-', 'ant-api03-abcdef-GHIJKL_0123456789-AA')],
      ['npm', made('npm_', 'abcdefghijklmnopqrstuvwxyz0123456789')],
      ['PyPI', made('pypi-', 'AgEIcHlwaS5vcmcCJGQ0YzI4abcdefg')],
      ['Hugging Face', made('hf_', 'abcdefghijklmnopqrstuvwxyzABCDEFGH')],
      ['SendGrid', made('SG.', 'ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf-09kqeF8tAmbihYzrnopKc-1s5cr')],
      ['Twilio', made('SK', '0123456789abcdef0123456789abcdef')],
      ['Azure AD', made('abc8Q~', 'abcdefghijklmnopqrstuvwxyz0123456789')],
      [
        'Azure storage',
        made('Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq', '/K1SZFPTOtr/KBHBeksoGMGw=='),
      ],
      ['Telegram', made('123456789:', 'AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawx')],
      ['Groq', made('gsk_', 'abcdefghijABCDEFGHIJ0123456789abcdefghij')],
      ['DigitalOcean', made('dop_v1_', '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef')],
      ['Shopify', made('shpat_', '0123456789abcdef0123456789abcdef')],
      ['Vault', made('hvs.', 'CAESIJabcdefghijklmnop0123456789')],
      ['Mailgun', made('key-', '0123456789abcdef0123456789abcdef')],
      ['Mailchimp', made('0123456789abcdef0123456789abcdef', '-us12')],
      ['Docker', made('dckr_pat_', 'abcdefGHIJ0123456789-_xyz')],
      ['Databricks', made('dapi', '0123456789abcdef0123456789abcdef')],
      ['Linear', made('lin_api_', 'abcdefghijklmnop0123456789abcdefghij')],
      ['Notion', made('ntn_', '0123456789abcdefghijABCDEFGHIJ')],
      ['Grafana', made('glsa_', 'abcdefghijABCDEFGHIJ0123456789ab_01234567')],
      ['New Relic', made('NRAK-', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0')],
      ['Discord bot', made('MTk4NjIyNDgzNDcxOTI1MjQ4', '.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs')],
      ['Atlassian', made('ATATT3', 'xFfGF0abcdefghijklmnop0123456789')],
      ['Tailscale', made('tskey-', 'auth-kabcdef1CNTRL-abcdefghij0123456789')],
      ['bcrypt', '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy'],
      ['argon2', '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG'],
    ] as const
  ).map(([label, key]): Case => [label, `The service did not take "${key}", it said.`, key.slice(6)]),
]

describe.each([
  ['addresses', addresses],
  ['connection strings', connectionStrings],
  ['headers', headers],
  ['notations', notations],
  ['shapes', shapes],
])('%s', (_family, cases) => {
  it.each(cases)('%s', (_label, text, secret) => {
    expect(text).toContain(secret)
    const safe = redactText(text)
    expect(safe).not.toContain(secret)
    expect(safe).toContain('[redacted]')
    expect(redactText(safe)).toBe(safe)
    expect(JSON.stringify(redact({ message: text, list: [text], error: new Error(text) }))).not.toContain(
      JSON.stringify(secret).slice(1, -1),
    )
  })
})

describe('the rest of a text is kept', () => {
  it.each([
    ['connect to postgres://app:x1y2@db/x failed', 'connect to postgres://app:[redacted]@db/x failed'],
    ['Authorization: Bearer abc.def failed', 'Authorization: Bearer [redacted] failed'],
    ['{"password":"x","user":"ann"}', '{"password":"[redacted]","user":"ann"}'],
    [
      '{"body":"{\\"password\\":\\"x\\",\\"a\\":1}"}',
      '{"body":"{\\"password\\":\\"[redacted]\\",\\"a\\":1}"}',
    ],
    ['a=1&password=x&user=y', 'a=1&password=[redacted]&user=y'],
    ['Server=db;Password=abc;Encrypt=true', 'Server=db;Password=[redacted];Encrypt=true'],
    ['run --password=x1 --verbose', 'run --password=[redacted] --verbose'],
    ['Set-Cookie: sid=abc; Path=/; HttpOnly', 'Set-Cookie: sid=[redacted]; Path=/; HttpOnly'],
    ['Cookie: a=b; c=d', 'Cookie: a=[redacted]; c=[redacted]'],
    [`before ${JWT} after`, 'before [redacted] after'],
    [`before\n${PEM}\nafter`, 'before\n[redacted]\nafter'],
    ['GET /a?b=1&access_token=xyz&c=2 200', 'GET /a?b=1&access_token=[redacted]&c=2 200'],
    ['password is hunter2.', 'password is [redacted].'],
    ['<password>x1</password>', '<password>[redacted]</password>'],
  ])('%s', (text, safe) => {
    expect(redactText(text)).toBe(safe)
  })
})
