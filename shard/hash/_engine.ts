/**
 * The arithmetic on 64-bit words: one small WebAssembly instance (source: `tasks/wasm/engine.as.txt`), because BigInt is ten times
 * slower and pure u32 halves three times (measured on short keys).
 *
 * The instance is made on first use and shared by every placement. Its memory is scratch: each call writes what it reads,
 * all calls are synchronous and none calls back, so nothing a caller can observe depends on who called before. The one thing
 * kept between calls is which placement's node words lie in the resident region, and that only saves copying them again.
 */
import { ENGINE_HEX } from "./_engine_bytes.ts";

interface Exports {
  hashAscii(text: string): number;
  hash(length: number): number;
  reset(): void;
  update(length: number): void;
  digest(): number;
  tokens(from: number, count: number): void;
  rank(
    high: number,
    low: number,
    hashes: number,
    nodes: number,
    count: number,
    best: number,
  ): void;
  scores(high: number, low: number, hashes: number, nodes: number, out: number): void;
  probe(
    h1High: number,
    h1Low: number,
    h2High: number,
    h2Low: number,
    tokens: number,
    count: number,
    buckets: number,
    shift: number,
  ): number;
  multiprobe(
    high: number,
    low: number,
    tokens: number,
    count: number,
    buckets: number,
    shift: number,
  ): number;
  jump(high: number, low: number, buckets: number): number;
  derive(high: number, low: number): number;
}

const INPUT_BYTES = 32_768;
const RESULT = 32_768;
const STATE = 32_832;
const OUTPUT_HIGH = 36_864;
const OUTPUT_LOW = 49_152;
const PAGE_BYTES = 65_536;

/** Most tokens one `tokens()` call of the engine makes. */
export const TOKENS_PER_CALL = 3_072;
/** Where the resident region starts. */
export const RESIDENT = 65_536;
/** Bytes of a saved stream: four lanes, a tail, a length. */
export const STATE_BYTES = 72;

/** Instantiates the module with the WebAssembly string builtins where the runtime has them. */
function instantiate(memory: WebAssembly.Memory): Exports {
  const bytes = Uint8Array.from(ENGINE_HEX.match(/../g)!, (digits) => parseInt(digits, 16));
  const compile = WebAssembly.Module as new (
    bytes: Uint8Array<ArrayBuffer>,
    options: { readonly builtins: readonly string[] },
  ) => WebAssembly.Module;
  // Without builtins every text is too long for hashAscii.
  const strings = { length: () => 0x7fff_ffff, intoCharCodeArray: () => 0 };
  return new WebAssembly.Instance(new compile(bytes, { builtins: ["js-string"] }), {
    env: { memory },
    "wasm:js-string": strings,
  }).exports as unknown as Exports;
}

export class Engine {
  /** The instance's functions; 64-bit arguments are passed as high and low word. */
  readonly run: Exports;
  /** Low and high word of the last result. */
  words: Uint32Array;
  /** The whole memory as words. */
  memory: Uint32Array;
  #bytes: Uint8Array;
  #resident: Uint32Array | undefined;
  /**
   * XXH64 of the UTF-8 bytes of a text: returns the high word, the low word is in `words[0]`.
   *
   * A function of its own, not a method: V8 then calls into the instance without a detour (up to 14 ns of 67, measured on V8 15).
   */
  readonly hashText: (text: string) => number;
  readonly #pages: WebAssembly.Memory;
  readonly #encoder = new TextEncoder();

  constructor() {
    this.#pages = new WebAssembly.Memory({ initial: 2 });
    this.run = instantiate(this.#pages);
    const { hashAscii } = this.run;
    const hashAny = (text: string) => this.#hashAny(text);
    this.hashText = hashAscii("") === -1 ? hashAny : (text) => {
      const high = hashAscii(text);
      return high === -1 ? hashAny(text) : high >>> 0;
    };
    const { buffer } = this.#pages;
    this.#bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer, RESULT, 2);
    this.memory = new Uint32Array(buffer);
  }

  /** Through the characters in JavaScript: what is not ASCII, and everything where there are no builtins. */
  #hashAny(text: string): number {
    if (text.length * 3 > INPUT_BYTES) return this.hashBytes(this.#encoder.encode(text));
    return this.run.hash(this.#encode(text)) >>> 0;
  }

  /** XXH64 of bytes: returns the high word, the low word is in `words[0]`. */
  hashBytes(bytes: Uint8Array): number {
    if (bytes.length <= INPUT_BYTES) {
      this.#bytes.set(bytes);
      return this.run.hash(bytes.length) >>> 0;
    }
    this.run.reset();
    this.write(bytes);
    return this.run.digest() >>> 0;
  }

  /** Feeds bytes to the running stream. */
  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += INPUT_BYTES) {
      const part = bytes.subarray(at, at + INPUT_BYTES);
      this.#bytes.set(part);
      this.run.update(part.length);
    }
  }

  /** Feeds the UTF-8 bytes of a text to the running stream. */
  writeText(text: string): void {
    if (text.length * 3 <= INPUT_BYTES) this.run.update(this.#encode(text));
    else this.write(this.#encoder.encode(text));
  }

  /** Copies the running stream into `state`. */
  save(state: Uint8Array): void {
    state.set(this.#bytes.subarray(STATE, STATE + STATE_BYTES));
  }

  /** Makes `state` the running stream. */
  restore(state: Uint8Array): void {
    this.#bytes.set(state, STATE);
  }

  /** Copies the high and low words of the last `count` tokens to `at` of two arrays. */
  readTokens(high: Uint32Array, low: Uint32Array, at: number, count: number): void {
    high.set(this.memory.subarray(OUTPUT_HIGH / 4, OUTPUT_HIGH / 4 + count), at);
    low.set(this.memory.subarray(OUTPUT_LOW / 4, OUTPUT_LOW / 4 + count), at);
  }

  /**
   * Makes `words` resident, unless they are already, and keeps `spareBytes` free behind them.
   *
   * @returns The address behind the resident words, a multiple of 8.
   */
  load(words: Uint32Array, spareBytes: number): number {
    const end = RESIDENT + (words.byteLength + 7 & ~7);
    const missing = end + spareBytes - this.memory.byteLength;
    if (missing > 0) {
      this.#pages.grow(Math.ceil(missing / PAGE_BYTES));
      const { buffer } = this.#pages;
      this.#bytes = new Uint8Array(buffer);
      this.words = new Uint32Array(buffer, RESULT, 2);
      this.memory = new Uint32Array(buffer);
    }
    if (this.#resident !== words) {
      this.memory.set(words, RESIDENT / 4);
      this.#resident = words;
    }
    return end;
  }

  /** Writes the UTF-8 bytes of a text to INPUT and returns their number; a lone surrogate becomes U+FFFD, as everywhere on the web. */
  #encode(text: string): number {
    const bytes = this.#bytes;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) return this.#encoder.encodeInto(text, bytes).written;
      bytes[i] = unit;
    }
    return text.length;
  }
}

let shared: Engine | undefined;

/** The engine, made on first use. */
export function engine(): Engine {
  return shared ??= new Engine();
}
