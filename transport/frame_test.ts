import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding";
import fc from "fast-check";
import { describe, it } from "node:test";
import { encodeFrame, FrameReader } from "./frame.ts";

const SEED = 20_260_226;
const maxFrameBytes = 1 << 20;

function read(hex: string): { payloads: readonly string[]; ok: boolean } {
  const reader = new FrameReader({ maxFrameBytes });
  let payloads: readonly string[] = [];
  try {
    payloads = reader.push(decodeHex(hex)).map(encodeHex);
  } catch {
    // end() tells.
  }
  return { payloads, ok: reader.end() };
}

describe("encodeFrame()", () => {
  for (
    const [bytes, header] of [
      [0, "cc0000"],
      [1, "cc0001"],
      [65_535, "ccffff"],
      [65_536, "cd00010000"],
      [70_000, "cd00011170"],
    ] as const
  ) {
    it(`encodeFrame() heads ${bytes} bytes with ${header} (C-01, C-02)`, () => {
      const frame = encodeFrame(new Uint8Array(bytes).fill(7));
      const headerBytes = header.length / 2;
      assertEquals(encodeHex(frame.subarray(0, headerBytes)), header);
      assertEquals(frame.length, headerBytes + bytes);
      assert(frame.subarray(headerBytes).every((byte) => byte === 7));
    });
  }
});

describe("FrameReader", () => {
  it("push() accepts the large form for a small payload (C-03)", () => {
    assertEquals(read("cd00000001ff"), { payloads: ["ff"], ok: true });
    assertEquals(read("cd00000000"), { payloads: [""], ok: true });
  });

  it("push() yields none, one and several payloads in order (C-04, C-05)", () => {
    assertEquals(read(""), { payloads: [], ok: true });
    assertEquals(read("cc0001aacc0000cd00000002bbcc"), { payloads: ["aa", "", "bbcc"], ok: true });
  });

  it("push() keeps what came before a malformed frame, then fails (C-06)", () => {
    const reader = new FrameReader({ maxFrameBytes });
    assertEquals(reader.push(decodeHex("cc000101aa0000")).map(encodeHex), ["01"]);
    assert(reader.failure instanceof SyntaxError);
    assertThrows(() => reader.push(decodeHex("cc0000")), SyntaxError, "0xaa");
    assertEquals(reader.end(), false);
  });

  for (
    const [hex, ok] of [
      ["", true],
      ["cc", false],
      ["cc00", false],
      ["cd", false],
      ["cd00", false],
      ["cd0000", true],
      ["cd000000", false],
      ["cd00000005", true],
      ["cc0005", true],
      ["cc00050102", false],
      ["cd0000000501", false],
      ["aa0000", false],
      ["aa", false],
    ] as const
  ) {
    it(`end() is ${ok} after "${hex}" (C-07, C-08)`, () => {
      assertEquals(read(hex), { payloads: [], ok });
    });
  }

  it("push() refuses a frame above the cap before its payload arrives (C-17)", () => {
    const reader = new FrameReader({ maxFrameBytes: 10 });
    assertThrows(() => reader.push(decodeHex("cd0000000b")), RangeError, "at most 10");
    assertEquals(reader.end(), false);
    assertEquals(
      new FrameReader({ maxFrameBytes: 10 }).push(encodeFrame(new Uint8Array(10))).length,
      1,
    );
  });

  it("push() allocates for what arrived, not for what is announced (C-17)", () => {
    const readers: FrameReader[] = [];
    // 2 000 × 4 GiB would not fit anywhere.
    for (let i = 0; i < 2_000; i++) {
      const reader = new FrameReader({ maxFrameBytes: 0xffff_ffff });
      assertEquals(reader.push(decodeHex("cdffffffff01")), []);
      readers.push(reader);
    }
    assertEquals(readers.length, 2_000);
  });

  it("push() hands out memory of its own", () => {
    const chunk = decodeHex("cc000101");
    const [payload] = new FrameReader({ maxFrameBytes }).push(chunk);
    chunk.fill(0);
    assertEquals(payload, Uint8Array.of(1));
  });

  it("push() does not care where chunks are cut (C-15, C-16)", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }),
        fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 20 }),
        (payloads, cuts) => {
          const body = payloads.flatMap((payload) => [...encodeFrame(payload)]);
          const reader = new FrameReader({ maxFrameBytes });
          const read: string[] = [];
          for (let at = 0, i = 0; at < body.length; i++) {
            const size = cuts[i % cuts.length]! + (i % cuts.length === 0 ? 1 : 0);
            read.push(...reader.push(Uint8Array.from(body.slice(at, at + size))).map(encodeHex));
            at += size;
          }
          assertEquals(read, payloads.map(encodeHex));
          assert(reader.end());
        },
      ),
      { seed: SEED },
    );
  });

  it("push() takes a large payload byte by byte in linear time", () => {
    const payload = new Uint8Array(200_000).fill(3);
    const reader = new FrameReader({ maxFrameBytes });
    const read: Uint8Array[] = [];
    for (const byte of encodeFrame(payload)) read.push(...reader.push(Uint8Array.of(byte)));
    assertEquals(read, [payload]);
  });

  it("constructor() refuses caps outside the format", () => {
    for (const cap of [-1, 1.5, NaN, 2 ** 32]) {
      assertThrows(() => new FrameReader({ maxFrameBytes: cap }), RangeError, "maxFrameBytes");
    }
  });
});
