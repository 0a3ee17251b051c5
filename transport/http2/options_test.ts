import { describe, it } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { http2 } from "../http2.ts";
import { type Http2Options, resolveHttp2Options } from "./options.ts";

describe("resolveHttp2Options()", () => {
  it("fills in defaults, and keeps what is given", () => {
    const { packetTimeoutMs, maxConnections } = resolveHttp2Options({ maxConnections: 3 });
    assertEquals([packetTimeoutMs, maxConnections], [5_000, 3]);
  });

  it("refuses an option that does not exist, by name", () => {
    const mistyped = { maxConnection: 3 } as Http2Options;
    assertThrows(() => http2(mistyped), TypeError, "'maxConnection'");
  });

  for (const value of [0, -1, Number.NaN, 1.5]) {
    it(`refuses ${value} connections, naming the option`, () => {
      assertThrows(() => http2({ maxConnections: value }), RangeError, "'maxConnections'");
    });
  }
});
