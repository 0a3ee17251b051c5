import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { alive, Solo } from "./_harness_solo.ts";

function solo(peers: number): Solo {
  const it = new Solo();
  it.meet(peers);
  return it;
}

function begin(it: Solo): number {
  for (;;) {
    const ping = it.run(1).find(({ message }) => message.type === "ping");
    if (ping?.message.type === "ping") return ping.message.seqNo;
  }
}

/** The process sleeps; then the timer fires. */
function sleep(it: Solo, ms: number): void {
  it.now += ms;
  it.input({ type: "timeout" });
}

describe("SwimCore that stalls", () => {
  it("trusts itself less, and counts it, once an event", () => {
    const it = solo(2);
    it.answering = true;
    sleep(it, it.core.deadline - it.now + 500);
    assertEquals([it.counted("lateTimer"), it.core.stats.healthScore], [0, 0]);
    it.answering = false;
    sleep(it, it.core.deadline - it.now + 501);
    assertEquals([it.counted("lateTimer"), it.core.stats.healthScore], [1, 1]);
  });

  it("does not judge the probe whose timer was late, but waits as long again", () => {
    const it = solo(2);
    const seqNo = begin(it);
    it.run(4000);
    sleep(it, 4000);
    assertEquals([it.counted("probeFailed"), it.core.stats.suspect], [0, 0]);
    it.receive({ type: "ack", seqNo, payload: undefined });
    it.run(2000);
    assertEquals([it.counted("probeFailed"), it.core.stats.suspect], [0, 0]);
  });

  it("judges it after that time, which is bounded by one probe interval", () => {
    const it = solo(2);
    begin(it);
    it.run(4000);
    sleep(it, 30_000);
    it.run(4999);
    assertEquals(it.counted("probeFailed"), 0);
    it.run(2);
    assertEquals([it.counted("probeFailed"), it.core.stats.suspect], [1, 1]);
  });

  it("takes the time out of the account of its suspicions", () => {
    const it = solo(2);
    it.answering = true;
    it.receive({ type: "suspect", node: "p1", incarnation: 1, from: "p2" });
    it.run(10_000);
    const late = 25_000 - (it.core.deadline - it.now);
    sleep(it, 25_000);
    assert(late > 19_000);
    assertEquals(it.names, ["me", "p1", "p2"]);
    it.run(20_000 - 10_000 + late - 25_000 - 1);
    assertEquals(it.names, ["me", "p1", "p2"]);
    it.run(2);
    assertEquals(it.names, ["me", "p2"]);
  });

  it("takes what waited for it before it judges, also when that comes first", () => {
    const it = solo(2);
    it.receive({ type: "suspect", node: "p1", incarnation: 1, from: "p2" });
    it.answering = true;
    it.now += 40_000;
    it.receive({
      type: "ping",
      seqNo: 4,
      node: "me",
      sourceAddr: Uint8Array.of(10, 0, 1, 1),
      sourcePort: 80,
      sourceNode: "p1",
    });
    assertEquals([it.counted("lateTimer"), it.names], [1, ["me", "p1", "p2"]]);
  });

  it("reads what waited before it lets anybody die, though the suspicion was due next", () => {
    const it = solo(2);
    it.answering = true;
    it.receive({ type: "suspect", node: "p1", incarnation: 1, from: "p2" });
    const due = it.now + 20_000;
    while (it.core.deadline < due) it.run(it.core.deadline - it.now);
    sleep(it, due + 60_000 - it.now);
    // All that the runtime reads in the next moments, accusations first.
    it.now += 100;
    it.receive({ type: "suspect", node: "p1", incarnation: 1, from: "x" });
    it.receive({ type: "suspect", node: "p1", incarnation: 1, from: "y" });
    assertEquals(it.names, ["me", "p1", "p2"]);
    it.receive(alive("p1", "10.0.1.1:8080", { incarnation: 2 }));
    it.run(300_000);
    assertEquals(it.names, ["me", "p1", "p2"]);
  });

  it("grants the helpers of a probe their time, too", () => {
    const it = solo(4);
    begin(it);
    sleep(it, 30_000);
    it.run(5000);
    const asked = it.sent.filter(({ message }) => message.type === "indirectPing").length;
    assertEquals([asked, it.counted("probeFailed")], [3, 0]);
    it.run(2999);
    assertEquals(it.counted("probeFailed"), 0);
    it.run(2);
    assertEquals(it.counted("probeFailed"), 1);
  });

  it("finds the dead also when all its timers are late, always", () => {
    for (const lateMs of [501, 900, 4000, 30_000]) {
      for (const peers of [1, 2, 6]) {
        const it = solo(peers);
        const begin = it.now;
        while (it.names.includes("p1")) {
          // Never on time, and awake just long enough to run what is due.
          sleep(it, it.core.deadline + lateMs - it.now);
          assert(it.now - begin < 3_600_000, `${lateMs} ms late, ${peers} peers`);
        }
        assert(it.counted("lateTimer") > 5);
      }
    }
  });

  it("exchanges states soon after a long stall, not after a short one", () => {
    for (const [ms, exchanges] of [[1000, 0], [6000, 1]] as const) {
      const it = solo(2);
      it.answering = true;
      while (it.of("exchange").length === 0) it.run(100);
      it.run(1000);
      const before = it.of("exchange").length;
      sleep(it, it.core.deadline - it.now + ms);
      it.run(300);
      assertEquals(it.of("exchange").length - before, exchanges);
    }
  });
});
