import type { KeySpace } from "./_key_space.ts";
import type { Roster } from "./_roster.ts";
import { TOKENS_PER_CALL } from "./hash/_engine.ts";
import type { HashStream } from "./hash/family.ts";

/** High and low words of tokens. */
export interface Tokens {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
}

/** Tokens of a node: `tokens` times its weight, rounded, at least one. */
export function tokenCount(tokens: number, weight: number): number {
  return Math.max(1, Math.round(tokens * weight));
}

/** Tokens of each node of a roster, in its order. */
export function tokenCounts(roster: Roster, tokens: number): number[] {
  return roster.names.map((name) => tokenCount(tokens, roster.specs.get(name)!.weight ?? 1));
}

/**
 * Makes the tokens of nodes, one node after the other: token t is the hash of the name followed by the bytes 0, 1, …, t (mod 256), so
 * a node's first tokens are the same whatever its weight.
 */
export function makeTokens(
  keys: KeySpace,
  names: readonly string[],
  counts: readonly number[],
): Tokens {
  let size = 0;
  for (const count of counts) size += count;
  const tokens = { high: new Uint32Array(size), low: new Uint32Array(size) };
  let at = 0;
  for (let i = 0; i < names.length; i++) {
    const count = counts[i]!;
    if (keys.native) fillNative(keys, names[i]!, { tokens, at, count });
    else fillForeign(keys, names[i]!, { tokens, at, count });
    at += count;
  }
  return tokens;
}

interface Target {
  readonly tokens: Tokens;
  readonly at: number;
  readonly count: number;
}

function fillNative(
  { engine }: KeySpace,
  name: string,
  { tokens: { high, low }, at, count }: Target,
): void {
  engine.run.reset();
  engine.writeText(name);
  for (let made = 0; made < count; made += TOKENS_PER_CALL) {
    const part = Math.min(TOKENS_PER_CALL, count - made);
    engine.run.tokens(made, part);
    engine.readTokens(high, low, at + made, part);
  }
}

function fillForeign(
  keys: KeySpace,
  name: string,
  { tokens: { high, low }, at, count }: Target,
): void {
  const stream = keys.family.stream?.() ?? rehashing(keys);
  stream.write(new TextEncoder().encode(name));
  const byte = new Uint8Array(1);
  for (let t = 0; t < count; t++) {
    byte[0] = t;
    stream.write(byte);
    const token = keys.cut(stream.digest());
    const top = Number(token >> 32n);
    const bottom = Number(token & 0xffff_ffffn);
    high[at + t] = keys.short ? bottom : top;
    low[at + t] = keys.short ? 0 : bottom;
  }
}

/** A stream for a family that has none: it hashes everything again for each digest. */
function rehashing({ family }: KeySpace): HashStream {
  let bytes = new Uint8Array(256);
  let length = 0;
  return {
    write(chunk) {
      if (length + chunk.length > bytes.length) {
        const longer = new Uint8Array(2 * (length + chunk.length));
        longer.set(bytes);
        bytes = longer;
      }
      bytes.set(chunk, length);
      length += chunk.length;
    },
    digest: () => family.hash(bytes.slice(0, length)),
  };
}
