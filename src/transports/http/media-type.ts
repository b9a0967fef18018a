import { shown } from '../../errors/shown.js'
import { invalidRequestCode, type Refusal } from './refusal.js'

/** Which kinds of answer the client takes. At least one is true. */
export interface AcceptedTypes {
  readonly json: boolean
  readonly eventStream: boolean
}

const both: AcceptedTypes = Object.freeze({ json: true, eventStream: true })
const jsonOnly: AcceptedTypes = Object.freeze({ json: true, eventStream: false })
const eventStreamOnly: AcceptedTypes = Object.freeze({ json: false, eventStream: true })

/** For `accept` of the 415 answer (RFC 9110 §12.5.1). */
const acceptJson = Object.freeze({ accept: 'application/json' })

/** RFC 9110 §5.6.2 and §5.6.4. `y`: each is tried exactly where the reader stands, so reading stays linear. */
const token = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y
const quotedString = /"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*)"/y
const optionalSpace = /[ \t]*/y
const weight = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/

/**
 * A body must be application/json, in UTF-8 if a charset is named (RFC 9110 §8.3, RFC 8259 §8.1). Anything
 * else is a 415, above all `text/plain` and the form types, which a foreign web page may send without a preflight.
 */
export function checkContentType(header: string | undefined): Refusal | undefined {
  if (header === 'application/json') return undefined
  if (header === undefined || header === '') {
    return unsupported('The request has no Content-Type; send it with "Content-Type: application/json".')
  }
  const reader = new Reader(header)
  const range = reader.mediaRange()
  if (range === undefined || !reader.atEnd() || range.type !== 'application/json') {
    return unsupported(`Content-Type must be application/json, received ${shown(header)}.`)
  }
  for (const [name, value] of range.parameters) {
    if (name === 'charset' && !/^utf-?8$/i.test(value)) {
      return unsupported(`The charset of application/json must be utf-8, received ${shown(value)}.`)
    }
  }
  return undefined
}

/**
 * Content negotiation of the answer (RFC 9110 §12.5.1). No Accept, or one that only holds wildcards for every
 * type, means plain JSON: such a client did not say that it can read a stream. Refused with 406 only when
 * neither application/json nor text/event-stream is acceptable; `q=0` and the more specific range count.
 */
export function negotiateAccept(header: string | undefined): AcceptedTypes | Refusal {
  switch (header) {
    case undefined:
    case '':
    case '*/*':
    case 'application/json':
      return jsonOnly
    case 'application/json, text/event-stream':
    case 'text/event-stream, application/json':
    case 'application/json,text/event-stream':
      return both
    case 'text/event-stream':
      return eventStreamOnly
    default:
      return negotiate(header)
  }
}

function negotiate(header: string): AcceptedTypes | Refusal {
  const weights = readWeights(header)
  const all = weights.get('*/*')
  const jsonNamed = weights.get('application/json') ?? weights.get('application/*')
  const streamNamed = weights.get('text/event-stream') ?? weights.get('text/*')
  const json = (jsonNamed ?? all ?? 0) > 0
  // The wildcard stands for a stream only when JSON is excluded by name: otherwise JSON is what it means.
  const eventStream = (streamNamed ?? (json ? 0 : (all ?? 0))) > 0
  if (json) return eventStream ? both : jsonOnly
  if (eventStream) return eventStreamOnly
  return {
    status: 406,
    code: invalidRequestCode,
    message: `The answer is application/json or text/event-stream, but Accept takes neither: ${shown(header)}.`,
  }
}

/** The highest weight given to each range. A malformed element is skipped alone. */
function readWeights(header: string): Map<string, number> {
  const weights = new Map<string, number>()
  const reader = new Reader(header)
  while (!reader.atEnd()) {
    const range = reader.mediaRange()
    if (range !== undefined && reader.atElementEnd()) {
      const quality = qualityOf(range.parameters)
      if (quality !== undefined) weights.set(range.type, Math.max(quality, weights.get(range.type) ?? 0))
    }
    reader.nextElement()
  }
  return weights
}

function qualityOf(parameters: readonly (readonly [string, string])[]): number | undefined {
  for (const [name, value] of parameters) {
    if (name === 'q') return weight.test(value) ? Number(value) : undefined
  }
  return 1
}

function unsupported(message: string): Refusal {
  return { status: 415, code: invalidRequestCode, message, headers: acceptJson }
}

interface MediaRange {
  /** `type/subtype` in lower case. */
  readonly type: string
  /** Names in lower case, quoted values unquoted. */
  readonly parameters: readonly (readonly [string, string])[]
}

class Reader {
  private at = 0
  private readonly text: string

  constructor(text: string) {
    this.text = text
    this.take(optionalSpace)
  }

  atEnd(): boolean {
    return this.at >= this.text.length
  }

  atElementEnd(): boolean {
    return this.atEnd() || this.text[this.at] === ','
  }

  /** Goes behind the next comma that stands outside a quoted string. */
  nextElement(): void {
    while (!this.atElementEnd()) {
      if (this.text[this.at] !== '"') this.at += 1
      // A string that never closes takes the rest with it; looking again behind each quote would be quadratic.
      else if (this.take(quotedString) === undefined) this.at = this.text.length
    }
    this.at += 1
    this.take(optionalSpace)
  }

  mediaRange(): MediaRange | undefined {
    const type = this.take(token)
    if (type === undefined || !this.skip('/')) return undefined
    const subtype = this.take(token)
    if (subtype === undefined) return undefined
    const parameters: (readonly [string, string])[] = []
    this.take(optionalSpace)
    while (this.skip(';')) {
      this.take(optionalSpace)
      const name = this.take(token)
      // RFC 9110 §5.6.6 lets a semicolon stand without a parameter.
      if (name === undefined) continue
      if (!this.skip('=')) return undefined
      const value = this.value()
      if (value === undefined) return undefined
      parameters.push([name.toLowerCase(), value])
      this.take(optionalSpace)
    }
    return { type: `${type}/${subtype}`.toLowerCase(), parameters }
  }

  private value(): string | undefined {
    const quoted = this.take(quotedString)
    if (quoted !== undefined) return quoted.slice(1, -1).replace(/\\(.)/g, '$1')
    return this.take(token)
  }

  private skip(character: string): boolean {
    if (this.text[this.at] !== character) return false
    this.at += 1
    return true
  }

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)?.[0]
    if (found !== undefined) this.at += found.length
    return found
  }
}
