import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { block, entry, listed, prng, Solo, words } from "./_harness.ts";
import { Hearing } from "./hearing.ts";
import type { DigestEntry } from "./messages.ts";
import type { GossipEffect } from "../strategy.ts";
import type { ScuttlebuttEvent } from "./mod.ts";

function page(size: number): readonly DigestEntry[] {
  return Array.from({ length: size }, (_, i) => listed(`n${i}`, 1));
}

function events(effects: readonly GossipEffect[]): readonly string[] {
  return words(
    effects.flatMap((one) => one.type === "event" ? [one.event as ScuttlebuttEvent] : []),
  );
}

/** A core that knows `count` nodes, and pages that list so many of them, with heartbeats that grow. */
function among(count: number): { readonly solo: Solo; readonly beat: (ids: string[]) => void } {
  const solo = new Solo();
  const ids = Array.from({ length: count }, (_, i) => `n${i}`);
  for (const [i, id] of ids.entries()) {
    solo.delta(block(id, [entry("k", "v", 1)], { addr: `10.3.0.${i}:1` }));
  }
  let heartbeat = 1;
  const beat = (ids: string[]): void => {
    heartbeat++;
    solo.syn(ids.map((id) => listed(id, 1, { heartbeat })), { known: count });
  };
  return { solo, beat };
}

describe("Hearing", () => {
  it("whole pages need half an interval, the least that was ever needed", () => {
    const hearing = new Hearing(500);
    assertEquals([hearing.part, hearing.leastMeanMs], [1, 250]);
    for (let i = 0; i < 100; i++) hearing.page(page(20), 20, 19);
    assertEquals([hearing.part, hearing.leastMeanMs], [1, 250]);
  });

  it("pages of a tenth need ten intervals less a half", () => {
    const hearing = new Hearing(500);
    for (let i = 0; i < 300; i++) hearing.page(page(20), 200, 200);
    assert(Math.abs(hearing.part - 0.1) < 1e-6, `${hearing.part}`);
    assert(Math.abs(hearing.leastMeanMs - 4750) < 0.1, `${hearing.leastMeanMs}`);
  });

  it("what is asked for is no news, and a newcomer's short page is whole", () => {
    const hearing = new Hearing(500);
    for (let i = 0; i < 300; i++) {
      const wants = page(30).map((one) => ({ ...one, id: `${one.id}x`, want: true }));
      hearing.page([...page(50), ...wants], 100, 100);
    }
    assert(Math.abs(hearing.part - 0.5) < 1e-6, `${hearing.part}`);
    for (let i = 0; i < 300; i++) hearing.page(page(1), 1, 100);
    assert(hearing.part > 0.99);
  });

  it("who claims to know a million nodes counts as one who knows all that are known here", () => {
    const hearing = new Hearing(500);
    for (let i = 0; i < 300; i++) hearing.page(page(5), 2 ** 53 - 1, 10);
    assert(Math.abs(hearing.part - 0.5) < 1e-6, `${hearing.part}`);
    for (let i = 0; i < 20_000; i++) hearing.page([], 2 ** 53 - 1, 10);
    assert(Math.abs(hearing.part - 0.1) < 1e-6, "even then each page is of one node at least");
  });
});

describe("failure detection by pages", () => {
  it("a node that was news and is listed by turns again is not down before its turn comes", () => {
    const { solo, beat } = among(100);
    const random = prng(7);
    const others = (): string[] =>
      Array.from({ length: 9 }, () => `n${1 + Math.floor(random() * 99)}`);
    // A hundred rounds among the news, as a node is that writes all the time.
    for (let round = 0; round < 100; round++) {
      solo.run(500);
      beat([...new Set(["n0", ...others()])]);
    }
    assert(solo.core.suspicion("n0", solo.now + 500)! < 0.2);
    // Ten times the time until its turn comes on average.
    const downs: string[] = [];
    for (let round = 0; round < 100; round++) {
      downs.push(...events(solo.run(500)));
      beat([...new Set(others())]);
    }
    assertEquals(downs.filter((word) => word === "down n0"), []);
    assertEquals(solo.core.node("n0")!.down, false);
    // Silence does not go on for ever.
    for (let round = 0; round < 150; round++) {
      downs.push(...events(solo.run(500)));
      beat([...new Set(others())]);
    }
    assertEquals(downs.filter((word) => word === "down n0"), ["down n0"]);
    assertEquals(downs.length, 1, "nobody else");
  });

  it("the same silence among whole pages is down", () => {
    const { solo, beat } = among(10);
    const others = Array.from({ length: 9 }, (_, i) => `n${i + 1}`);
    for (let round = 0; round < 100; round++) {
      solo.run(500);
      beat(["n0", ...others]);
    }
    const downs: string[] = [];
    for (let round = 0; round < 25; round++) {
      downs.push(...events(solo.run(500)));
      solo.syn(others.map((id) => listed(id, 1, { heartbeat: 200 + round })), { known: 9 });
    }
    assertEquals(downs, ["down n0"]);
  });
});
