import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { Bench, noted } from "./_harness.ts";
import { SESSION_EXPIRED } from "./applier.ts";
import { type CommandSession, decodeCommand } from "./command.ts";
import { Forwarding } from "./forwarding.ts";
import type { Pending } from "./pending.ts";
import { settle } from "./proposals.ts";

function world() {
  const bench = new Bench();
  const told: string[] = [];
  const sent: string[] = [];
  const own: Pending<string>[] = [];
  let lives = 0;
  const forwarding = new Forwarding<string>({
    clock: bench.clock,
    client: () => lives++ === 0 ? "me" : `me${lives}`,
    send: (to, request, data) => {
      const decoded = decodeCommand(data);
      const lowest = decoded.type === "session" ? decoded.session.lowestPending : 0;
      sent.push(`${request} to ${to}, lowest ${lowest}`);
    },
    append: (pending) => own.push(pending),
    retryMs: 100,
    maxPendingBytes: 100,
  });
  const add = (name: string, enqueueBy = 1_000, doneBy = 2_000) =>
    forwarding.add(new Uint8Array(5), noted(name, told).sink, { enqueueBy, doneBy });
  const answer = (sequence: number, result: string) =>
    forwarding.answered({ client: "me", sequence }, 40 + sequence, result);
  return { bench, told, sent, own, forwarding, add, answer };
}

