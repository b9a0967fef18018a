/** What came, in order, and a way to wait for what has not come yet. */
export class Inbox<Item> {
  readonly items: Item[] = []
  readonly #looks = new Set<() => void>()

  put(item: Item): void {
    this.items.push(item)
    for (const look of [...this.#looks]) look()
  }

  /** The first item that is wanted, at or after the position `from`. */
  until(wanted: (item: Item) => boolean, from = 0): Promise<Item> {
    return new Promise((resolve) => {
      const look = (): void => {
        const at = this.items.findIndex((item, index) => index >= from && wanted(item))
        const found = this.items[at]
        if (found === undefined) return
        this.#looks.delete(look)
        resolve(found)
      }
      this.#looks.add(look)
      look()
    })
  }
}
