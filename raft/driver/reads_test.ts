import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { Bench } from "./_harness.ts";
import { type PendingRead, Reads } from "./reads.ts";

function world() {
  const bench = new Bench();
  const told: string[] = [];
  const reads = new Reads({ ...bench, retryMs: 100, maxPending: 4 });
  const add = (name: string, over: Partial<PendingRead> = {}) => {
    const read: PendingRead = {
      untilApplied: true,
      byRound: true,
      retries: true,
      doneBy: Infinity,
      settled: false,
      done: (index) => told.push(`${name}@${index}`),
      failed: (reason) => told.push(`${name} ${reason}`),
      ...over,
    };
    reads.add(read);
    return read;
  };
  const asked = () => bench.fed.map((input) => input.type === "readIndex" ? input.read : 0);
  return { bench, told, reads, add, asked };
}

describe("Reads", () => {
  it("share a round, and wait for the state machine", () => {
    const { bench, told, reads, add, asked } = world();
    add("x");
    add("y");
    add("leads", { untilApplied: false });
    bench.turn();
    assertEquals(asked(), [1]);
    add("z");
    bench.turn();
    assertEquals(asked(), [1, 2], "who comes later gets a round that begins later");
    reads.ready(1, 9);
    assertEquals(told, ["leads@9"]);
    reads.applied(8);
    reads.applied(9);
    assertEquals(told, ["leads@9", "x@9", "y@9"]);
    reads.ready(2, 7);
    assertEquals(told.at(-1), "z@7");
    assertEquals(reads.pending, 0);
  });

  it("that a lease may answer do not wait with those that want a round", () => {
    const { bench, told, reads, add } = world();
    add("x", { byRound: false });
    add("leads", { untilApplied: false });
    add("y", { byRound: false });
    bench.turn();
    assertEquals(bench.fed, [
      { type: "readIndex", read: 1, byRound: true },
      { type: "readIndex", read: 2, byRound: false },
    ]);
    reads.applied(9);
    reads.ready(2, 9);
    assertEquals(told, ["x@9", "y@9"]);
    reads.ready(1, 9);
    assertEquals(told, ["x@9", "y@9", "leads@9"]);
  });

  it("are asked for again when leadership moved, at once when somebody leads", () => {
    const { bench, told, reads, add, asked } = world();
    add("x");
    add("leads", { retries: false });
    bench.turn();
    reads.refused(1, "lostLeadership");
    assertEquals(told, ["leads notLeader"]);
    reads.leaderKnown();
    bench.turn();
    assertEquals(asked(), [1, 2]);
    reads.refused(2, "noLeader");
    bench.pass(25);
    bench.turn();
    assertEquals(asked(), [1, 2, 3]);
    reads.ready(3, 0);
    assertEquals(told.at(-1), "x@0");
  });

  it("are asked for again when the question was lost", () => {
    const { bench, told, reads, add, asked } = world();
    add("x");
    bench.turn();
    bench.pass(100);
    bench.turn();
    assertEquals(asked(), [1, 2]);
    reads.ready(1, 0);
    assertEquals(told, [], "an answer to the first comes too late to be believed");
    reads.ready(2, 0);
    assertEquals(told, ["x@0"]);
    bench.pass(1_000);
    assertEquals(bench.timers, 0);
  });

  it("that nobody waits for any more are not asked for again", () => {
    const { bench, told, add, asked } = world();
    add("x", { doneBy: 50 });
    bench.turn();
    bench.pass(1_000);
    bench.turn();
    assertEquals([told, asked(), bench.timers], [["x timeout"], [1], 0]);
  });

  it("end in time, by hand, by number and with their node", () => {
    const { bench, told, reads, add } = world();
    add("late", { doneBy: 10 });
    const gone = add("gone");
    bench.turn();
    bench.pass(10);
    reads.forget(gone);
    assertEquals(told, ["late timeout"]);
    assertEquals(reads.pending, 0);
    for (const name of ["a", "b", "c", "d", "e"]) add(name);
    assertEquals(told.slice(1), ["e overloaded"]);
    reads.close("closed");
    add("f");
    assertEquals(told.slice(2), ["a closed", "b closed", "c closed", "d closed", "f closed"]);
    assertEquals(bench.timers, 0);
  });
});