describe("Forwarding", () => {
  it("sends to the leader, and is answered by the own state machine", () => {
    const { told, sent, forwarding, add, answer } = world();
    add("x");
    assertEquals(sent, []);
    forwarding.leader("b");
    forwarding.leader("b");
    add("y");
    assertEquals(sent, ["1 to b, lowest 1", "2 to b, lowest 1"]);
    answer(2, "ry");
    forwarding.answered({ client: "somebody", sequence: 1 }, 9, "no");
    answer(1, "rx");
    answer(1, "again");
    assertEquals(told, ["y@42=ry", "x@41=rx"]);
    add("z");
    assertEquals(sent.at(-1), "3 to b, lowest 3");
    assertEquals(forwarding.pending, 1);
  });

  it("sends again to the next leader, after a refusal and after silence", () => {
    const { bench, sent, forwarding, add } = world();
    forwarding.leader("b");
    add("x");
    forwarding.leader(undefined);
    forwarding.leader("c");
    assertEquals(sent, ["1 to b, lowest 1", "1 to c, lowest 1"]);
    forwarding.refused(1, "notLeader");
    bench.pass(12.5);
    assertEquals(sent.length, 3);
    bench.pass(100);
    assertEquals(sent.length, 4);
  });

  it("knows that nothing happened only when every try was refused", () => {
    const { bench, told, forwarding, add } = world();
    add("nobody leads", 10, 500);
    bench.pass(10);
    forwarding.leader("b");
    add("refused", 50, 15);
    forwarding.refused(2, "overloaded");
    add("lost", 50, 15);
    bench.pass(5);
    assertEquals(told, [
      "nobody leads not-proposed enqueueTimeout",
      "refused not-proposed timeout",
      "lost unknown timeout",
    ]);
    assertEquals(forwarding.pending, 0);
    assertEquals(bench.timers, 0);
  });

  it("does not take a refusal of the own log for the fate of what was handed on", () => {
    // Another leader may have appended it already.
    const { bench, told, own, forwarding, add } = world();
    forwarding.leader("b");
    add("x");
    forwarding.leads();
    assertEquals(own.length, 1);
    settle(own[0]!, "not-proposed", "notLeader");
    assertEquals(told, []);
    forwarding.leader("c");
    forwarding.refused(1, "notLeader");
    bench.pass(2_000);
    assertEquals(told, ["x unknown timeout"]);
  });

  it("does not take what replaced its entry in the own log for the fate of what was handed on", () => {
    const { told, own, forwarding, add, answer } = world();
    forwarding.leader("b");
    add("x");
    forwarding.leads();
    settle(own[0]!, "dropped", "superseded");
    assertEquals(told, []);
    answer(1, "rx");
    assertEquals(told, ["x@41=rx"]);
  });

  it("proposes again what the own log could not take for a while", () => {
    const { bench, told, own, forwarding, add, answer } = world();
    add("x");
    forwarding.leads();
    settle(own[0]!, "not-proposed", "transferring");
    bench.pass(12.5);
    assertEquals(own.length, 2);
    answer(1, "rx");
    own[1]!.sink.committed(41, "rx");
    assertEquals(told, ["x@41=rx"]);
    add("y", 20, 100);
    assertEquals(own.length, 3, "it still leads");
    settle(own[2]!, "not-proposed", "enqueueTimeout");
    bench.pass(100);
    assertEquals(told.slice(1), ["y not-proposed enqueueTimeout"]);
  });

  it("sends a caller's session as it is, and answers all who asked with it", () => {
    const { told, sent, forwarding, answer } = world();
    forwarding.leader("b");
    const times = { enqueueBy: 1_000, doneBy: 2_000 };
    const session = { client: "caller", sequence: 7, lowestPending: 5 };
    const add = (name: string, session?: CommandSession) =>
      forwarding.add(new Uint8Array(0), noted(name, told).sink, { ...times, session });
    add("first", session);
    add("own");
    add("again", session);
    add("other", { client: "caller", sequence: 8 });
    assertEquals(sent, [
      "1 to b, lowest 5",
      "2 to b, lowest 1",
      "3 to b, lowest 5",
      "4 to b, lowest 1",
    ]);
    forwarding.answered(session, 50, "r7");
    forwarding.answered(session, 51, "r7");
    assertEquals(told, ["first@50=r7", "again@50=r7"]);
    answer(1, "mine");
    assertEquals(told.at(-1), "own@41=mine");
    assertEquals(forwarding.pending, 1);
    assertThrows(() => add("none", { client: "", sequence: 1 }), RangeError);
    assertEquals(forwarding.pending, 1);
  });

  it("keeps its own commands when a caller's with the same number finds no room", () => {
    const { told, sent, forwarding, add, answer } = world();
    forwarding.leader("b");
    add("x");
    answer(1, "rx");
    add("y"); // number 2, still under way
    const times = { enqueueBy: 1_000, doneBy: 2_000 };
    const session = { client: "caller", sequence: 2 };
    forwarding.add(new Uint8Array(100), noted("large", told).sink, { ...times, session });
    assertEquals(told.at(-1), "large not-proposed overloaded");
    add("z");
    assertEquals(sent.at(-1), "3 to b, lowest 2");
  });

  it("begins anew when the group forgot it, unless a snapshot may hide what happened", () => {
    const { told, sent, forwarding, add, answer } = world();
    forwarding.leader("b");
    add("x");
    answer(1, "rx");
    add("y");
    add("z");
    assertEquals(sent.at(-1), "3 to b, lowest 2");
    const expire = (client: string, sequence: number) =>
      forwarding.answered({ client, sequence }, 60, SESSION_EXPIRED);
    expire("me", 2);
    assertEquals(sent.at(-1), "2 to b, lowest 1");
    expire("me", 3); // it was under way at that time
    assertEquals(sent.at(-1), "3 to b, lowest 1");
    assertEquals(told, ["x@41=rx"]);
    forwarding.answered({ client: "me2", sequence: 1 }, 61, "ry");
    forwarding.answered({ client: "me2", sequence: 2 }, 62, "rz");
    assertEquals(told.slice(1), ["y@61=ry", "z@62=rz"]);
    add("w");
    assertEquals(sent.at(-1), "4 to b, lowest 3");
    forwarding.restored();
    expire("me2", 3);
    assertEquals(told.at(-1), `w@60=${String(SESSION_EXPIRED)}`);
    assertEquals(forwarding.pending, 0);
  });

  it("gives its commands to the own log, whose failures say nothing of copies sent before", () => {
    const { bench, told, sent, own, forwarding, add, answer } = world();
    forwarding.leader("b");
    add("sent");
    forwarding.leader(undefined);
    add("unsent", 500);
    forwarding.leads();
    assertEquals(own.length, 2);
    // Leadership was lost before they were appended.
    for (const { sink } of own) sink.failed("not-proposed", "notLeader", "");
    assertEquals(told, []);
    forwarding.leader("c");
    assertEquals(sent.length, 3);
    forwarding.leads();
    for (const { sink } of own.slice(2)) sink.failed("dropped", "superseded", "");
    forwarding.leader(undefined);
    forwarding.refused(1, "notLeader");
    forwarding.refused(2, "notLeader");
    bench.pass(500);
    assertEquals(told, ["unsent not-proposed enqueueTimeout"]);
    forwarding.leads();
    own.at(-1)!.sink.failed("unknown", "snapshot", "");
    bench.pass(12.5);
    answer(1, "r");
    assertEquals(told.slice(1), ["sent@41=r"]);
    assertEquals(forwarding.pending, 0);
  });

  it("is bounded, gives its commands to the own log, and ends with its node", () => {
    const { told, own, forwarding, add } = world();
    for (const name of ["a", "b", "c", "d", "e"]) add(name);
    assertEquals(told, ["e not-proposed overloaded"]);
    forwarding.leads();
    assertEquals(own.length, 4);
    forwarding.close("closed");
    assertEquals(told.slice(1), ["a", "b", "c", "d"].map((name) => `${name} unknown closed`));
  });
});
