import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { outside } from "./kinds.ts";
import { algorithm, bench } from "./bench_request.ts";
import { randomKeys, seeded } from "./seeded.ts";

describe("outside()", () => {
  it("calls a peer as it is named, or as its program", () => {
    assertEquals(outside("ckit=/opt/some/peer --verbose"), {
      name: "ckit",
      command: ["/opt/some/peer", "--verbose"],
      outside: true,
    });
    assertEquals(outside("/opt/some/peer").name, "peer");
  });
  it("refuses an empty command", () => {
    assertThrows(() => outside(" "), Error, "without a command");
  });
});

describe("seeded()", () => {
  it("repeats its numbers for a seed, and spreads them over [0, 1)", () => {
    const [a, b, other] = [seeded(7), seeded(7), seeded(8)];
    const numbers = Array.from({ length: 10_000 }, a);
    assertEquals(numbers, Array.from({ length: 10_000 }, b));
    assert(numbers[0] !== other());
    for (let tenth = 0; tenth < 10; tenth++) {
      const share = numbers.filter((n) => Math.floor(n * 10) === tenth).length;
      assert(share > 850 && share < 1_150, `${share} of 10,000 in tenth ${tenth}`);
    }
  });
  it("makes keys of many lengths, also outside ASCII", () => {
    const keys = randomKeys(seeded(1), 2_000);
    assertEquals(new Set(keys.map((key) => [...key].length)).size, 49);
    assert(keys.some((key) => key.includes("漢")));
  });
});

describe("bench()", () => {
  it("measures lookups, rebuilds and additions", async () => {
    for (const what of ["lookup", "rebuild", "add"]) {
      const { ns, n } = await bench({
        what,
        algorithm: "ring",
        tokens: 8,
        nodes: 4,
        count: 2,
        ms: 1,
      });
      assert(ns > 0 && n > 0, what);
    }
  });
  it("says what it cannot do", () => {
    assertThrows(() => algorithm("modulo"), Error, "unsupported");
  });
});
