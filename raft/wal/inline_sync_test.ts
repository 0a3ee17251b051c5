import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { InlineSync, MAX_INLINE_BYTES } from "./inline_sync.ts";

/** Tells of so many equal writes through the pool. */
function pool(sync: InlineSync, ms: number, times: number, now: number): void {
  for (let i = 0; i < times; i++) sync.took(ms, false, now);
}

describe("InlineSync", () => {
  it("measures the first write in the pool", () => {
    const sync = new InlineSync(1);
    assertEquals(sync.allows(300, 0), false);
    sync.took(0.2, false, 1);
    assertEquals(sync.allows(300, 1), true);
  });

  it("leaves what is large to the pool", () => {
    const sync = new InlineSync(1);
    sync.took(0.2, false, 0);
    assertEquals(sync.allows(MAX_INLINE_BYTES, 0), true);
    assertEquals(sync.allows(MAX_INLINE_BYTES + 1, 0), false);
  });

  it("never blocks when it is turned off", () => {
    const sync = new InlineSync(0);
    pool(sync, 0, 100, 0);
    assertEquals(sync.allows(1, 1e9), false);
  });

  it("goes to the pool as the mean rises, and comes back as it falls", () => {
    const sync = new InlineSync(1);
    sync.took(0.2, false, 0);
    let inline = 0;
    while (sync.allows(300, 0)) {
      sync.took(2, true, 0); // slow, but no stall
      inline++;
    }
    assert(inline > 0 && inline < 10, `${inline} slow writes in line`);
    pool(sync, 1.5, 100, 0);
    assertEquals(sync.allows(300, 1e9), false);
    pool(sync, 0.2, 20, 0);
    assertEquals(sync.allows(300, 0), true);
  });

  it("takes a hiccup for no stall: a few writes through the pool, and no pause", () => {
    const sync = new InlineSync(1);
    pool(sync, 0.2, 10, 0);
    sync.took(10, true, 0);
    let pooled = 0;
    while (!sync.allows(300, 0)) {
      sync.took(0.2, false, 0);
      pooled++;
    }
    assert(pooled > 0 && pooled < 10, `${pooled} writes`);
  });

  it("pauses after one stall, and longer after another that follows soon", () => {
    const sync = new InlineSync(1);
    sync.took(0.2, false, 0);
    sync.took(500, true, 100);
    pool(sync, 0.2, 100, 100);
    assertEquals([sync.allows(300, 1_099), sync.allows(300, 1_100)], [false, true]);
    sync.took(500, true, 1_500);
    pool(sync, 0.2, 100, 1_500);
    assertEquals([sync.allows(300, 3_499), sync.allows(300, 3_500)], [false, true]);
    // One that comes late counts as the first again.
    sync.took(500, true, 9_000);
    pool(sync, 0.2, 100, 9_000);
    assertEquals([sync.allows(300, 9_999), sync.allows(300, 10_000)], [false, true]);
  });

  it("wants fast writes through the pool after a pause, not only time", () => {
    const sync = new InlineSync(1);
    sync.took(0.2, false, 0);
    sync.took(500, true, 0);
    assertEquals(sync.allows(300, 1e9), false);
    let writes = 0;
    while (!sync.allows(300, 1e9)) {
      sync.took(0.2, false, 1e9);
      writes++;
    }
    assert(writes > 10, `${writes} writes`);
  });

  it("takes a slow write through the pool for what it is, and pauses for none", () => {
    const sync = new InlineSync(1);
    sync.took(0.2, false, 0);
    sync.took(6, false, 0); // a busy event loop, perhaps
    assertEquals(sync.allows(300, 0), true);
  });

  it("pauses for a minute at most", () => {
    const sync = new InlineSync(1);
    let now = 0;
    for (let i = 0; i < 20; i++) {
      sync.took(500, true, now);
      pool(sync, 0.2, 100, now);
      while (!sync.allows(300, now)) now += 500;
    }
    const before = now;
    sync.took(500, true, now);
    pool(sync, 0.2, 100, now);
    while (!sync.allows(300, now)) now += 500;
    assertEquals(now - before, 60_000);
  });
});
