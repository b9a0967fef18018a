/** A part of a syntax tree as a parser of SQL gives it. */
export type Node = Readonly<Record<string, unknown>>

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null
}

/** Every object of the syntax tree, without recursion: the depth is the statement's author's choice. */
export function* nodesOf(root: unknown): Generator<Node> {
  const pending: unknown[] = [root]
  while (pending.length > 0) {
    const value = pending.pop()
    if (!isNode(value)) continue
    if (!Array.isArray(value)) yield value
    for (const child of Object.values(value)) if (isNode(child)) pending.push(child)
  }
}
