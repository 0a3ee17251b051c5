import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { Inflights } from "./inflights.ts";
import { Progress } from "./progress.ts";

function progress(match: number, next: number): Progress {
  const p = new Progress("b", next, 0, new Inflights(2, 1000));
  p.match = match;
  return p;
}

describe("Progress", () => {
  it("probes with one append at a time", () => {
    const p = progress(0, 5);
    assertEquals(p.isPaused, false);
    p.sent(3, 30);
    assertEquals([p.isPaused, p.next], [true, 5]);
    assert(p.acknowledged(7));
    assertEquals([p.isPaused, p.match, p.next], [false, 7, 8]);
  });

  it("replicates on trust until the window is full", () => {
    const p = progress(4, 5);
    p.becomeReplicate();
    p.sent(3, 30);
    assertEquals([p.next, p.isPaused], [8, false]);
    p.sent(1, 10);
    assertEquals([p.next, p.isPaused], [9, true]);
    assertEquals(p.acknowledged(7), true);
    p.inflights.freeThrough(7);
    assertEquals([p.match, p.next, p.isPaused], [7, 9, false]);
  });

  it("sends nothing while a snapshot is on its way, then probes after it", () => {
    const p = progress(4, 5);
    p.becomeSnapshot(20);
    assertEquals([p.isPaused, p.next], [true, 21]);
    p.becomeProbe();
    assertEquals([p.state, p.next, p.pendingSnapshot], ["probe", 21, 0]);
  });

  it("probes after its match where a snapshot failed", () => {
    const p = progress(4, 5);
    p.becomeSnapshot(20);
    p.pendingSnapshot = 0;
    p.becomeProbe();
    assertEquals(p.next, 5);
  });

  it("has the table of refusals", () => {
    const table: [
      state: "replicate" | "probe",
      match: number,
      next: number,
      rejected: number,
      hint: number,
      news: boolean,
      then: number,
    ][] = [
      // While replicating: stale at or below the match, back to after it otherwise.
      ["replicate", 5, 10, 5, 5, false, 10],
      ["replicate", 5, 10, 4, 4, false, 10],
      ["replicate", 5, 10, 9, 9, true, 6],
      // While probing: stale unless it answers the probe.
      ["probe", 0, 0, 0, 0, false, 0],
      ["probe", 0, 10, 5, 5, false, 10],
      ["probe", 0, 10, 9, 9, true, 9],
      ["probe", 0, 2, 1, 1, true, 1],
      ["probe", 0, 1, 0, 0, true, 1],
      ["probe", 0, 10, 9, 2, true, 3],
      ["probe", 0, 10, 9, 0, true, 1],
    ];
    for (const [state, match, next, rejected, hint, news, then] of table) {
      const p = progress(match, next);
      p.state = state;
      assertEquals([p.rejected(rejected, hint), p.next], [news, then], `${state} ${rejected}`);
    }
  });

  it("keeps match below next, whatever is answered", () => {
    const action = fc.oneof(
      fc.record({ acknowledge: fc.nat(30) }),
      fc.record({ reject: fc.nat(30), hint: fc.nat(30) }),
      fc.record({ send: fc.nat(3) }),
      fc.constantFrom("probe" as const, "replicate" as const, "snapshot" as const),
    );
    fc.assert(fc.property(fc.array(action), (actions) => {
      const p = progress(0, 1);
      let match = 0;
      for (const act of actions) {
        if (act === "probe") p.becomeProbe();
        else if (act === "replicate") p.becomeReplicate();
        else if (act === "snapshot") p.becomeSnapshot(p.match + 3);
        else if ("acknowledge" in act) p.acknowledged(act.acknowledge);
        else if ("reject" in act) p.rejected(act.reject, act.hint);
        else if (!p.isPaused) p.sent(act.send, 10);
        assert(p.match < p.next, `${p.match} < ${p.next}`);
        assert(p.match >= match, "the match falls");
        match = p.match;
      }
    }));
  });
});
