import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import type { RaftInput } from "../contract.ts";
import type { Entry } from "../entry.ts";
import { Bench, noted } from "./_harness.ts";
import { Proposals, type ProposalsOptions } from "./proposals.ts";

function world(over: Partial<ProposalsOptions> = {}) {
  const bench = new Bench();
  const told: string[] = [];
  const proposals = new Proposals<string>({
    ...bench,
    maxQueuedBytes: 1_000,
    maxUnappliedBytes: 1_000,
    maxBatchBytes: 1_000,
    maxBatchCommands: 100,
    ...over,
  });
  const add = (...names: string[]) => {
    for (const name of names) proposals.add(noted(name, told));
  };
  const batches = () =>
    bench.fed.filter((input): input is RaftInput & { type: "propose" } => input.type === "propose");
  return { bench, told, proposals, add, batches };
}

const entries = (from: number, terms: number[]): Entry[] =>
  terms.map((term, i) => ({
    index: from + i,
    term,
    kind: "command",
    data: new Uint8Array(0),
  }));

describe("Proposals", () => {
  it("hand over in one batch what comes in one turn, and answer each with its result", () => {
    const { bench, told, proposals, add, batches } = world();
    add("x", "y", "z");
    assertEquals(batches(), []);
    bench.turn();
    assertEquals(batches().map(({ commands }) => commands.length), [3]);
    proposals.proposed(1, 7, 2);
    proposals.applied(entries(5, [1, 1, 2, 2]), ["", "", "rx", "ry"]);
    proposals.applied(entries(9, [2]), ["rz"]);
    assertEquals(told, ["x@7=rx", "y@8=ry", "z@9=rz"]);
    assertEquals(proposals.unappliedBytes, 0);
  });

  it("tell what was replaced by another leader's entry, once that is applied", () => {
    const { bench, told, proposals, add } = world();
    add("x", "y", "z", "w");
    bench.turn();
    proposals.proposed(1, 7, 2);
    proposals.applied(entries(7, [2, 3]), ["rx", "other"]);
    assertEquals(told, ["x@7=rx", "y dropped superseded"]);
    proposals.truncated(10);
    proposals.truncated(9);
    assertEquals(told.length, 2, "an entry that is cut off here may stand elsewhere");
    assertEquals(proposals.unappliedBytes, 0);
    proposals.applied(entries(9, [3, 3]), ["", ""]);
    assertEquals(told.slice(2).sort(), ["w dropped superseded", "z dropped superseded"]);
    assertEquals(proposals.unappliedBytes, 0);
  });

  it("that were cut off by an entry that was never committed may be committed all the same", () => {
    // x is appended in term 2 and cut off by term 3, which a minority holds; who leads term 4 has x (Figure 8).
    const { bench, told, proposals, add } = world();
    add("x");
    bench.turn();
    proposals.proposed(1, 7, 2);
    proposals.truncated(7);
    proposals.applied(entries(7, [2, 4]), ["rx", ""]);
    assertEquals(told, ["x@7=rx"]);
  });

  it("that were cut off are told apart from what this node appends there later", () => {
    const { bench, told, proposals, add } = world();
    add("x", "y");
    bench.turn();
    proposals.proposed(1, 7, 2);
    proposals.truncated(7);
    add("z");
    bench.turn();
    proposals.proposed(2, 8, 4);
    proposals.applied(entries(7, [4, 4]), ["", "rz"]);
    assertEquals(told.sort(), ["x dropped superseded", "y dropped superseded", "z@8=rz"]);
    assertEquals(proposals.unappliedBytes, 0);
  });

  it("that were cut off end in time, with a snapshot and with their node", () => {
    const { bench, told, proposals } = world();
    proposals.add(noted("late", told, { doneBy: 50 }));
    proposals.add(noted("covered", told));
    proposals.add(noted("left", told));
    bench.turn();
    proposals.proposed(1, 7, 2);
    proposals.truncated(7);
    bench.pass(50);
    assertEquals(told, ["late unknown timeout"]);
    proposals.restored(8);
    assertEquals(told.slice(1), ["covered unknown snapshot"]);
    proposals.close("closed");
    assertEquals(told.slice(2), ["left unknown closed"]);
    assertEquals(bench.timers, 0);
  });

  it("keep a batch that was cut in its middle pending as far as it stands", () => {
    const { bench, told, proposals, add } = world();
    add("x", "y", "z");
    bench.turn();
    proposals.proposed(1, 7, 2);
    proposals.truncated(8);
    proposals.applied(entries(7, [2]), ["rx"]);
    assertEquals(told, ["x@7=rx"]);
    assertEquals(proposals.unappliedBytes, 0);
    proposals.applied(entries(8, [3, 3]), ["", ""]);
    assertEquals(told.slice(1), ["y dropped superseded", "z dropped superseded"]);
  });

  it("do not know what a snapshot covers", () => {
    const { bench, told, proposals, add } = world();
    add("x", "y");
    bench.turn();
    proposals.proposed(1, 7, 2);
    proposals.restored(7);
    assertEquals(told, ["x unknown snapshot"]);
    proposals.applied(entries(8, [2]), ["ry"]);
    assertEquals(told.at(-1), "y@8=ry");
    assertEquals(proposals.unappliedBytes, 0);
  });

  it("pass a rejection on: nothing happened", () => {
    const { bench, told, proposals, add } = world();
    add("x");
    bench.turn();
    proposals.rejected(1, "notLeader", "");
    assertEquals(told, ["x not-proposed notLeader"]);
    assertEquals(proposals.unappliedBytes, 0);
  });

  it("wait in the queue when the core has enough, and go on once something was applied", () => {
    const { bench, told, proposals, add, batches } = world();
    add("x");
    bench.turn();
    proposals.proposed(1, 7, 2);
    add("y");
    bench.turn();
    proposals.rejected(2, "overloaded", "");
    add("z");
    bench.turn();
    assertEquals(batches().length, 2);
    proposals.applied(entries(7, [2]), ["rx"]);
    bench.turn();
    assertEquals(batches().at(-1)!.commands.length, 2, "y and z, in order");
    proposals.proposed(3, 8, 2);
    proposals.applied(entries(8, [2, 2]), ["ry", "rz"]);
    assertEquals(told, ["x@7=rx", "y@8=ry", "z@9=rz"]);
    assertEquals(proposals.queuedBytes, 0);
  });

  it("keep to the bounds of bytes and of a batch", () => {
    const { bench, told, proposals, add, batches } = world({
      maxQueuedBytes: 50,
      maxUnappliedBytes: 30,
      maxBatchCommands: 2,
    });
    add("a", "b", "c", "d", "e", "f");
    assertEquals(told, ["f not-proposed overloaded"]);
    bench.turn();
    assertEquals(batches().map(({ commands }) => commands.length), [2, 1]);
    proposals.proposed(1, 1, 1);
    proposals.proposed(2, 3, 1);
    proposals.applied(entries(1, [1, 1]), ["", ""]);
    bench.turn();
    assertEquals(batches().map(({ commands }) => commands.length), [2, 1, 2]);
    assertEquals([proposals.queued, proposals.queuedBytes, proposals.unappliedBytes], [0, 0, 30]);
  });

  it("give up in time, and say what is known", () => {
    const { bench, told, proposals } = world();
    proposals.add(noted("queued", told, { enqueueBy: 50, doneBy: 100 }));
    bench.pass(50);
    assertEquals(told, ["queued not-proposed enqueueTimeout"]);
    proposals.add(noted("appended", told, { enqueueBy: 90, doneBy: 150 }));
    proposals.add(noted("patient", told, { enqueueBy: 90, doneBy: 500 }));
    bench.turn();
    proposals.proposed(1, 7, 2);
    bench.pass(100);
    assertEquals(told.slice(1), ["appended unknown timeout"]);
    proposals.applied(entries(7, [2, 2]), ["late", "well"]);
    assertEquals(told.slice(2), ["patient@8=well"]);
    bench.pass(1_000);
    assertEquals(bench.timers, 0);
  });

  it("end with their node", () => {
    const { bench, told, proposals, add } = world();
    add("x");
    bench.turn();
    proposals.proposed(1, 7, 2);
    add("y");
    proposals.close("halted");
    add("z");
    proposals.applied(entries(7, [2]), ["rx"]);
    bench.turn();
    assertEquals(told.sort(), [
      "x unknown halted",
      "y not-proposed halted",
      "z not-proposed halted",
    ]);
    assertEquals(bench.timers, 0);
  });
});
