/**
 * A bounded, direct-mapped memory of frozen owner lists: each has a slot and a tag, and a newer list takes its slot over. A slot costs 16
 * bytes here and about 72 for a list of three on V8.
 */
export class OwnerLists<T> {
  /** Slots, as a power of two. */
  readonly bits: number;
  readonly #mask: number;
  /** Tag and list of each slot side by side, so that a lookup touches one cache line; one tag that fits nothing until the first list. */
  #slots: (number | readonly T[])[] = [-1, -1];

  /**
   * @param positions How many positions there are.
   * @param limit Most lists to remember, at least 1; both are rounded up to a power of two.
   */
  constructor(positions: number, limit: number) {
    this.bits = Math.ceil(Math.log2(Math.max(1, Math.min(positions, limit))));
    this.#mask = 2 ** this.bits - 1;
  }

  /** Whether any list was ever kept: told from the slot that a number comes to, which is then at hand for `recall`. */
  reach(number: number): boolean {
    return this.#slots[(number & this.#mask) << 1] !== undefined;
  }

  /** The list of that tag (a non-negative 31-bit integer) in the slot that a number comes to. */
  recall(number: number, tag: number): readonly T[] | undefined {
    const slot = (number & this.#mask) << 1;
    const slots = this.#slots;
    return slots[slot] === tag ? slots[slot + 1] as readonly T[] : undefined;
  }

  /** Freezes a list and remembers it. */
  keep(number: number, tag: number, list: T[]): readonly T[] {
    const frozen = Object.freeze(list);
    const size = 2 * this.#mask + 2;
    // Filled with numbers, since V8 compares a tag with `undefined` the slow way.
    if (this.#slots.length !== size) this.#slots = new Array(size).fill(-1);
    const slot = (number & this.#mask) << 1;
    this.#slots[slot] = tag;
    this.#slots[slot + 1] = frozen;
    return frozen;
  }
}
