/** Words to look up. */
export interface WordList {
  has(word: string): boolean
}

/** Words in one text, between spaces. They are taken apart when first asked for: a start asks for none. */
export function wordList(list: string): WordList {
  let words: ReadonlySet<string> | undefined
  return {
    has(word) {
      words ??= new Set(list.split(' '))
      return words.has(word)
    },
  }
}
