/** Which stream, and which of its events; what a client brings back as `Last-Event-ID` (2025-11-25, transports, "Resumability and Redelivery"). */
export interface EventId {
  readonly stream: string
  readonly sequence: number
}

export function toEventId({ stream, sequence }: EventId): string {
  return `${stream}_${sequence}`
}

/** Undefined for what is none of ours. */
export function readEventId(id: string): EventId | undefined {
  const [, stream, sequence] = /^([a-z][A-Za-z0-9-]{8,40})_(\d{1,12})$/.exec(id) ?? []
  return stream === undefined || sequence === undefined ? undefined : { stream, sequence: Number(sequence) }
}

/** For the stream that answers a POST. */
export function answerId(): string {
  return `p${randomPart()}`
}

/** For a stream that a GET opened, for what belongs to no request. */
export function standaloneId(): string {
  return `g${randomPart()}`
}

export function isStandalone(stream: string): boolean {
  return stream.startsWith('g')
}

/** Unique among all streams of a session, on every node. */
function randomPart(): string {
  return crypto.randomUUID().slice(0, 18)
}
