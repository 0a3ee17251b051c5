import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { entry, Solo } from "./_harness_solo.ts";

/** Instants of the exchanges that a core begins within ten minutes of joining `nodes` others. */
function exchangesAfterJoin(seed: number, nodes: number): number[] {
  const it = new Solo({ seed, probeIntervalMs: 600_000, probeTimeoutMs: 500_000 });
  it.run(1);
  it.input({ type: "join", operation: 1, addresses: ["10.0.1.1:8080"] });
  const [join] = it.effects.filter((effect) => effect.type === "exchange");
  assert(join !== undefined);
  const others = Array.from(
    { length: nodes },
    (_, i) => entry(`n${i}`, `10.0.${1 + (i >> 8)}.${1 + (i & 255)}:8080`),
  );
  const bytes = it.streams.seal(
    { type: "pushPull", join: true, nodes: others, userState: new Uint8Array() },
    { label: false },
  );
  it.input({ type: "response", exchange: join.exchange, bytes });
  const joinedAt = it.now;
  const instants: number[] = [];
  let seen = it.effects.filter((effect) => effect.type === "exchange").length;
  while (it.now < joinedAt + 600_000) {
    it.run(100);
    const begun = it.effects.filter((effect) => effect.type === "exchange");
    for (const { exchange } of begun.slice(seen)) {
      instants.push(it.now - joinedAt);
      it.input({ type: "exchangeFailed", exchange, reason: "silent" });
    }
    seen = begun.length;
  }
  return instants;
}

describe("a join", () => {
  it("is followed by exchanges that make up for the news it missed, soon and then ever more rarely", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const [first, second, third, fourth] = exchangesAfterJoin(seed, 150);
      assert(first! <= 6_200, `the first comes after ${first} ms`);
      const between = [second! - first!, third! - second!, fourth! - third!];
      assert(between[0]! >= 11_900 && between[0]! <= 24_200, `then ${between[0]} ms pass`);
      assert(between[1]! >= 47_900 && between[1]! <= 96_200, `then ${between[1]} ms pass`);
      assert(Math.abs(between[2]! - 120_000) <= 200, `then ${between[2]} ms pass`);
    }
  });
  it("keeps to the interval in a small cluster", () => {
    const instants = exchangesAfterJoin(1, 3);
    assertEquals(instants.slice(3).map((at, i) => Math.round((at - instants[i + 2]!) / 1_000)), [
      ...instants.slice(3).map(() => 30),
    ]);
  });
});
