import { assertEquals, assertNotEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { naiveXxh64, utf8 } from "./_harness_naive.ts";
import { keyBuilder, stringKey } from "./key.ts";
import { multiprobe } from "./multiprobe.ts";
import { rendezvous } from "./rendezvous.ts";
import { ring } from "./ring.ts";

const SEED = 20260102;

describe("stringKey()", () => {
  it("stringKey() equals the hash of the UTF-8 bytes for any text, lone surrogates included", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 100 }), (text) => {
        assertEquals(stringKey(text), naiveXxh64(utf8(text)));
      }),
      { seed: SEED, numRuns: 500 },
    );
    for (
      const text of [
        "\ud800",
        "a\udc00b",
        "\ud800\ud800",
        "\udc00\ud800",
        "x\ud83d",
        "\ud83d\ude42",
      ]
    ) {
      assertEquals(stringKey(text), naiveXxh64(utf8(text)));
    }
  });

  it("stringKey() of 10,000 characters and of 10 MB equals the hash of their bytes", () => {
    const mixed = `${"x".repeat(10_922)}\ud800${"é".repeat(30_000)}\ud83d\ude42`;
    for (const text of ["n".repeat(10_000), mixed, mixed.slice(0, 10_923), "京".repeat(10_922)]) {
      assertEquals(stringKey(text), naiveXxh64(utf8(text)));
    }
    const long = "0123456789".repeat(1_000_000);
    const stream = keyBuilder();
    for (let at = 0; at < long.length; at += 99_991) stream.write(long.slice(at, at + 99_991));
    assertEquals(stringKey(long), stream.key());
  });

  it("a hash function of the caller's may look up owners and hash itself", () => {
    const inner = ring({ tokens: 8 }).place(["x", "y"]);
    const many = rendezvous().place(Array.from({ length: 20_000 }, (_, i) => `n${i}`)); // grows the memory
    const hash = {
      name: "nested",
      hash: (bytes: Uint8Array) => {
        keyBuilder().write("between").key();
        inner.owners("between", 2);
        many.owners("between", 1);
        return naiveXxh64(bytes);
      },
    };
    for (
      const [own, plain] of [
        [ring({ tokens: 3, hash }), ring({ tokens: 3 })],
        [rendezvous({ hash }), rendezvous()],
        [multiprobe({ hash }), multiprobe()],
      ] as const
    ) {
      const nodes = ["a", "b", "c", "d"];
      for (const key of ["k", "京", 7n]) {
        assertEquals(own.place(nodes).owners(key, 4), plain.place(nodes).owners(key, 4));
      }
    }
  });

  it("stringKey() is the same after texts of other kinds and lengths", () => {
    const texts = ["", "a", "é", "abcdefgh", "京".repeat(40), "x".repeat(33), "\u0000\u007f\u0080"];
    const expected = texts.map((text) => naiveXxh64(utf8(text)));
    for (let i = 0; i < texts.length; i++) {
      for (let j = 0; j < texts.length; j++) {
        assertEquals(stringKey(texts[i]!), expected[i]);
        assertEquals(stringKey(texts[j]!), expected[j]);
      }
    }
  });

  it("stringKey() takes texts of any length", () => {
    for (const length of [10_921, 10_922, 10_923, 32_768, 200_000]) {
      for (const unit of ["k", "é", "京"]) {
        const text = unit.repeat(length);
        assertEquals(stringKey(text), naiveXxh64(utf8(text)), `${length} times ${unit}`);
      }
    }
  });
});

describe("keyBuilder()", () => {
  it("keyBuilder().key() equals stringKey() however the text is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme", maxLength: 50 })), (chunks) => {
        const builder = keyBuilder();
        chunks.forEach((chunk, i) => builder.write(i % 2 === 0 ? chunk : utf8(chunk)));
        assertEquals(builder.key(), stringKey(chunks.join("")));
      }),
      { seed: SEED },
    );
  });

  it("keyBuilder().key() does not reset, reset() does", () => {
    const builder = keyBuilder().write("a");
    assertEquals(builder.key(), builder.key());
    assertEquals(builder.write("b").key(), stringKey("ab"));
    assertStrictEquals(builder.reset(), builder);
    assertEquals(builder.key(), stringKey(""));
  });

  it("keyBuilder().write() copies what it is given", () => {
    const chunk = utf8("mutable");
    const builder = keyBuilder().write(chunk);
    const before = builder.key();
    chunk.fill(0);
    assertEquals(builder.key(), before);
  });

  it("keyBuilder() builders do not disturb each other or lookups", () => {
    const a = keyBuilder().write("left");
    const b = keyBuilder().write("right");
    const owners = ring({ tokens: 8 }).place(["a", "b", "c"]).owners("left", 1);
    assertNotEquals(a.key(), b.key());
    assertEquals(a.write("!").key(), stringKey("left!"));
    assertEquals(ring({ tokens: 8 }).place(["a", "b", "c"]).owners(stringKey("left"), 1), owners);
  });
});
