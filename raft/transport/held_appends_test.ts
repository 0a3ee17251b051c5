import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import type { AppendMessage } from "../message.ts";
import { entriesAfter } from "../wire/_harness_fuzz.ts";
import { HeldAppends } from "./held_appends.ts";

interface Parts {
  readonly to?: string;
  readonly term?: number;
  readonly prevIndex: number;
  readonly commit: number;
  readonly count?: number;
}

function append({ to = "b", term = 1, prevIndex, commit, count = 0 }: Parts): AppendMessage {
  const entries = entriesAfter(prevIndex, count, 1);
  return { type: "append", from: "a", to, term, prevIndex, prevTerm: 1, commit, entries };
}

function setUp() {
  const deferred: (() => void)[] = [];
  const sent: string[] = [];
  const held = new HeldAppends({
    defer: (callback) => deferred.push(callback),
    send: ({ to, prevIndex, commit, entries }) =>
      sent.push(`${to} ${prevIndex}+${entries.length} commit ${commit}`),
  });
  /** Lets one turn of the event loop pass. */
  const turn = () => deferred.splice(0).forEach((callback) => callback());
  return { held, sent, turn, deferred };
}

describe("HeldAppends", () => {
  it("sends entries at once", () => {
    const { held, sent, deferred } = setUp();
    held.push(append({ prevIndex: 3, commit: 2, count: 2 }));
    assertEquals(sent, ["b 3+2 commit 2"]);
    assertEquals(deferred, []);
  });

  it("holds what only tells of a commit for two turns", () => {
    const { held, sent, turn, deferred } = setUp();
    held.push(append({ prevIndex: 4, commit: 4 }));
    held.push(append({ to: "c", prevIndex: 4, commit: 4 }));
    turn();
    assertEquals(sent, []);
    turn();
    assertEquals(sent, ["b 4+0 commit 4", "c 4+0 commit 4"]);
    assertEquals(deferred, []);
  });

  it("lets entries that come within that time tell it", () => {
    const { held, sent, turn } = setUp();
    held.push(append({ prevIndex: 4, commit: 4 }));
    held.push(append({ to: "c", prevIndex: 4, commit: 4 }));
    turn();
    held.push(append({ prevIndex: 4, commit: 4, count: 1 }));
    turn();
    assertEquals(sent, ["b 4+1 commit 4", "c 4+0 commit 4"]);
    turn();
    turn();
    assertEquals(sent.length, 2);
  });

  it("holds the latest of several, no longer than the first", () => {
    const { held, sent, turn } = setUp();
    held.push(append({ prevIndex: 4, commit: 4 }));
    turn();
    held.push(append({ prevIndex: 5, commit: 5 }));
    turn();
    assertEquals(sent, ["b 5+0 commit 5"]);
    held.push(append({ prevIndex: 6, commit: 6 }));
    turn();
    turn();
    assertEquals(sent, ["b 5+0 commit 5", "b 6+0 commit 6"]);
  });

  it("sends what a later message does not say, before it", () => {
    for (
      const later of [
        append({ prevIndex: 3, commit: 4, count: 1 }),
        append({ prevIndex: 4, commit: 3, count: 1 }),
        append({ prevIndex: 4, commit: 4, count: 1, term: 0 }),
      ]
    ) {
      const { held, sent, turn } = setUp();
      held.push(append({ prevIndex: 4, commit: 4 }));
      held.push(later);
      assertEquals(sent, ["b 4+0 commit 4", `b ${later.prevIndex}+1 commit ${later.commit}`]);
      turn();
      turn();
      assertEquals(sent.length, 2);
    }
  });

  it("forgets what waits", () => {
    const { held, sent, turn } = setUp();
    held.push(append({ prevIndex: 4, commit: 4 }));
    held.clear();
    turn();
    turn();
    assertEquals(sent, []);
  });
});
