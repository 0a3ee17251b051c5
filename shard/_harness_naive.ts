/**
 * The algorithms in their plainest form, written from their descriptions with BigInt and full sorts: what the optimised ones are
 * compared with in tests. Slow on purpose.
 */
const MASK = (1n << 64n) - 1n;
const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

const wrap = (x: bigint): bigint => x & MASK;
const rotl = (x: bigint, bits: bigint): bigint => wrap(x << bits) | (x >> (64n - bits));
const round = (lane: bigint, word: bigint): bigint => wrap(rotl(wrap(lane + word * P2), 31n) * P1);

function word(bytes: Uint8Array, at: number, length: number): bigint {
  let value = 0n;
  for (let i = length - 1; i >= 0; i--) value = value << 8n | BigInt(bytes[at + i]!);
  return value;
}

/** UTF-8 bytes. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** XXH64, seed 0. */
export function naiveXxh64(bytes: Uint8Array): bigint {
  let at = 0;
  let hash = P5;
  if (bytes.length >= 32) {
    const lanes = [wrap(P1 + P2), P2, 0n, wrap(-P1)];
    for (; at + 32 <= bytes.length; at += 32) {
      for (let i = 0; i < 4; i++) lanes[i] = round(lanes[i]!, word(bytes, at + 8 * i, 8));
    }
    hash = wrap(
      rotl(lanes[0]!, 1n) + rotl(lanes[1]!, 7n) + rotl(lanes[2]!, 12n) + rotl(lanes[3]!, 18n),
    );
    for (const lane of lanes) hash = wrap((hash ^ round(0n, lane)) * P1 + P4);
  }
  hash = wrap(hash + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) {
    hash = wrap(rotl(hash ^ round(0n, word(bytes, at, 8)), 27n) * P1 + P4);
  }
  for (; at + 4 <= bytes.length; at += 4) {
    hash = wrap(rotl(hash ^ wrap(word(bytes, at, 4) * P1), 23n) * P2 + P3);
  }
  for (; at < bytes.length; at++) {
    hash = wrap(rotl(hash ^ wrap(BigInt(bytes[at]!) * P5), 11n) * P1);
  }
  hash = wrap((hash ^ (hash >> 33n)) * P2);
  hash = wrap((hash ^ (hash >> 29n)) * P3);
  return hash ^ (hash >> 32n);
}

/** Orders names by their UTF-8 bytes. */
export function compareBytes(a: string, b: string): number {
  const x = utf8(a);
  const y = utf8(b);
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    if (x[i] !== y[i]) return x[i]! - y[i]!;
  }
  return x.length - y.length;
}

interface Token {
  readonly token: bigint;
  readonly name: string;
}

function byToken(a: Token, b: Token): number {
  return a.token < b.token ? -1 : a.token > b.token ? 1 : compareBytes(a.name, b.name);
}

/** All tokens of a ring, sorted. */
export function naiveTokens(
  names: readonly string[],
  tokens: number,
  hash: (bytes: Uint8Array) => bigint = naiveXxh64,
): Token[] {
  return [...new Set(names)].flatMap((name) =>
    Array.from({ length: tokens }, (_, t) => {
      const trail = Uint8Array.from({ length: t + 1 }, (_, i) => i);
      return { token: hash(new Uint8Array([...utf8(name), ...trail])), name };
    })
  ).sort(byToken);
}

/** Owners on a ring of sorted tokens. */
export function naiveRingOwners(tokens: readonly Token[], key: bigint, count: number): string[] {
  const found = tokens.findIndex(({ token }) => token >= key);
  const start = found < 0 ? 0 : found;
  const order = new Set(
    [...tokens.slice(start), ...tokens.slice(0, start)].map(({ name }) => name),
  );
  return [...order].slice(0, count);
}

/** The score of a node: xorshift64*. */
export function naiveScore(key: bigint, name: string): bigint {
  let x = key ^ naiveXxh64(utf8(name));
  x ^= x >> 12n;
  x ^= wrap(x << 25n);
  x ^= x >> 27n;
  return wrap(x * 2685821657736338717n);
}

/** Owners by rendezvous. */
export function naiveRendezvousOwners(
  names: readonly string[],
  key: bigint,
  count: number,
): string[] {
  return [...new Set(names)].map((name) => ({ name, token: naiveScore(key, name) }))
    .sort(byToken).slice(0, count).map(({ name }) => name);
}

/** Owners by multiprobe. */
export function naiveMultiprobeOwners(
  names: readonly string[],
  key: bigint,
  count: number,
): string[] {
  const tokens = [...new Set(names)].map((name) => ({ name, token: naiveXxh64(utf8(name)) }))
    .sort(byToken);
  const h1 = naiveXxh64(utf8(key.toString(16)));
  const h2 = naiveXxh64(utf8(h1.toString(16)));
  let best = { index: 0, distance: MASK + 1n };
  for (let k = 0n; k < 21n; k++) {
    const probe = wrap(h1 + k * h2);
    const found = tokens.findIndex(({ token }) => token >= probe);
    const next = found < 0 ? tokens.length : found;
    for (const i of [next - 1, next]) {
      const index = (i + tokens.length) % tokens.length;
      const { token } = tokens[index]!;
      const distance = token > probe ? token - probe : probe - token;
      if (distance < best.distance) best = { index, distance };
    }
  }
  return Array.from({ length: count }, (_, i) => tokens[(best.index + i) % tokens.length]!.name);
}
