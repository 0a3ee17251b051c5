import { describe, it } from "node:test";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { needs } from "../tests/_needs.ts";
import { parseIp } from "./ip.ts";
import { firstAddress } from "./first_address.ts";
import type { NetworkInterface } from "./first_address.ts";
import { NoAddressError } from "./no_address_error.ts";
import { systemInterfaces } from "./system_interfaces.ts";

const of = (entries: Record<string, readonly string[]>): readonly NetworkInterface[] =>
  Object.entries(entries).map(([name, addresses]) => ({ name, addresses }));

describe("firstAddress()", () => {
  const chosen: readonly [string, Record<string, readonly string[]>, readonly string[], string][] =
    [
      ["IPv4 beats an earlier IPv6", { a: ["2001:db8::2/64"], b: ["10.1.1.1/24"] }, [], "10.1.1.1"],
      ["the first IPv4 ends the search", { a: ["10.1.1.1/8"], b: ["10.2.2.2/8"] }, [], "10.1.1.1"],
      [
        "the last of equal IPv6 interfaces",
        { a: ["2001:db8::2"], b: ["2001:db8::3"] },
        [],
        "2001:db8::3",
      ],
      ["the first of equals within one", { a: ["2001:db8::2", "2001:db8::3"] }, [], "2001:db8::2"],
      ["IPv4 loopback is skipped", { lo: ["127.0.0.1/8", "192.168.1.1/24"] }, [], "192.168.1.1"],
      ["all of 127/8 is loopback", { lo: ["127.9.9.9/8"], a: ["fe80::1/64"] }, [], "fe80::1"],
      ["IPv6 loopback is skipped", { lo: ["::1/128", "2001:db8::2/128"] }, [], "2001:db8::2"],
      ["IPv4 beats link-local IPv4", { a: ["169.254.0.1/16", "10.0.0.1/8"] }, [], "10.0.0.1"],
      ["IPv6 beats link-local IPv6", { a: ["fe80::1/64", "2001:db8::2/64"] }, [], "2001:db8::2"],
      ["IPv6 beats link-local IPv4", { a: ["169.254.0.1/16"], b: ["fd00::2/64"] }, [], "fd00::2"],
      [
        "link-local IPv4 beats link-local IPv6",
        { a: ["fe80::1"], b: ["169.254.0.1"] },
        [],
        "169.254.0.1",
      ],
      ["link-local IPv4 for lack of others", { a: ["169.254.0.1/16"] }, [], "169.254.0.1"],
      ["link-local IPv6 for lack of others", { a: ["fe80::1/64"] }, [], "fe80::1"],
      [
        "febf:: is link-local, fec0:: not",
        { a: ["febf::1"], b: ["fec0::1"], c: ["febf::2"] },
        [],
        "fec0::1",
      ],
      ["the zone is dropped", { a: ["fe80::1%eth0"] }, [], "fe80::1"],
      ["names give the order", { a: ["10.0.0.1"], b: ["10.0.0.2"] }, ["b", "a"], "10.0.0.2"],
      ["names restrict", { a: ["10.0.0.1"], b: ["fe80::2"] }, ["b"], "fe80::2"],
      ["missing names are skipped", { a: ["10.0.0.1"] }, ["x", "a"], "10.0.0.1"],
      ["spelling is canonical", { a: ["2001:DB8:0:0::7/64"] }, [], "2001:db8::7"],
      [
        "IPv4-mapped counts as IPv4",
        { a: ["2001:db8::7"], b: ["::ffff:10.0.0.1"] },
        [],
        "10.0.0.1",
      ],
    ];
  for (const [criterion, interfaces, names, expected] of chosen) {
    it(criterion, () => assertEquals(firstAddress(of(interfaces), { names }), expected));
  }

  it("accepts filters names", () => {
    const interfaces = of({ docker0: ["172.17.0.1/16"], eth0: ["10.0.0.1/24"] });
    const accepts = (name: string) => !name.startsWith("docker");
    assertEquals(firstAddress(interfaces, { accepts }), "10.0.0.1");
  });

  it("family restricts a dual stack", () => {
    const interfaces = of({ eth0: ["10.0.0.1/24", "fe80::1/64", "2001:db8::1/64"] });
    assertEquals(firstAddress(interfaces, { family: 4 }), "10.0.0.1");
    assertEquals(firstAddress(interfaces, { family: 6 }), "2001:db8::1");
  });

  it("fails with every candidate and its reason", () => {
    const interfaces = of({ lo: ["127.0.0.1/8"], eth0: [], eth1: ["10.0.0.1"], eth2: ["junk"] });
    const error = assertThrows(
      () =>
        firstAddress(interfaces, {
          names: ["lo", "eth0", "eth1", "eth2", "wlan0", "eth1"],
          accepts: (name) => name !== "eth1",
          family: 6,
        }),
      NoAddressError,
    );
    assertEquals(error.candidates, [
      { source: "interface lo", address: "127.0.0.1/8", reason: "loopback" },
      { source: "interface eth0", reason: "has no address" },
      { source: "interface eth1", reason: "excluded by its name" },
      { source: "interface eth2", address: "junk", reason: "not an IP address" },
      { source: "interface wlan0", reason: "no such interface" },
      { source: "interface eth1", reason: "excluded by its name" },
    ]);
    assertStringIncludes(error.message, "- interface lo: 127.0.0.1/8 (loopback)");
    assert(Object.isFrozen(error.candidates));
  });

  it("fails without interfaces", () => {
    const error = assertThrows(() => firstAddress([]), NoAddressError);
    assertEquals(error.candidates, [{ source: "interfaces", reason: "there are none" }]);
  });

  it("never selects loopback, and always the best rank there is", () => {
    const rank = (text: string) => {
      const ip = parseIp(text);
      assert(ip !== undefined);
      const local = ip.family === 4 ? text.startsWith("169.254.") : /^fe[89ab]/.test(text);
      return (local ? 2 : 0) + (ip.family === 4 ? 0 : 1);
    };
    const octet = fc.integer({ min: 1, max: 254 });
    const address = fc.oneof(
      octet.map((last) => `127.0.0.${last}`),
      fc.constant("::1"),
      octet.map((last) => `10.0.0.${last}`),
      octet.map((last) => `169.254.0.${last}`),
      octet.map((last) => `2001:db8::${last.toString(16)}`),
      octet.map((last) => `fe80::${last.toString(16)}`),
    );
    const usable = (text: string) => !text.startsWith("127.") && text !== "::1";
    fc.assert(
      fc.property(fc.array(fc.array(address, { maxLength: 4 }), { maxLength: 4 }), (lists) => {
        const interfaces = lists.map((addresses, at) => ({ name: `if${at}`, addresses }));
        const candidates = lists.flat().filter(usable);
        if (candidates.length === 0) {
          assertThrows(() => firstAddress(interfaces), NoAddressError);
          return;
        }
        const found = firstAddress(interfaces);
        assert(candidates.includes(found));
        assertEquals(rank(found), Math.min(...candidates.map(rank)));
      }),
      { seed: 20_260_101, numRuns: 300 },
    );
  });
});

describe("systemInterfaces()", needs("sys"), () => {
  it("lists IP addresses with prefix lengths", () => {
    const interfaces = systemInterfaces();
    assert(interfaces.length > 0);
    for (const address of interfaces.flatMap(({ addresses }) => addresses)) {
      const [text = "", bits = ""] = address.split("/");
      assert(parseIp(text) !== undefined, address);
      assert(Number(bits) >= 0 && Number(bits) <= 128, address);
    }
  });
});
