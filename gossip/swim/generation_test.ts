import { assertEquals } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding";
import { describe, it } from "node:test";
import { generationOf, generationTag } from "./generation.ts";

describe("generationTag()", () => {
  it("is 'ck', version 1 and eight bytes big-endian", () => {
    assertEquals(encodeHex(generationTag(1_700_000_000_000)), "636b01" + "0000018bcfe56800");
  });

  for (const generation of [0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER - 1]) {
    it(`is undone by generationOf() for ${generation}`, () => {
      assertEquals(generationOf(generationTag(generation)), generation);
    });
  }
});

describe("generationOf()", () => {
  const none = [
    "",
    "636b01",
    "636b02" + "0000000000000001",
    "646b01" + "0000000000000001",
    "636b01" + "000000000000000100",
    "636b01" + "001fffffffffffff",
    "636b01" + "ffffffffffffffff",
  ];
  for (const hex of none) {
    it(`is undefined for ${hex || "nothing"}`, () => {
      assertEquals(generationOf(decodeHex(hex)), undefined);
    });
  }
});
