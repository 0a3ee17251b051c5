const LEAST_CAPACITY = 1024;

/**
 * A set of configurations, each a fixed number of 32-bit words: an open-addressing table without an object an element, because a hard
 * history has millions.
 */
export class Configurations {
  readonly #width: number;
  #table: Int32Array;
  /** 0: free, else 1 + index of the configuration. */
  #index: Int32Array;
  #size = 0;

  /** An empty set of configurations of `width` words. */
  constructor(width: number) {
    this.#width = width;
    this.#table = new Int32Array(LEAST_CAPACITY * width);
    this.#index = new Int32Array(LEAST_CAPACITY * 2);
  }

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** Adds one, and tells whether it was new. */
  add(words: Int32Array): boolean {
    const width = this.#width;
    const mask = this.#index.length - 1;
    let at = hash(words, 0, width) & mask;
    for (let held: number; (held = this.#index[at]!) !== 0; at = (at + 1) & mask) {
      const base = (held - 1) * width;
      let i = 0;
      while (i < width && this.#table[base + i] === words[i]) i++;
      if (i === width) return false;
    }
    if (this.#size * width === this.#table.length) {
      this.#grow();
      return this.add(words);
    }
    this.#table.set(words, this.#size * width);
    this.#index[at] = ++this.#size;
    return true;
  }

  #grow(): void {
    const width = this.#width;
    const table = new Int32Array(this.#table.length * 2);
    table.set(this.#table);
    this.#table = table;
    const index = new Int32Array(this.#index.length * 2);
    const mask = index.length - 1;
    for (let held = 0; held < this.#size; held++) {
      let at = hash(table, held * width, width) & mask;
      while (index[at] !== 0) at = (at + 1) & mask;
      index[at] = held + 1;
    }
    this.#index = index;
  }
}

function hash(words: Int32Array, from: number, width: number): number {
  let h = 0;
  for (let i = from; i < from + width; i++) {
    h = Math.imul(h ^ words[i]!, 0x9e37_79b1);
    h ^= h >>> 15;
  }
  h = Math.imul(h ^ (h >>> 13), 0x85eb_ca6b);
  return h ^ (h >>> 16);
}
