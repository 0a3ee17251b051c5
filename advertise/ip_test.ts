import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { hostPort, isUnspecified, parseIp, samePrefix, splitHostPort } from "./ip.ts";

const ip = (text: string) => {
  const parsed = parseIp(text);
  assert(parsed !== undefined, text);
  return parsed;
};

describe("parseIp()", () => {
  it("reads both families", () => {
    assertEquals(ip("10.0.0.7"), { family: 4, text: "10.0.0.7", bytes: [10, 0, 0, 7] });
    assertEquals(ip("[2001:0DB8::00ff]"), {
      family: 6,
      text: "2001:db8::ff",
      bytes: [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff],
    });
    assertEquals(ip("::").bytes, new Array(16).fill(0));
    assertEquals(ip("1:2:3:4:5:6:7:8").bytes, [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]);
    assertEquals(ip("::ffff:10.0.0.7").text, "10.0.0.7");
    assertEquals(ip("fe80::1%eth0").text, "fe80::1");
  });

  it("refuses what is not an address", () => {
    for (
      const text of ["", "host", "10.0.0", "10.0.0.256", "10.0.0.1:80", "::g", "1::2::3", "%eth0"]
    ) {
      assertEquals(parseIp(text), undefined, text);
    }
  });

  it("tells unspecified addresses", () => {
    assert(isUnspecified(ip("0.0.0.0")));
    assert(isUnspecified(ip("::")));
    assert(!isUnspecified(ip("::1")));
  });
});

describe("samePrefix()", () => {
  it("compares only the first bits", () => {
    assert(samePrefix(ip("10.0.0.1"), ip("10.0.0.254"), 24));
    assert(!samePrefix(ip("10.0.0.1"), ip("10.0.1.1"), 24));
    assert(samePrefix(ip("10.0.0.129"), ip("10.0.0.254"), 25));
    assert(!samePrefix(ip("10.0.0.1"), ip("10.0.0.254"), 25));
    assert(samePrefix(ip("10.0.0.1"), ip("192.168.0.1"), 0));
    assert(!samePrefix(ip("10.0.0.1"), ip("::1"), 0));
    assert(samePrefix(ip("fd00::1"), ip("fd00::ffff"), 64));
    assert(!samePrefix(ip("fd00::1"), ip("fd00:0:0:1::1"), 64));
  });
});

describe("splitHostPort()", () => {
  it("reads every form, and is undone by hostPort()", () => {
    assertEquals(splitHostPort("host"), { host: "host", port: undefined });
    assertEquals(splitHostPort("host:80"), { host: "host", port: 80 });
    assertEquals(splitHostPort("[::1]"), { host: "::1", port: undefined });
    assertEquals(splitHostPort("[::1]:80"), { host: "::1", port: 80 });
    assertEquals(splitHostPort("2001:db8::1"), { host: "2001:db8::1", port: undefined });
    assertEquals(hostPort("::1", 80), "[::1]:80");
    assertEquals(hostPort("10.0.0.1", 80), "10.0.0.1:80");
  });

  it("refuses everything else", () => {
    for (
      const text of [
        "",
        ":80",
        "host:",
        "host:0",
        "host:65536",
        "host:-1",
        "[host]:80",
        "a b:1",
        "http://h:1",
        "[::1",
        "h:1:2",
      ]
    ) {
      assertEquals(splitHostPort(text), undefined, text);
    }
  });
});
