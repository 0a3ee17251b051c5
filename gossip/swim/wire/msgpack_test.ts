import { assertEquals, assertThrows } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding";
import fc from "fast-check";
import { describe, it } from "node:test";
import { DecodeError } from "./decode_error.ts";
import { MsgpackReader, structFields } from "./msgpack_reader.ts";
import { MsgpackWriter } from "./msgpack_writer.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";
import { MAX_DEPTH, ValueScanner } from "./value_scanner.ts";

const SEED = 20_260_226;

function written(write: (writer: MsgpackWriter) => void): string {
  const writer = new MsgpackWriter(1);
  write(writer);
  return encodeHex(writer.finish());
}

function reader(hex: string): MsgpackReader {
  return new MsgpackReader(decodeHex(hex));
}

describe("MsgpackWriter", () => {
  for (
    const [value, hex] of [
      [0, "00"],
      [127, "7f"],
      [128, "cc80"],
      [255, "ccff"],
      [256, "cd0100"],
      [65_535, "cdffff"],
      [65_536, "ce00010000"],
      [4_294_967_295, "ceffffffff"],
      [4_294_967_296, "cf0000000100000000"],
    ] as const
  ) {
    it(`uint() writes ${value} as ${hex}`, () => {
      assertEquals(written((writer) => writer.uint(value)), hex);
      assertEquals(written((writer) => writer.uint64(BigInt(value))), hex);
      assertEquals(reader(hex).uint(Number.MAX_SAFE_INTEGER), value);
      assertEquals(reader(hex).uint64(), BigInt(value));
    });
  }

  for (
    const [value, hex] of [
      [0, "00"],
      [127, "7f"],
      [128, "d10080"],
      [200, "d100c8"],
      [32_767, "d17fff"],
      [32_768, "d200008000"],
      [100_000, "d2000186a0"],
      [2_147_483_648, "d30000000080000000"],
      [-1, "ff"],
      [-32, "e0"],
      [-33, "d0df"],
      [-129, "d1ff7f"],
      [-32_769, "d2ffff7fff"],
      [-2_147_483_649, "d3ffffffff7fffffff"],
    ] as const
  ) {
    it(`int() writes ${value} as ${hex} (C-23)`, () => {
      assertEquals(written((writer) => writer.int(value)), hex);
      assertEquals(reader(hex).int(), value);
    });
  }

  it("string() never writes str8 (C-22)", () => {
    assertEquals(written((writer) => writer.string("n".repeat(31))).slice(0, 2), "bf");
    assertEquals(written((writer) => writer.string("n".repeat(32))).slice(0, 6), "da0020");
    assertEquals(written((writer) => writer.string("é".repeat(16))).slice(0, 6), "da0020");
    assertEquals(written((writer) => writer.string("n".repeat(65_536))).slice(0, 10), "db00010000");
  });

  it("uint() refuses what is no unsigned integer", () => {
    for (const value of [-1, 1.5, NaN, Infinity, 2 ** 53]) {
      assertThrows(() => written((writer) => writer.uint(value)), RangeError);
    }
    assertThrows(() => written((writer) => writer.uint64(2n ** 64n)), RangeError);
    assertThrows(() => written((writer) => writer.uint64(-1n)), RangeError);
    assertThrows(() => written((writer) => writer.int(0.5)), RangeError);
  });
});

