import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding";
import fc from "fast-check";
import { describe, it } from "node:test";
import { lcgBytes, vector } from "./_harness_vectors.ts";
import { compressIfShorter, decodeCompressed, encodeCompressed } from "./compress.ts";
import { crc32 } from "./crc32.ts";
import { DecodeError } from "./decode_error.ts";
import { lzwDecode, lzwEncode } from "./lzw.ts";

const SEED = 20_260_226;
const maxInflatedBytes = 2_000_000;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe("crc32()", () => {
  it("crc32() gives the check value", () => {
    assertEquals(crc32(text("123456789")), 0xcbf43926);
    assertEquals(crc32(text("xx123456789"), 2), 0xcbf43926);
    assertEquals(crc32(new Uint8Array(0)), 0);
  });
});

describe("encodeCompressed()", () => {
  for (
    const [id, input] of [
      ["V-20", ""],
      ["V-21", "a"],
      ["V-22", "aaaaaaaaaa"],
      ["V-23", "hello hello hello hello"],
    ] as const
  ) {
    it(`encodeCompressed() equals ${id}, both ways (C-28)`, () => {
      assertEquals(encodeHex(encodeCompressed(text(input))), vector(id).hex);
      const inflated = decodeCompressed(decodeHex(vector(id).hex!), { maxInflatedBytes });
      assertEquals(inflated, text(input));
    });
  }

  it("lcgBytes() is the input of V-24", () => {
    assertEquals(crc32(lcgBytes()).toString(16), "43f6ec66");
  });

  for (
    const [id, input] of [["V-24", lcgBytes()], ["V-25", new Uint8Array(1_000_000)]] as const
  ) {
    it(`encodeCompressed() equals ${id}, both ways (C-29)`, () => {
      const { bytes, crc32: sum, starts } = vector(id);
      const compressed = encodeCompressed(input);
      assertEquals(compressed.length, bytes);
      assertEquals(crc32(compressed).toString(16), sum);
      assert(encodeHex(compressed).startsWith(starts!));
      assertEquals(decodeCompressed(compressed, { maxInflatedBytes }), input);
    });
  }

  it("decodeCompressed() refuses what is no LZW message (C-30)", () => {
    const whole = vector("V-23").hex!;
    for (
      const hex of [
        whole.slice(0, -2),
        whole.slice(0, 30),
        "09",
        "0905",
        "0982a4416c676f01a3427566a3000302",
        "0982a4416c676fcd0100a3427566a3000302",
        "0982a4416c676f00a3427566a0",
        "0980",
        // Code 300 before anything was learned.
        "0982a4416c676f00a3427566a4005a0204",
      ]
    ) {
      assertThrows(() => decodeCompressed(decodeHex(hex), { maxInflatedBytes }), DecodeError);
    }
  });

  it("decodeCompressed() stops at the cap (C-31)", () => {
    const bomb = encodeCompressed(new Uint8Array(1_000_000));
    const error = assertThrows(
      () => decodeCompressed(bomb, { maxInflatedBytes: 999_999 }),
      DecodeError,
    ) as DecodeError;
    assertEquals(error.reason, "limit");
    assertEquals(decodeCompressed(bomb, { maxInflatedBytes: 1_000_000 }).length, 1_000_000);
  });

  it("compressIfShorter() keeps what would not shrink", () => {
    const short = text("abc");
    assertEquals(compressIfShorter(short), short);
    assertEquals(compressIfShorter(new Uint8Array(200))[0], 9);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (input) => {
        const output = compressIfShorter(input);
        assert(output === input || output.length < input.length);
      }),
      { seed: SEED },
    );
  });
});

describe("lzwEncode()", () => {
  const restores = (input: Uint8Array): void => {
    assertEquals(lzwDecode(lzwEncode(input), { maxBytes: input.length }), input);
  };

  it("lzwDecode() restores any bytes", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 2_000 }),
          fc.array(fc.nat({ max: 1 }), { maxLength: 3_000 }).map((bits) => Uint8Array.from(bits)),
        ),
        restores,
      ),
      { seed: SEED },
    );
  });

  it("lzwDecode() restores around each width change and clear", () => {
    const noise = lcgBytes();
    for (const around of [254, 255, 511, 766, 767, 1_790, 1_791, 3_836, 3_837, 3_838, 7_675]) {
      for (let length = around - 2; length <= around + 3; length++) {
        restores(noise.subarray(0, length));
      }
    }
  });

  it("lzwDecode() goes on without a clear once the dictionary is full", () => {
    // A lazy encoder: literals only, and no clear. Only the widths follow what the decoder learns.
    const input = lcgBytes().subarray(0, 6_000);
    const bits: number[] = [];
    const put = (code: number, width: number): void => {
      for (let bit = 0; bit < width; bit++) bits.push(code >> bit & 1);
    };
    put(256, 9);
    let high = 257;
    for (const code of [...input, 257]) {
      put(code, high < 512 ? 9 : high < 1024 ? 10 : high < 2048 ? 11 : 12);
      high = Math.min(high + 1, 4095);
    }
    const bytes = new Uint8Array(Math.ceil(bits.length / 8));
    bits.forEach((bit, i) => bytes[i >> 3]! |= bit << (i & 7));
    assertEquals(lzwDecode(bytes, { maxBytes: input.length }), input);
  });
});
