import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { block, listed, Solo, words } from "./_harness.ts";
import type { GossipEffect } from "../strategy.ts";
import { scuttlebutt, type ScuttlebuttEvent } from "./mod.ts";

function events(effects: readonly GossipEffect[]): readonly string[] {
  return words(
    effects.flatMap((one) => one.type === "event" ? [one.event as ScuttlebuttEvent] : []),
  );
}

/** A core that knows `b` and hears of its heartbeats. */
function listening(): { readonly solo: Solo; readonly beat: (heartbeat: number) => void } {
  const solo = new Solo();
  solo.delta(block("b", []));
  const beat = (heartbeat: number): void => {
    solo.syn([listed("b", 0, { heartbeat })], { known: 9 });
  };
  return { solo, beat };
}

describe("failure detection", () => {
  it("30: a node that is never heard is up for 20 s, and down at the first round after", () => {
    const { solo } = listening();
    assertEquals(events(solo.run(20_000)), []);
    assertEquals(events(solo.run(550)), ["down b"]);
    assertEquals(solo.core.node("b")!.down, true);
    assert(solo.core.peers.every(({ name }) => name !== "b"));
  });

  it("31: a hundred gaps of 500 ms make it 10477 ms", () => {
    const { solo, beat } = listening();
    for (let i = 1; i <= 100; i++) {
      solo.run(500);
      beat(i + 1);
    }
    assert(solo.core.suspicion("b", solo.now)! === 0);
    assert(Math.abs(solo.core.suspicion("b", solo.now + 500)! - 500 / (55_000 / 105)) < 1e-6);
    assert(Math.abs(solo.core.phi("b", solo.now + 500)! * Math.LN10 - 500 / 523.81) < 1e-3);
    assertEquals(events(solo.run(10_476)), []);
    assertEquals(events(solo.run(551)), ["down b"]);
  });

  it("33: the same heartbeat is none, nor is a smaller one", () => {
    const { solo, beat } = listening();
    beat(50);
    for (let i = 0; i < 30; i++) {
      solo.run(500);
      beat(i % 2 === 0 ? 50 : 49);
    }
    assertEquals(solo.core.node("b")!.heartbeat, 50);
    assert(solo.core.suspicion("b", solo.now)! > 14);
  });

  it("34: a minute of sleep takes nobody down", () => {
    const { solo, beat } = listening();
    for (let i = 1; i <= 50; i++) {
      solo.run(500);
      beat(i + 1);
    }
    const rounds = solo.core.scuttlebuttStats.rounds;
    solo.now += 60_000;
    // The timer first, then what waited in the sockets: the worst order.
    assertEquals(events(solo.step({ type: "timeout" })), []);
    assertEquals(solo.core.scuttlebuttStats.rounds, rounds + 1);
    assert(solo.core.deadline - solo.now > 450, "no burst of the rounds that were missed");
    assert(
      solo.effects.some((effect) => effect.type === "counted" && effect.counter === "lateTimer"),
    );
    beat(53);
    assertEquals(events(solo.run(9000)), []);
    assert(Math.abs(solo.core.scuttlebuttStats.stalledMs - 59_000) < 600);
    assertEquals(solo.core.node("b")!.down, false);
  });

  it("the time slept never shrinks, at instants between milliseconds too", () => {
    const context = { name: "a", address: "10.0.0.1:80", clusterName: "c", generation: 1 };
    let now = 1000 / 3;
    const core = scuttlebutt().create({ ...context, random: () => 0.5, now });
    for (let i = 1; i <= 200; i++) {
      core.upsertLocal("i", `${i}`, now += 0.1 * (i % 50) + 1 / 7);
      assertEquals(core.scuttlebuttStats.stalledMs, 0);
    }
    core.upsertLocal("i", "last", now + 5000);
    assert(Math.abs(core.scuttlebuttStats.stalledMs - 4000) < 1);
  });

  it("35: one long gap counts as ten seconds", () => {
    const { solo, beat } = listening();
    for (let i = 1; i <= 100; i++) {
      solo.run(1000);
      beat(i + 1);
    }
    assertEquals(events(solo.run(18_000)), []);
    beat(102);
    const mean = (99 * 1000 + 10_000 + 5 * 1000) / 105;
    assert(Math.abs(solo.core.suspicion("b", solo.now + 1000)! - 1000 / mean) < 1e-6);
  });

  it("36: a heartbeat brings a node back with the next round, and the detector begins anew", () => {
    const { solo, beat } = listening();
    for (let i = 1; i <= 100; i++) {
      solo.run(500);
      beat(i + 1);
    }
    assertEquals(events(solo.run(11_100)), ["down b"]);
    assertEquals(events(solo.run(5000)), [], "the shorter prior brings nobody back");
    assert(solo.core.node("b")!.expiry! > 0);
    beat(200);
    assertEquals(solo.events, []);
    assertEquals(events(solo.run(551)), ["up b"]);
    assertEquals(solo.core.node("b")!.expiry, undefined);
    assert(solo.core.peers.some(({ name }) => name === "b"));
    assertEquals(events(solo.run(19_000)), []);
    assertEquals(events(solo.run(1600)), ["down b"]);
  });

  it("a clock that goes back stands still", () => {
    const { solo, beat } = listening();
    solo.run(5000);
    solo.now -= 4000;
    beat(7);
    assertEquals(solo.core.node("b")!.heartbeat, 7);
    assert(solo.core.deadline > 5000);
    assertEquals(solo.step({ type: "timeout" }), []);
  });
});
