import { describe, it } from "node:test";
import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import { addressOf, names, worlds } from "./_harness_world.ts";
import { JoinError, StateTransitionError, StoppedError } from "./errors.ts";
import type { Node } from "./node.ts";

type Act = "start" | "join" | "joinDead" | "participate" | "terminate" | "watch" | "stop";

interface Move {
  readonly act: Act;
  /** Virtual time before it. */
  readonly afterMs: number;
  /** How long its caller waits. */
  readonly patienceMs: number | undefined;
}

const moves = fc.array(
  fc.record<Move>({
    act: fc.constantFrom<Act>(
      "start",
      "join",
      "joinDead",
      "participate",
      "terminate",
      "watch",
      "stop",
    ),
    afterMs: fc.constantFrom(0, 0, 1, 50, 900),
    patienceMs: fc.constantFrom(undefined, undefined, 0, 1, 200),
  }),
  { minLength: 1, maxLength: 10 },
);

/** What a call may end with. */
const expected = [JoinError, StateTransitionError, StoppedError, DOMException];

async function follow(node: Node, signal: AbortSignal): Promise<void> {
  for await (const peers of node.watch({ signal })) assert(peers.length > 0);
}

function begin(node: Node, act: Act, signal: AbortSignal): Promise<unknown> {
  switch (act) {
    case "start":
      return node.start([], { signal });
    case "join":
      return node.start([addressOf("b")], { signal });
    case "joinDead":
      return node.start([addressOf("z")], { signal });
    case "participate":
      return node.changeState("participant", { signal });
    case "terminate":
      return node.changeState("terminating", { signal });
    case "watch":
      return follow(node, signal);
    case "stop":
      return node.stop({ signal });
    default:
      return act satisfies never;
  }
}

for (const [protocol, world] of worlds) {
  describe(`${protocol}: Node calls in any order, at any time, given up at any time`, () => {
    it("all end as they may, and a stopped node leaves nothing behind", async () => {
      await fc.assert(
        fc.asyncProperty(moves, fc.integer({ min: 1, max: 1_000 }), async (script, seed) => {
          const { create, clock, during, end } = world(seed);
          const b = create("b");
          await during(b.start([]));
          const node = create("a");
          node.observe(() => void node.sharder.lookup("key", 1));
          const calls: Promise<unknown>[] = [];
          for (const { act, afterMs, patienceMs } of script) {
            if (afterMs > 0) await clock.advance(afterMs);
            const patience = new AbortController();
            const call = begin(node, act, patience.signal).catch((error: unknown) => {
              assert(expected.some((Class) => error instanceof Class), String(error));
            });
            calls.push(call);
            if (patienceMs !== undefined) clock.setTimer(patienceMs, () => patience.abort());
          }
          await clock.advance(200); // the patience of all has ended
          await during(node.stop());
          await during(Promise.all(calls));
          assertEquals(node.health.phase, "stopped");
          assertEquals(await node.start().catch((error) => error.name), "StoppedError");
          assert(await clock.until(() => names(b.peers) === "b", 60_000), names(b.peers));
          await end();
        }),
        { seed: 20_250_101, numRuns: 60 },
      );
    });
  });
}
