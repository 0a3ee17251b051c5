import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { formatAddress, formatHost, parseAddress, sameBytes } from "./address.ts";

describe("parseAddress()", () => {
  const good: readonly (readonly [string, readonly number[], string])[] = [
    ["10.0.0.1:8080", [10, 0, 0, 1], "10.0.0.1:8080"],
    ["[::1]:80", [...Array(15).fill(0), 1], "[::1]:80"],
    ["[2001:DB8::1]:80", [0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), 1], "[2001:db8::1]:80"],
    ["[::]:1", Array(16).fill(0), "[::]:1"],
    ["[::ffff:10.0.0.1]:80", [10, 0, 0, 1], "10.0.0.1:80"],
    ["[1:0:0:2:0:0:0:3]:9", [0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3], "[1:0:0:2::3]:9"],
    [
      "[1:0:2:3:4:5:6:7]:9",
      [0, 1, 0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7],
      "[1:0:2:3:4:5:6:7]:9",
    ],
  ];
  for (const [text, bytes, canonical] of good) {
    it(`reads ${text}`, () => {
      const endpoint = parseAddress(text);
      assert(endpoint !== undefined);
      assertEquals([...endpoint.addr], [...bytes]);
      assertEquals(formatAddress(endpoint), canonical);
    });
  }

  const bad = [
    "",
    "10.0.0.1",
    "10.0.0.1:0",
    "10.0.0.1:65536",
    "10.0.0.256:1",
    "10.0.01.1:1",
    "host:80",
    "::1:80",
    "[::1]",
    "[1::2::3]:80",
    "[1:2:3]:80",
    "[1:2:3:4:5:6:7:8:9]:80",
    "[1:2:3:4:5:6:7::8]:80",
    "[fe80::1%eth0]:80",
    "[12345::]:80",
    "[10.0.0.1]:80",
  ];
  for (const text of bad) {
    it(`refuses ${JSON.stringify(text)}`, () => assertEquals(parseAddress(text), undefined));
  }

  it("undoes formatAddress() for every endpoint but mapped ones", () => {
    const addr = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 })
        .map((bytes) => Uint8Array.from(bytes)),
    );
    fc.assert(
      fc.property(addr, fc.integer({ min: 1, max: 65535 }), (addr, port) => {
        fc.pre(!formatHost(addr)!.startsWith("::ffff:") || addr.length === 4);
        const endpoint = parseAddress(formatAddress({ addr, port })!);
        assertEquals(endpoint, { addr, port });
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});

describe("formatAddress()", () => {
  it("tells an IPv4 address in 16 bytes apart from one in 4 (T-11)", () => {
    const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1);
    assertEquals(formatAddress({ addr: mapped, port: 1 }), "[::ffff:127.0.0.1]:1");
  });

  it("is undefined for other lengths", () => {
    assertEquals(formatAddress({ addr: new Uint8Array(5), port: 1 }), undefined);
  });
});

describe("sameBytes()", () => {
  it("holds absent and empty for equal", () => {
    assert(sameBytes(undefined, new Uint8Array()));
    assert(!sameBytes(undefined, Uint8Array.of(0)));
    assert(!sameBytes(Uint8Array.of(1), Uint8Array.of(2)));
  });
});
