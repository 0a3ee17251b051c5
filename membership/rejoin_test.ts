import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { seeded, settle, VirtualClock } from "./_harness.ts";
import { Rejoin, shuffled } from "./rejoin.ts";
import type { RejoinOptions } from "./rejoin.ts";

function setUp(options: Partial<RejoinOptions> = {}) {
  const clock = new VirtualClock();
  const joins: (readonly string[])[] = [];
  const rounds: number[] = [];
  const failures: unknown[] = [];
  const rejoin = new Rejoin({
    clock,
    random: seeded(1),
    intervalMs: 60_000,
    maxJoinPeers: 5,
    discover: () => {
      rounds.push(clock.now());
      return Promise.resolve(["self", "b", "c"]);
    },
    known: () => new Set(["self", "b"]),
    join: (addresses) => {
      joins.push(addresses);
      return Promise.resolve(addresses.length);
    },
    joined: () => {},
    failed: (error) => void failures.push(error),
    ...options,
  });
  return { clock, rejoin, joins, rounds, failures };
}

describe("Rejoin", () => {
  it("joins what was found and is not alive", async () => {
    const { clock, rejoin, joins, rounds } = setUp();
    rejoin.start();
    rejoin.start();
    await clock.advance(66_000);
    assertEquals(joins, [["c"]]);
    assertEquals(rounds.length, 1);
    await rejoin.close();
    assertEquals(clock.pending, 0);
  });

  it("waits the interval ± 10 %, never the same twice", async () => {
    const { clock, rejoin, rounds } = setUp();
    rejoin.start();
    await clock.advance(3_600_000);
    const gaps = rounds.slice(1).map((at, i) => at - rounds[i]!);
    assert(gaps.length >= 54 && gaps.length <= 67, `${gaps.length} rounds an hour`);
    assert(gaps.every((gap) => gap >= 54_000 && gap <= 66_000));
    assert(Math.max(...gaps) - Math.min(...gaps) > 6_000);
    await rejoin.close();
  });

  it("alone, begins a second apart and doubles up to the interval", async () => {
    const { clock, rejoin, rounds } = setUp({ known: () => new Set(["self"]), random: () => 0.5 });
    const start = clock.now();
    rejoin.start();
    await clock.advance(200_000);
    assertEquals(rounds.map((at) => Math.round((at - start) / 1_000)), [
      1,
      3,
      7,
      15,
      31,
      63,
      123,
      183,
    ]);
    await rejoin.close();
  });

  it("joins a random part, at most maxJoinPeers, of many", async () => {
    const many = Array.from({ length: 100 }, (_, i) => `p${i}`);
    const { clock, rejoin, joins } = setUp({ discover: () => Promise.resolve([...many, ...many]) });
    rejoin.start();
    await clock.advance(3_600_000);
    assert(joins.every((addresses) => new Set(addresses).size === 5));
    assert(new Set(joins.flat()).size > 80, "every one gets its turn");
    await rejoin.close();
  });

  it("asks anew every round and keeps no failure", async () => {
    let fail = true;
    const { clock, rejoin, joins, failures } = setUp({
      discover: () => fail ? Promise.reject(new Error("no answer")) : Promise.resolve(["c"]),
    });
    rejoin.start();
    await clock.advance(66_000);
    assertEquals([failures.length, joins.length], [1, 0]);
    fail = false;
    await clock.advance(66_000);
    assertEquals([failures.length, joins.length], [1, 1]);
    await rejoin.close();
  });

  it("one round at a time", async () => {
    let finish: (addresses: readonly string[]) => void = () => {};
    let asked = 0;
    const { clock, rejoin } = setUp({
      discover: () => {
        asked += 1;
        return new Promise((resolve) => finish = resolve);
      },
    });
    rejoin.start();
    const first = rejoin.round();
    assertEquals(rejoin.round(), first);
    await clock.advance(600_000);
    assertEquals(asked, 1);
    finish([]);
    await first;
    await rejoin.close();
  });

  it("close() ends a search under way and joins nobody after it", async () => {
    const { clock, rejoin, joins, failures } = setUp({
      discover: (signal) =>
        new Promise((resolve) => signal.addEventListener("abort", () => resolve(["c"]))),
    });
    rejoin.start();
    await clock.advance(66_000);
    await rejoin.close();
    await rejoin.close();
    await settle();
    assertEquals([joins.length, failures.length, clock.pending], [0, 0, 0]);
  });
});

describe("shuffled()", () => {
  it("keeps what it shuffles, and every order can come", () => {
    const random = seeded(3);
    const orders = new Set<string>();
    const items = ["a", "b", "c"];
    for (let i = 0; i < 200; i++) {
      const order = shuffled(items, random);
      assertEquals([...order].sort(), items);
      orders.add(order.join(""));
    }
    assertEquals(orders.size, 6);
    assertEquals(items, ["a", "b", "c"]);
  });
});
