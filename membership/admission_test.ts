import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { VirtualClock } from "./_harness.ts";
import { Admission } from "./admission.ts";
import { StoppedError } from "./errors.ts";
import type { NodeAdmission } from "./events.ts";

function setUp(minClusterSize: number, waitTimeoutMs?: number) {
  const clock = new VirtualClock();
  const admissions: NodeAdmission[] = [];
  const admission = new Admission({
    minClusterSize,
    waitTimeoutMs,
    clock,
    onAdmitted: (admission) => void admissions.push(admission),
  });
  return { clock, admission, admissions };
}

describe("Admission", () => {
  it("waits for begin(), then for the size, and admits once", async () => {
    const { clock, admission, admissions } = setUp(2, 1_000);
    admission.update(5);
    assert(!admission.admitted);
    admission.update(1);
    admission.begin();
    admission.begin();
    assert(!admission.admitted);
    assertEquals(clock.pending, 1);
    admission.update(2);
    await admission.ready;
    assertEquals(clock.pending, 0);
    admission.update(1);
    admission.update(3);
    admission.close();
    assert(admission.admitted);
    assertEquals(admissions, [{ size: 2, timedOut: false }]);
  });

  it("admits by time", async () => {
    const { clock, admission, admissions } = setUp(3, 1_000);
    admission.begin();
    admission.update(2);
    await clock.advance(1_000);
    await admission.ready;
    assertEquals(admissions, [{ size: 2, timedOut: true }]);
  });

  it("without a timeout waits for ever", async () => {
    const { clock, admission } = setUp(3);
    admission.begin();
    assertEquals(clock.pending, 0);
    await clock.advance(1e9);
    assert(!admission.admitted);
  });

  it("close() rejects those who wait, and admits nobody", async () => {
    const { clock, admission, admissions } = setUp(3, 1_000);
    admission.begin();
    admission.close();
    await assertRejects(() => admission.ready, StoppedError);
    await clock.advance(2_000);
    admission.update(9);
    admission.begin();
    assertEquals([admission.admitted, admissions.length, clock.pending], [false, 0, 0]);
  });
});
