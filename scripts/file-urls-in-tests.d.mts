/** A plugin for vitest. `root` is the package's folder. */
export function fileUrlsInTests(root: string): { readonly name: string }
