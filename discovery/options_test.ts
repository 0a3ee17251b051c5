import { describe, it } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { dnsPeers, filePeers, srvPeers, staticPeers } from "./mod.ts";

describe("a discovery that is set up wrongly", () => {
  const cases: readonly (readonly [string, () => unknown, string])[] = [
    ["no options", () => dnsPeers(undefined as never), "'options' must be an object"],
    ["a misspelt option", () => dnsPeers({ names: "a", port: 80 } as never), "no option 'names'"],
    ["no name", () => dnsPeers({ port: 80 } as never), "'name' must be a string"],
    ["an empty name", () => dnsPeers({ name: "", port: 80 }), "'name' must be a DNS name"],
    ["a blank in a name", () => dnsPeers({ name: "a b", port: 80 }), "'name' must be a DNS name"],
    ["a control character", () => srvPeers({ name: "a\n" }), 'current value is "a\\n"'],
    ["a long name", () => srvPeers({ name: "x".repeat(10_000) }), "(10002 characters)"],
    ["no port", () => dnsPeers({ name: "a.test" } as never), "'port' must be given"],
    ["port 0", () => dnsPeers({ name: "a.test", port: 0 }), "'port' must be an integer"],
    ["port 65536", () => staticPeers([], { port: 65_536 }), "'port' must be an integer"],
    ["a port of text", () => staticPeers([], { port: "80" as never }), "'port' must be an integer"],
    ["family 5", () => srvPeers({ name: "a.test", family: 5 as never }), "'family' must be 4 or 6"],
    ["a port for SRV", () => srvPeers({ name: "a.test", port: 80 } as never), "no option 'port'"],
    ["one text", () => staticPeers("10.0.0.1:80"), "'addresses' must be a list"],
    ["no list", () => staticPeers(undefined as never), "'addresses' must be a list"],
    ["no path", () => filePeers({} as never), "'path' must be a path or a URL"],
  ];
  for (const [what, make, message] of cases) {
    it(`throws for ${what}, and names the option`, () => {
      const error = assertThrows(make, Error, message);
      assertEquals(error instanceof TypeError || error instanceof RangeError, true);
    });
  }

  it("takes what is right: a root dot, 253 characters, no addresses", () => {
    assertEquals(dnsPeers({ name: "a.test.", port: 80 }).source, "dns A/AAAA a.test.:80");
    const long = `${"x".repeat(61)}.`.repeat(4).slice(0, 253);
    assertEquals(srvPeers({ name: long }).source, `dns SRV ${long}`);
    assertEquals(staticPeers([], { port: 80, family: 4 }).source, "static ");
  });
});
