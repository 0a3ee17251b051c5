import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { Inflights } from "./inflights.ts";

describe("Inflights", () => {
  it("is full at its count", () => {
    const inflights = new Inflights(2, 100);
    inflights.add(1, 1);
    assertEquals(inflights.full, false);
    inflights.add(2, 1);
    assertEquals(inflights.full, true);
  });

  it("is full at its bytes; one message may exceed them", () => {
    const inflights = new Inflights(10, 100);
    inflights.add(1, 99);
    assertEquals(inflights.full, false);
    inflights.add(2, 500);
    assertEquals([inflights.full, inflights.bytes], [true, 599]);
  });

  it("frees what is acknowledged; older ones free nothing", () => {
    const inflights = new Inflights(10, 100);
    for (const index of [3, 5, 9]) inflights.add(index, 10);
    inflights.freeThrough(2);
    assertEquals(inflights.count, 3);
    inflights.freeThrough(5);
    assertEquals([inflights.count, inflights.bytes], [1, 10]);
    inflights.freeThrough(5);
    assertEquals(inflights.count, 1);
  });

  it("equals a plain list, through growth and turns of the ring", () => {
    const action = fc.oneof(
      fc.record({ add: fc.nat(5), bytes: fc.nat(9) }),
      fc.record({ free: fc.nat(12) }),
      fc.constant({ reset: true }),
    );
    fc.assert(fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const inflights = new Inflights(1000, 1e9);
      let list: [number, number][] = [];
      let last = 0;
      for (const act of actions) {
        if ("add" in act) {
          last += act.add;
          inflights.add(last, act.bytes);
          list.push([last, act.bytes]);
        } else if ("free" in act) {
          inflights.freeThrough(last - act.free);
          list = list.filter(([index]) => index > last - act.free);
        } else {
          inflights.reset();
          list = [];
        }
        assertEquals(inflights.count, list.length);
        assertEquals(inflights.bytes, list.reduce((sum, [, bytes]) => sum + bytes, 0));
      }
    }));
  });
});
