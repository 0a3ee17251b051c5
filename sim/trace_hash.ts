/**
 * A streaming 64-bit digest of what happened, as two lanes of 32 bits: one mixes words as murmur3 does, the other as FNV-1a. Depends
 * on integers and code units only, so that equal runs have equal digests on every engine.
 */
export class TraceHash {
  #a = 0x1234_5678;
  #b = 0x811c_9dc5 | 0;

  /** Adds an integer, negative ones and those above 32 bits included. */
  integer(value: number): void {
    this.#word(value | 0);
    if (value > 0x7fff_ffff || value < -0x8000_0000) this.#word(Math.floor(value / 2 ** 32) | 0);
  }

  /** Adds a text. */
  text(value: string): void {
    this.#word(value.length);
    for (let i = 0; i < value.length; i++) this.#word(value.charCodeAt(i));
  }

  /** Adds bytes. */
  bytes(value: Uint8Array): void {
    const { length } = value;
    this.#word(length);
    let i = 0;
    for (; i + 4 <= length; i += 4) {
      this.#word(
        value[i]! | value[i + 1]! << 8 | value[i + 2]! << 16 | value[i + 3]! << 24,
      );
    }
    for (; i < length; i++) this.#word(value[i]!);
  }

  /** The digest so far: 16 hexadecimal digits. */
  get digest(): string {
    return hex(this.#a) + hex(this.#b);
  }

  #word(word: number): void {
    let k = Math.imul(word, 0xcc9e_2d51);
    k = k << 15 | k >>> 17;
    let a = this.#a ^ Math.imul(k, 0x1b87_3593);
    a = a << 13 | a >>> 19;
    this.#a = (Math.imul(a, 5) + 0xe654_6b64) | 0;
    const b = Math.imul(this.#b ^ word, 0x0100_0193);
    this.#b = b ^ b >>> 15;
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
