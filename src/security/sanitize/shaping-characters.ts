import { LONGEST_FLAG, regionTags } from './region-flags.js'
import type { RemovalTally } from './removed-text.js'
import { type ShapingRule, shapingRule } from './shaping-rules.js'
import { TextCutter } from './text-cutter.js'
import { visitUnseenRuns } from './unseen-runs.js'

const BLACK_FLAG = 0x1f3f4

/**
 * Judges joiners, variation selectors, fillers, tags and layout controls by the visible characters on both sides: each
 * stays where its script, emoji or notation uses it, and goes elsewhere and in runs. Leaves directions and soft
 * hyphens as they are.
 */
export function settleShaping(text: string, tally: RemovalTally): string {
  const cutter = new TextCutter(text)
  const used: ShapingRule[] = []
  visitUnseenRuns(text, (start, end, before, after) => {
    used.length = 0
    let at = start
    if (before === BLACK_FLAG) at += regionTags(text.slice(start, Math.min(end, start + LONGEST_FLAG))).length
    while (at < end) {
      const code = text.codePointAt(at) ?? 0
      const next = at + (code > 0xffff ? 2 : 1)
      const rule = shapingRule(code)
      if (rule !== undefined) {
        if (timesIn(used, rule) < rule.most && rule.fits(before, after, code)) used.push(rule)
        else {
          tally.add(rule.kind)
          cutter.cut(at, next)
        }
      }
      at = next
    }
  })
  return cutter.finish()
}

function timesIn(used: readonly ShapingRule[], rule: ShapingRule): number {
  let times = 0
  for (const other of used) if (other === rule) times += 1
  return times
}
