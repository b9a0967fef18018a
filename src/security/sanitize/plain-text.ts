// Printable ASCII in lines needs no closer look. Without the `u` flag this runs at the speed of a scan.
const WORTH_A_LOOK = /[^\t\n\r -~]|\r(?!\n)/

/** Whether cleaning has nothing to look at in a text, which is so for nearly all; this much is asked of every result. */
export function isPlainText(text: string): boolean {
  return !WORTH_A_LOOK.test(text)
}
