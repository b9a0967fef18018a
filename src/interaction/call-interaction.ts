import type { Exchange } from '../engine/exchange.js'
import type {
  FormAnswer,
  FormQuestion,
  Interaction,
  InteractionOptions,
  Question,
  SamplingQuestion,
  UrlAnswer,
  UrlQuestion,
} from '../engine/interaction.js'
import { ProtocolError } from '../errors/protocol-error.js'
import { isRecord } from '../protocol/json-rpc.js'
import { type ClientFeature, clientSupports, toCapabilities } from '../protocol/revisions/revision.js'
import type { Root, SamplingContent, SamplingMessage, SamplingResult } from '../protocol/types.js'
import type { CheckResult } from '../schema/compile.js'
import type { InferOutput, SchemaLike } from '../schema/infer.js'
import { describeProblems } from '../schema/problem.js'
import type { Asker } from './asker.js'
import { type Form, FormFault, formOf, schemaOf } from './form.js'
import { checkUrl } from './question-url.js'

const actions: ReadonlySet<unknown> = new Set(['accept', 'decline', 'cancel'])

/** What one call asks its client, in the words of its revision; how the answers come is its asker's business. */
export class CallInteraction implements Interaction {
  readonly #exchange: Exchange
  readonly #options: InteractionOptions
  readonly #asker: Asker
  /** Where a call that became a task asks; its `once` stays where it was. */
  readonly #taskAsker: Asker
  constructor(
    exchange: Exchange,
    options: InteractionOptions,
    askers: { readonly call: Asker; readonly task: Asker },
  ) {
    this.#exchange = exchange
    this.#options = options
    this.#asker = askers.call
    this.#taskAsker = askers.task
  }

  get asks(): boolean {
    return this.#asker.asks
  }

  async elicit<const Schema extends SchemaLike>(
    question: FormQuestion<Schema>,
  ): Promise<FormAnswer<InferOutput<Schema>>> {
    const { message, schema, key } = question
    const { revision } = this.#exchange.dialect
    checkMessage(message)
    const { elicitation: fallback } = this.#options.fallbacks
    const compiled = schemaOf(schema)
    let checked: CheckResult | undefined
    const check = async (answer: unknown): Promise<string | undefined> => {
      const fault = checkAction(answer)
      if (fault !== undefined || !isRecord(answer) || answer['action'] !== 'accept') return fault
      checked = await compiled.check(answer['content'] ?? {})
      return checked.ok ? undefined : describeProblems(checked.problems)
    }
    // A client whose revision has no such form cannot be asked by it.
    const form: Form | undefined = this.#can('elicitation') ? formOf(compiled, revision) : undefined
    let answer: unknown
    if (fallback !== undefined && form === undefined) {
      answer = await fallback(question)
      const fault = await check(answer)
      if (fault !== undefined)
        throw new FormFault(
          `The fallback of "${this.#options.name}" gave what its question does not take: ${fault}`,
        )
    } else {
      answer = await this.#ask({
        method: 'elicitation/create',
        params: {
          // The mode has a name since there are two.
          ...(revision.clientFeatures.has('elicitation.url') && { mode: 'form' }),
          message,
          requestedSchema: form?.requestedSchema,
        },
        feature: 'elicitation',
        possible: form !== undefined,
        key,
        check,
      })
    }
    const { action } = answer as UrlAnswer
    if (action !== 'accept') return { action }
    return { action, content: (checked?.ok === true ? checked.value : {}) as InferOutput<Schema> }
  }

  async elicitUrl(question: UrlQuestion): Promise<UrlAnswer> {
    const { message, url, key, elicitationId } = question
    checkMessage(message)
    checkUrl(url)
    const fallback = this.#options.fallbacks['elicitation.url']
    if (fallback !== undefined && !this.#can('elicitation.url')) return fallback(question)
    const { asks } = this.#exchange.dialect.revision
    const answer = await this.#ask({
      method: 'elicitation/create',
      params: {
        mode: 'url',
        message,
        url,
        ...(asks === 'request' && { elicitationId: elicitationId ?? crypto.randomUUID() }),
      },
      feature: 'elicitation.url',
      key,
      check: checkAction,
    })
    return { action: (answer as UrlAnswer).action }
  }

  async sample(question: SamplingQuestion): Promise<SamplingResult> {
    const { key, messages, includeContext, ...rest } = question
    const { dialect, client } = this.#exchange
    const { revision } = dialect
    const withTools = revision.clientFeatures.has('sampling.tools')
    const feature = usesTools(question) ? 'sampling.tools' : 'sampling'
    const fallback = this.#options.fallbacks.sampling
    if (fallback !== undefined && !this.#can(feature)) return fallback(question)
    // 2025-11-25, client/sampling: only for clients that say that they can.
    const context =
      !withTools || client.capabilities.sampling?.context !== undefined ? includeContext : undefined
    const answer = await this.#ask({
      method: 'sampling/createMessage',
      params: {
        messages: withTools ? messages : messages.flatMap(oneBlockEach),
        ...rest,
        ...(context !== undefined && { includeContext: context }),
      },
      feature,
      key,
      check: checkSampled,
    })
    return answer as SamplingResult
  }

  async roots({ key }: { readonly key?: string }): Promise<readonly Root[]> {
    const fallback = this.#options.fallbacks.roots
    if (fallback !== undefined && !this.#can('roots')) return fallback()
    const answer = await this.#ask({
      method: 'roots/list',
      params: {},
      feature: 'roots',
      key,
      check: checkRoots,
    })
    return (answer as { readonly roots: readonly Root[] }).roots
  }

  once<Value>(key: string, work: () => Value | Promise<Value>): Promise<Value> {
    return this.#asker.once(key, work)
  }

  outcome(): Promise<string | undefined> {
    return this.#asker.outcome()
  }

  async #ask(question: Question): Promise<unknown> {
    const { feature, possible = this.#can(feature) } = question
    if (!possible) {
      throw new ProtocolError(
        'missing_client_capability',
        `"${this.#options.name}" has to ask something and needs a client that can do ${feature}; this one did not say that it can.`,
        { data: { requiredCapabilities: toCapabilities([feature]) } },
      )
    }
    return (this.#exchange.background?.begun === true ? this.#taskAsker : this.#asker).ask(question)
  }

  #can(feature: ClientFeature): boolean {
    const { dialect, client } = this.#exchange
    return clientSupports(dialect.revision, client.capabilities, feature)
  }
}

