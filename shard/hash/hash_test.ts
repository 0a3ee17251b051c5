import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { naiveXxh64, utf8 } from "../_harness_naive.ts";
import type { HashFamily } from "./family.ts";
import { fnv1a } from "./fnv1a.ts";
import { md5 } from "./md5.ts";
import { murmur3 } from "./murmur3.ts";
import { sha256 } from "./sha256.ts";
import { xxh64 } from "./xxh64.ts";

const SEED = 20260101;
const bytes = fc.uint8Array({ maxLength: 300 });

describe("xxh64", () => {
  it("xxh64.hash() equals the published vectors", () => {
    assertEquals(xxh64.hash(utf8("")), 0xef46db3751d8e999n);
    assertEquals(xxh64.hash(utf8("a")), 0xd24ec4f1a98c6e5bn);
    assertEquals(xxh64.hash(utf8("abc")), 0x44bc2cf5ad770999n);
  });

  it("xxh64.hash() equals a naive implementation at every length from 0 to 300", () => {
    for (let length = 0; length <= 300; length++) {
      const input = Uint8Array.from({ length }, (_, i) => i * 151 + length);
      assertEquals(xxh64.hash(input), naiveXxh64(input), `length ${length}`);
    }
  });

  it("xxh64.hash() equals a naive implementation around the size of the engine's input", () => {
    for (const length of [10_922, 32_767, 32_768, 32_769, 65_536, 100_001]) {
      const input = Uint8Array.from({ length }, (_, i) => i % 251);
      assertEquals(xxh64.hash(input), naiveXxh64(input), `length ${length}`);
    }
  });
});

describe("fnv1a", () => {
  it("fnv1a.hash() equals a naive implementation", () => {
    assertEquals(fnv1a.hash(utf8("foobar")), 0x85944171f73967e8n);
    fc.assert(
      fc.property(bytes, (input) => {
        let hash = 0xcbf29ce484222325n;
        for (const byte of input) hash = (hash ^ BigInt(byte)) * 0x100000001b3n & (1n << 64n) - 1n;
        assertEquals(fnv1a.hash(input), hash);
      }),
      { seed: SEED },
    );
  });
});

describe("murmur3", () => {
  it("murmur3.hash() equals known vectors of every tail length", () => {
    const vectors: [string, bigint][] = [
      ["", 0x0n],
      ["a", 0x3c2569b2n],
      ["aa", 0x371091a9n],
      ["aaa", 0xb4d05fb7n],
      ["test", 0xba6bd213n],
      ["Hello, world!", 0xc0363e43n],
      ["The quick brown fox jumps over the lazy dog", 0x2e4ff723n],
    ];
    for (const [text, hash] of vectors) {
      assertEquals(murmur3.hash(utf8(text)), hash, text);
    }
  });
});

describe("md5", () => {
  it("md5.hash() maps keys to partitions as the Raft ClusterKit does", () => {
    const expected: [string, number, number, number][] = [
      ["user:123", 0, 48, 48],
      ["order:100", 14, 46, 46],
      ["product:abc", 2, 18, 82],
      ["a", 9, 57, 185],
      ["ключ", 6, 38, 102],
    ];
    for (const [key, of16, of64, of256] of expected) {
      const hash = md5.hash(utf8(key));
      assertEquals([hash % 16n, hash % 64n, hash % 256n], [of16, of64, of256].map(BigInt), key);
    }
    assertEquals(md5.hash(utf8("user:123")), 2430271536n);
    assertEquals(md5.hash(utf8("")), 3558706393n);
  });
});

describe("every family", () => {
  const families: readonly HashFamily[] = [xxh64, fnv1a, murmur3, md5, sha256];

  it("HashFamily.hash() stays within its bits", () => {
    for (const family of families) {
      fc.assert(
        fc.property(bytes, (input) => {
          const hash = family.hash(input);
          assert(hash >= 0n && hash < 1n << BigInt(family.bits ?? 64), family.name);
        }),
        { seed: SEED },
      );
    }
  });

  it("HashFamily.stream() gives the hash of all chunks, as often as it is asked", () => {
    for (const family of families) {
      if (family.stream === undefined) continue;
      fc.assert(
        fc.property(fc.array(bytes, { maxLength: 8 }), (chunks) => {
          const stream = family.stream!();
          const written: number[] = [];
          for (const chunk of chunks) {
            stream.write(chunk);
            written.push(...chunk);
            const expected = family.hash(new Uint8Array(written));
            assertEquals(stream.digest(), expected, family.name);
            assertEquals(stream.digest(), expected, family.name);
          }
        }),
        { seed: SEED, numRuns: 50 },
      );
    }
  });

  it("HashFamily.stream() keeps streams apart", () => {
    const a = xxh64.stream!();
    const b = xxh64.stream!();
    a.write(utf8("one"));
    b.write(utf8("two"));
    xxh64.hash(utf8("three"));
    a.write(utf8("-more"));
    assertEquals(a.digest(), xxh64.hash(utf8("one-more")));
    assertEquals(b.digest(), xxh64.hash(utf8("two")));
  });
});