describe("MsgpackReader", () => {
  it("uint() accepts every integer form that fits, and nil", () => {
    for (const hex of ["05", "cc05", "cd0005", "ce00000005", "cf0000000000000005"]) {
      assertEquals(reader(hex).uint(0xffff), 5);
    }
    for (const hex of ["d005", "d10005", "d200000005", "d30000000000000005"]) {
      assertEquals(reader(hex).uint(0xffff), 5);
    }
    assertEquals(reader("c0").uint(0xffff), 0);
    assertEquals(reader("d30020000000000001").uint64(), 2n ** 53n + 1n);
    assertEquals(reader("cfffffffffffffffff").uint64(), 2n ** 64n - 1n);
    assertEquals(reader("d37fffffffffffffff").int(), Number.MAX_SAFE_INTEGER);
    assertEquals(reader("d38000000000000000").int(), Number.MIN_SAFE_INTEGER);
  });

  it("uint() refuses too large, negative, float, text, and truncated (C-26)", () => {
    for (
      const hex of [
        "ce00010000",
        "cfffffffffffffffff",
        "ff",
        "d0ff",
        "d3ffffffffffffffff",
        "ca3f800000",
        "cb3ff0000000000000",
        "a135",
        "c3",
        "c1",
        "",
        "cd00",
        "cf00000000000000",
      ]
    ) {
      assertThrows(() => reader(hex).uint(0xffff), DecodeError);
    }
    assertThrows(() => reader("ff").uint64(), DecodeError);
    assertThrows(() => reader("cf8000000000000000").int(), DecodeError);
  });

  it("string() and bytes() accept raw, str, bin, and bytes() an array of small integers", () => {
    for (const hex of ["a26869", "d9026869", "da00026869", "db000000026869", "c4026869"]) {
      assertEquals(reader(hex).string(), "hi");
      assertEquals(reader(hex).bytes(), Uint8Array.of(0x68, 0x69));
    }
    assertEquals(reader("c500026869").string(), "hi");
    assertEquals(reader("c6000000026869").string(), "hi");
    assertEquals(reader("96010502000000").bytes(), Uint8Array.of(1, 5, 2, 0, 0, 0));
    assertEquals(reader("dc0002ccffc0").bytes(), Uint8Array.of(255, 0));
    assertEquals(reader("c0").bytes(), undefined);
    assertEquals(reader("c0").string(), "");
    for (const hex of ["9201cd0100", "05", "ddffffffff01", "a5aa"]) {
      assertThrows(() => reader(hex).bytes(), DecodeError);
    }
    for (const hex of ["05", "920102", "dbffffffff61"]) {
      assertThrows(() => reader(hex).string(), DecodeError);
    }
  });

  it("bool() accepts true, false, 0, 1 and nil", () => {
    assertEquals(["c3", "c2", "01", "00", "c0"].map((hex) => reader(hex).bool()), [
      true,
      false,
      true,
      false,
      false,
    ]);
    for (const hex of ["02", "a0", "cc01", ""]) assertThrows(() => reader(hex).bool(), DecodeError);
  });

  it("struct() takes maps in any order and arrays in declaration order", () => {
    const fields = structFields("One", "Two");
    const read = (hex: string): number[] => {
      const from = reader(hex);
      const values = [0, 0];
      from.struct(fields, (field) => {
        values[field] = from.uint(255);
      });
      return values;
    };
    assertEquals(read("82a34f6e6501a354776f02"), [1, 2]);
    assertEquals(read("82a354776f02a34f6e6501"), [1, 2]);
    assertEquals(read("de0002d903" + "4f6e6501c40354776f02"), [1, 2]);
    assertEquals(read("82a34f6e6501a34f6e6509"), [9, 0]);
    assertEquals(read("82a36f6e6505a34f6e6501"), [1, 0]);
    assertEquals(read("83a1789281a0c0c40101a34f6e6501a179cb0000000000000000"), [1, 0]);
    assertEquals(read("81a34f6e65c0"), [0, 0]);
    assertEquals(read("80"), [0, 0]);
    assertEquals(read("c0"), [0, 0]);
    assertEquals(read("920102"), [1, 2]);
    assertEquals(read("9101"), [1, 0]);
    assertEquals(read("93010281a0c0"), [1, 2]);
    for (const hex of ["", "05", "a0", "81", "8105c0", "82a34f6e6501", "dfffffffff", "81a178c1"]) {
      assertThrows(() => read(hex), DecodeError);
    }
  });

  it("DecodeError tells where", () => {
    const error = assertThrows(() => {
      const from = reader("81a34f6e65ff");
      from.struct(structFields("One"), () => from.uint(1));
    }, DecodeError) as DecodeError;
    assertEquals([error.offset, error.reason, error.name], [5, "decode", "DecodeError"]);
    assertEquals(error instanceof SyntaxError, true);
  });

  it("skip() passes nesting up to the limit, and refuses more", () => {
    const nested = (depth: number): Uint8Array => {
      const bytes = new Uint8Array(depth + 1).fill(0x91);
      bytes[depth] = 0xc0;
      return bytes;
    };
    const whole = new MsgpackReader(nested(MAX_DEPTH));
    whole.skip();
    assertEquals(whole.offset, MAX_DEPTH + 1);
    for (const depth of [MAX_DEPTH + 1, 1_000_000]) {
      const error = assertThrows(
        () => new MsgpackReader(nested(depth)).skip(),
        DecodeError,
      ) as DecodeError;
      assertEquals(error.reason, "limit");
    }
  });
});

describe("ValueScanner", () => {
  it("scan() finds the same end however the bytes are cut", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat({ max: 9 }), (bytes, step) => {
        const run = (size: number): string => {
          const scanner = new ValueScanner();
          let at = 0;
          try {
            for (let end = 0; !scanner.done && end < bytes.length;) {
              end = Math.min(bytes.length, end + size);
              at = scanner.scan(bytes, at, end);
            }
          } catch (error) {
            if (!(error instanceof DecodeError)) throw error;
            return error.message;
          }
          return `${scanner.done} ${scanner.done ? at : ""}`;
        };
        assertEquals(run(step + 1), run(1_000));
      }),
      { seed: SEED, numRuns: 2_000 },
    );
  });
});

describe("decodeUtf8()", () => {
  const decode = (bytes: Uint8Array): string => decodeUtf8(bytes, 0, bytes.length);

  it("decodeUtf8() loses nothing, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        assertEquals(encodeUtf8(decode(bytes)), bytes);
      }),
      { seed: SEED, numRuns: 2_000 },
    );
    for (const hex of ["ff", "c3", "eda080", "f4908080", "c080", "e28082ff", "f09f9880f09f98"]) {
      assertEquals(encodeHex(encodeUtf8(decode(decodeHex(hex)))), hex);
    }
  });

  it("decodeUtf8() is the plain decoder for text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => {
        assertEquals(decode(new TextEncoder().encode(text)), text);
      }),
      { seed: SEED },
    );
    assertEquals(decode(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)), "\ufeffa");
  });
});