function checkMessage(message: unknown): void {
  if (typeof message !== 'string' || message.trim() === '') {
    throw new FormFault('A question needs a "message" that tells the user why it is asked.')
  }
}

function checkAction(answer: unknown): string | undefined {
  if (isRecord(answer) && actions.has(answer['action'])) return undefined
  return '"action" must be "accept", "decline" or "cancel".'
}

function checkSampled(answer: unknown): string | undefined {
  if (!isRecord(answer)) return 'The answer must be an object.'
  const { role, model, content } = answer
  if (role !== 'user' && role !== 'assistant') return '"role" must be "user" or "assistant".'
  if (typeof model !== 'string') return '"model" must be a string.'
  const blocks: readonly unknown[] = Array.isArray(content) ? content : [content]
  const areBlocks = blocks.every((block) => isRecord(block) && typeof block['type'] === 'string')
  return areBlocks ? undefined : '"content" must be a content block or an array of them.'
}

function checkRoots(answer: unknown): string | undefined {
  const roots: unknown = isRecord(answer) ? answer['roots'] : undefined
  const areRoots =
    Array.isArray(roots) && roots.every((root) => isRecord(root) && typeof root['uri'] === 'string')
  return areRoots ? undefined : '"roots" must be an array of { uri }.'
}

/** Also a message that tells of a tool's use is only for clients that have them (2025-11-25, client/sampling). */
function usesTools({ messages, tools, toolChoice }: SamplingQuestion): boolean {
  const blocks = messages.flatMap(({ content }): readonly SamplingContent[] =>
    isBlocks(content) ? content : [content],
  )
  return (
    tools !== undefined ||
    toolChoice !== undefined ||
    blocks.some(({ type }) => type === 'tool_use' || type === 'tool_result')
  )
}

/** Before 2025-11-25 a message has one block. */
function oneBlockEach({ role, content }: SamplingMessage): readonly SamplingMessage[] {
  const blocks: readonly SamplingContent[] = isBlocks(content) ? content : [content]
  return blocks.map((block) => ({ role, content: block }))
}

function isBlocks(content: SamplingMessage['content']): content is readonly SamplingContent[] {
  return Array.isArray(content)
}
