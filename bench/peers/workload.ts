import type { Peer } from "../../shard/mod.ts";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";

/** Keys of 1 to 64 letters and digits, the same every time; `count` is a power of two. */
export function benchKeys(count = 8_192): string[] {
  let state = 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 0x1_0000_0000 * below);
  };
  return Array.from({ length: count }, () => {
    let key = "";
    for (let left = 1 + random(64); left > 0; left--) key += ALPHABET[random(ALPHABET.length)];
    return Array.from(key).join(""); // one flat string, as a key read from the network is
  });
}

/** `node-0` to `node-<count − 1>`, all participants. */
export function benchPeers(count: number): Peer[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `node-${i}`,
    addr: `10.0.${i >> 8}.${i & 255}:8080`,
    self: i === 0,
    state: "participant" as const,
  }));
}
