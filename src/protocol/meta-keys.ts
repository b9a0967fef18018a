/** Keys of `_meta` that the specification reserves (2026-07-28, basic/index, "_meta"). */
export const metaKeys = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
} as const

/** The extension for calls that go on after their answer (SEP-2663). */
export const tasksExtension = 'io.modelcontextprotocol/tasks'

/** Ours: the fields of a tool error, for programs. The prefix is a name that we own, as the spec asks. */
export const errorMetaKey = 'dev.holdfast/error'

/** Ours: what was taken out of a result's texts because nobody would have seen it. */
export const removedMetaKey = 'dev.holdfast/removed'

/** Ours: what was cut out of a result because it was too large, and where the rest is. */
export const cutMetaKey = 'dev.holdfast/cut'

/** Ours: until when a spilled result can be read, and which part of it this is. */
export const spillMetaKey = 'dev.holdfast/spill'
