import { DefinitionError } from '../errors/definition-error.js'

/**
 * What a person who approves a tool does not see and a model reads: control characters and escapes, directional
 * embeddings, overrides and isolates, zero-width characters, invisible operators, tags outside the flags of regions.
 * Joiners stay, which Persian, Hindi and emoji are written with; so do tab and line ends.
 */
const hidden =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e001f}\u{e0080}-\u{e00ff}]|(?<!\u{1f3f4}[\u{e0020}-\u{e007e}]{0,7})[\u{e0020}-\u{e007f}]/u

/** Regular expressions name such characters in order to refuse them. */
const notRead: ReadonlySet<string> = new Set(['pattern', 'patternProperties'])

/** The first hidden character of a text, as `U+202E`; undefined where there is none. */
export function hiddenCharacter(text: string): string | undefined {
  const code = hidden.exec(text)?.[0].codePointAt(0)
  return code === undefined ? undefined : `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
}

/**
 * Refuses a schema that says something to models which its reader does not see.
 * @throws DefinitionError that names the place and the character.
 */
export function refuseHiddenTexts(schema: unknown, owner: string, option: string): void {
  const pending: [path: string, value: unknown][] = [[option, schema]]
  const seen = new Set<unknown>()
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [path, value] = next
    if (typeof value === 'string') refuseHidden(value, owner, path)
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    for (const [key, child] of Object.entries(value)) {
      refuseHidden(key, owner, `the names in ${path}`)
      if (!notRead.has(key)) pending.push([`${path}.${key}`, child])
    }
  }
}

/** @throws DefinitionError that names the place and the character. */
export function refuseHidden(text: string, owner: string, path: string): void {
  const character = hiddenCharacter(text)
  if (character === undefined) return
  throw new DefinitionError(
    `${owner}"${path}" holds ${character}, which readers do not see and models do; write it without.`,
  )
}
