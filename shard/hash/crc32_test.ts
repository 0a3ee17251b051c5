import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { crc32, crc32c } from "./crc32.ts";

const text = (s: string) => new TextEncoder().encode(s);

/** One bit at a time, as the definition says. */
function naive(polynomial: number, bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe("crc32c() and crc32()", () => {
  it("give the published check values", () => {
    assertEquals(crc32c(text("123456789")), 0xe3069283);
    assertEquals(crc32(text("123456789")), 0xcbf43926);
    assertEquals(crc32c(new Uint8Array(32)), 0x8a9136aa); // RFC 3720 §B.4
    assertEquals(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
    assertEquals(crc32c(new Uint8Array()), 0);
  });

  it("equal the definition, whole or in two parts", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, at) => {
      const cut = Math.min(at, bytes.length);
      const c = crc32c(bytes, { start: cut, before: crc32c(bytes, { end: cut }) });
      assertEquals(c, naive(0x82f63b78, bytes));
      const i = crc32(bytes, { start: cut, before: crc32(bytes, { end: cut }) });
      assertEquals(i, naive(0xedb88320, bytes));
    }));
  });
});
