const KEY_BYTES: readonly number[] = [16, 24, 32];

/**
 * The keys of an encrypted cluster. The first, the primary, encrypts; all are tried for what arrives, so keys can be changed without
 * a gap: {@link add} the new one everywhere, then {@link use} it everywhere, then {@link remove} the old one everywhere.
 *
 * @example Usage
 * ```ts
 * import { Keyring } from "@ck/cluster/gossip/swim";
 * import { assertEquals } from "@std/assert";
 *
 * const old = new Uint8Array(32).fill(1);
 * const fresh = new Uint8Array(32).fill(2);
 * const keyring = new Keyring([old]);
 * keyring.add(fresh);
 * keyring.use(fresh);
 * keyring.remove(old);
 * assertEquals(keyring.keys, [fresh]);
 * ```
 */
export class Keyring {
  #keys: readonly Uint8Array[] = Object.freeze([]);

  /**
   * Creates a keyring.
   *
   * @param keys The primary first. Copied; repeated ones count once.
   * @throws {RangeError} Without a key, or when a key has not 16, 24 or 32 bytes (AES-128, -192, -256).
   */
  constructor(keys: Iterable<Uint8Array>) {
    for (const key of keys) this.add(key);
    if (this.#keys.length === 0) {
      throw new RangeError("Cannot create a keyring as it must have a key: current value is empty");
    }
  }

  /** The keys, the primary first. Do not change their bytes. */
  get keys(): readonly Uint8Array[] {
    return this.#keys;
  }

  /** The key that encrypts. */
  get primary(): Uint8Array {
    return this.#keys[0]!;
  }

  /**
   * Appends a key, which from now on decrypts. A known one changes nothing.
   *
   * @throws {RangeError} When it has not 16, 24 or 32 bytes; nothing changed.
   */
  add(key: Uint8Array): void {
    if (!KEY_BYTES.includes(key.length)) {
      throw new RangeError(
        `Cannot add a key as it must have 16, 24 or 32 bytes: current value is ${key.length}`,
      );
    }
    if (this.#indexOf(key) < 0) this.#keys = Object.freeze([...this.#keys, key.slice()]);
  }

  /**
   * Makes a known key the primary.
   *
   * @throws {RangeError} When it is not in the keyring; nothing changed.
   */
  use(key: Uint8Array): void {
    const index = this.#indexOf(key);
    if (index < 0) {
      throw new RangeError(
        `Cannot use a key as it must be in the keyring: current value is a key of ${key.length} bytes`,
      );
    }
    const primary = this.#keys[index]!;
    this.#keys = Object.freeze([primary, ...this.#keys.filter((other) => other !== primary)]);
  }

  /**
   * Removes a key. An unknown one changes nothing.
   *
   * @throws {RangeError} When it is the primary; nothing changed.
   */
  remove(key: Uint8Array): void {
    const index = this.#indexOf(key);
    if (index === 0) {
      throw new RangeError(
        `Cannot remove a key as the primary must stay: current value is key 1 of ${this.#keys.length}`,
      );
    }
    if (index > 0) this.#keys = Object.freeze(this.#keys.filter((_, i) => i !== index));
  }

  #indexOf(key: Uint8Array): number {
    return this.#keys.findIndex((known) =>
      known.length === key.length && known.every((byte, i) => byte === key[i])
    );
  }
}
