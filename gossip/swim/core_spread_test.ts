import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { dead, messages, ping, solo, suspect } from "./_harness_played.ts";
import type { Alive } from "./messages.ts";
import { generationOf, generationTag } from "./generation.ts";
import { alive, entry, Solo } from "./_harness_solo.ts";

describe("SwimCore leaving", () => {
  it("tells the others within a few rounds, and is done then (C-99)", () => {
    const it = solo(1);
    const begin = it.now;
    it.input({ type: "leave", operation: 5 });
    assertEquals([it.names, it.record("me")?.state], [["p1"], 3]);
    const told = messages(it.drain(), "dead");
    assertEquals(told, Array(4).fill(dead("me", 1, "me")));
    assertEquals(it.of("done"), [{ type: "done", operation: 5, count: 0 }]);
    assert(it.now - begin <= 900);
  });

  it("is done at once when alone, and when repeated", () => {
    const it = new Solo();
    it.input({ type: "leave", operation: 1 });
    it.input({ type: "leave", operation: 2 });
    assertEquals(it.of("done").map(({ operation }) => operation), [1, 2]);
    assertEquals(it.core.peers, []);
  });

  it("is done as soon as nobody is left to be told, left or dead (all leave at once)", () => {
    for (const from of ["p2", "p9"]) {
      const it = solo(2);
      it.input({ type: "leave", operation: 1 });
      it.receive(dead("p1", 1, "p1"));
      assertEquals(it.of("done"), []);
      it.receive(dead("p2", 1, from));
      assertEquals(it.of("done"), [{ type: "done", operation: 1, count: 0 }]);
      it.run(60_000);
      assertEquals([it.of("done").length, it.of("failed")], [1, []]);
    }
  });

  it("does not return over the next life of its name", () => {
    const it = solo(2, { announceGeneration: true, generation: 1000 });
    it.input({ type: "leave", operation: 1 });
    const meta = generationTag(2000);
    for (const state of [0, 1, 2, 3]) {
      it.pushPull([entry("me", "10.0.7.7:80", { meta, state, incarnation: 3 })]);
    }
    assertEquals([it.counted("refutation"), it.record("me")?.state], [0, 3]);
    assertEquals(generationOf(it.record("me")?.meta), 1000);
  });

  it("fails after 5 s when the news cannot be spread, for everyone who waits", () => {
    const it = solo(1, { gossipIntervalMs: 60_000 });
    it.input({ type: "leave", operation: 1 });
    it.input({ type: "leave", operation: 2 });
    it.run(4999);
    assertEquals(it.of("failed"), []);
    it.run(1);
    assertEquals(it.of("failed").map(({ operation, cause }) => [operation, cause]), [
      [1, "timeout"],
      [2, "timeout"],
    ]);
  });

  it("believes its own death then, and no longer its own life", () => {
    const it = solo(2);
    it.input({ type: "leave", operation: 1 });
    it.receive(alive("me", "10.0.0.1:8080", { incarnation: 9 }), suspect("me", 9), dead("me", 9));
    assertEquals([it.counted("refutation"), it.names], [0, ["p1", "p2"]]);
  });

  it("begins no more probes and exchanges, and joins no more", () => {
    const it = solo(2);
    it.input({ type: "leave", operation: 1 });
    it.drain();
    assertEquals(it.run(200_000), []);
    it.input({ type: "join", operation: 2, addresses: ["10.0.1.1:8080"] });
    assertEquals(it.of("failed").map(({ operation }) => operation), [2]);
    assertEquals(it.of("exchange").filter(({ exchange }) => exchange > 100), []);
  });
});

describe("SwimCore gossip", () => {
  it("piggybacks news on acks, and packs no more than 255 parts (C-38)", () => {
    const it = solo(0);
    for (let i = 0; i < 300; i++) {
      it.receive(alive(`x${i}`, `10.9.${i >> 8}.${i & 255}:80`));
    }
    const sent = it.receive(ping("me"));
    assertEquals(sent[0]?.message.type, "ack");
    assertEquals(messages(sent, "alive").length, 300);
    assertEquals(it.refusals, []);
  });

  it("keeps packets within their bound", () => {
    const it = solo(0, { maxPacketBytes: 1400, compression: false });
    for (let i = 0; i < 300; i++) it.receive(alive(`x${i}`, `10.9.1.${i & 255}:80`));
    it.receive(ping("me"));
    it.run(2000);
    const sizes = it.of("send").map(({ bytes }) => bytes.length);
    assert(Math.max(...sizes) <= 1400, `${Math.max(...sizes)}`);
    assert(Math.max(...sizes) > 1250, "not filled");
  });

  it("sends each piece of news in as many packets as its size of cluster wants", () => {
    const it = solo(20);
    it.receive(alive("p1", "10.0.1.1:8080", { incarnation: 2 }));
    assertEquals(messages(it.drain(), "alive").length, 8);
  });

  it("tells fresh news at once, and more of it only after the gap", () => {
    const it = solo(20);
    it.drain();
    it.run(1_000);
    const news = (name: string) => messages(it.receive(alive(name, "10.9.1.1:80")), "alive").length;
    assertEquals(news("x1"), 3, "nobody heard anything for a while");
    assertEquals(news("x2"), 0);
    const heard = it.run(51);
    assertEquals(heard.filter(({ message }) => (message as Alive).node === "x2").length, 3);
    assertEquals(messages(it.drain(), "alive").length, 2 * 8 - 3 - 3 - 3);
  });

  it("keeps to its rounds, as memberlist does, when the gap is an interval", () => {
    const it = solo(20, { gossipGapMs: 200 });
    it.drain();
    it.run(1_000);
    const { now } = it;
    assertEquals(it.receive(alive("x1", "10.9.1.1:80")), []);
    const phases = new Set(
      it.drain().filter(({ message }) => message.type === "alive")
        .map(({ at }) => Math.round((at - now) % 200)),
    );
    assertEquals(phases.size, 1);
  });

  it("wakes up for no round while there is nothing to tell", () => {
    const it = solo(3, { pushPullIntervalMs: 0 });
    it.answering = true;
    const wakes: number[] = [];
    const end = it.now + 60_000;
    while (it.core.deadline <= end) {
      it.now = it.core.deadline;
      wakes.push(it.now);
      it.input({ type: "timeout" });
    }
    assert(wakes.length <= 13, `${wakes.length} wake-ups in a minute`);
  });

  it("step() before the deadline is a no-op that allocates nothing", () => {
    const it = solo(1);
    const first = it.core.step({ type: "timeout" }, it.now);
    assertEquals(first, []);
    assert(Object.is(first, it.core.step({ type: "timeout" }, it.now)));
  });
});
