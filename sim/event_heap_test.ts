import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { EventHeap, type Scheduled } from "./event_heap.ts";

function drain(heap: EventHeap, until = Infinity): void {
  for (let next = heap.take(until); next !== undefined; next = heap.take(until)) next.run();
}

describe("EventHeap", () => {
  it("take() gives events by instant, and by order of entry within one", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), (instants) => {
        const heap = new EventHeap();
        const taken: [number, number][] = [];
        instants.forEach((at, i) => void heap.add(at, { run: () => taken.push([at, i]) }));
        drain(heap);
        const wanted = instants.map((at, i): [number, number] => [at, i])
          .sort(([a, i], [b, j]) => a - b || i - j);
        assertEquals(taken, wanted);
      }),
      { seed: 11 },
    );
  });

  it("cancel() takes an event back, however often, and keeps the others in order", () => {
    const heap = new EventHeap();
    const taken: number[] = [];
    const scheduled: Scheduled[] = [];
    for (let i = 0; i < 5000; i++) {
      scheduled.push(
        heap.add((i * 7919) % 5000, { run: () => taken.push((i * 7919) % 5000) }),
      );
    }
    scheduled.forEach((event, i) => {
      if (i % 3 !== 0) heap.cancel(event);
      if (i % 6 === 1) heap.cancel(event);
    });
    assertEquals(heap.size, 1667);
    drain(heap);
    assertEquals(taken, [...taken].sort((a, b) => a - b));
    assertEquals([taken.length, heap.size], [1667, 0]);
  });

  it("take() stops before what lies beyond the limit", () => {
    const heap = new EventHeap();
    heap.add(5, { run: () => {} });
    assertEquals(heap.take(4), undefined);
    assert(heap.take(5) !== undefined);
    assertEquals(heap.at, 5);
    assertEquals(heap.take(Infinity), undefined);
  });
});
