// Work of several owners who take turns: however much one of them has brought, each of the others waits for one piece of it
// at a time. What one owner brought keeps its order.

export class FairQueue<Owner, Item> {
  /** Who waits, in the order of the turns. */
  readonly #lines = new Map<Owner, Item[]>();

  push(owner: Owner, item: Item): void {
    const line = this.#lines.get(owner);
    if (line === undefined) this.#lines.set(owner, [item]);
    else line.push(item);
  }

  /** The next piece of whose turn it is; null when nobody waits. */
  shift(): Item | null {
    for (const [owner, line] of this.#lines) {
      const item = line.shift() as Item;
      this.#lines.delete(owner);
      if (line.length > 0) this.#lines.set(owner, line);
      return item;
    }
    return null;
  }
}
