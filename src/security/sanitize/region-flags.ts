// Flags that are drawn from tags (UTS #51, annex C): the three recommended for interchange, and the states of the
// USA by their postal codes, which messengers draw too. Any other spelling could carry a message.
const RECOMMENDED = ['gbeng', 'gbsct', 'gbwls']
const STATES = `al ak az ar ca co ct dc de fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd
  oh ok or pa ri sc sd tn tx ut vt va wa wv wi wy`
const REGIONS = new Set([...RECOMMENDED, ...STATES.split(/\s+/).map((state) => `us${state}`)])

const SPELLED = /^[\u{e0061}-\u{e007a}]{4,5}\u{e007f}/u
const TO_ASCII = 0xe0000

/** Five letters and the closing tag, in UTF-16 units. */
export const LONGEST_FLAG = 12

/** The tags at the start of `run` that spell the flag of a known region, with the closing one; empty if none do. */
export function regionTags(run: string): string {
  const tags = SPELLED.exec(run)?.[0] ?? ''
  let region = ''
  for (const tag of tags) region += String.fromCodePoint((tag.codePointAt(0) ?? TO_ASCII) - TO_ASCII)
  return REGIONS.has(region.slice(0, -1)) ? tags : ''
}
