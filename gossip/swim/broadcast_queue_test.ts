import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { BroadcastQueue } from "./broadcast_queue.ts";
import { retransmitLimit } from "./formulas.ts";

const text = new TextDecoder();
const bytes = (name: string) => new TextEncoder().encode(name);

function takeOne(queue: BroadcastQueue, maxBytes: number, n = 3): string | undefined {
  const taken = queue.take(2, { maxBytes, n });
  return taken.length === 0 ? undefined : text.decode(taken[0]);
}

describe("BroadcastQueue", () => {
  it("take() prefers few transmissions, then length: dddd bbb cc aa, four times (C-95)", () => {
    const queue = new BroadcastQueue(4, 100);
    for (const name of ["aa", "bbb", "cc", "dddd"]) queue.enqueue({ name, bytes: bytes(name) });
    const order: string[] = [];
    for (let i = 0; i < 4; i++) {
      order.push(...queue.take(2, { maxBytes: 1000, n: 3 }).map((part) => text.decode(part)));
    }
    assertEquals(order.join(" "), Array(4).fill("dddd bbb cc aa").join(" "));
    assertEquals(queue.size, 0);
    assertEquals(queue.take(2, { maxBytes: 1000, n: 3 }), []);
  });

  it("take() gives each its packets although only one fits (C-96)", () => {
    const queue = new BroadcastQueue(4, 100);
    const seen = new Map<string, number>();
    for (let i = 0; i < 6; i++) {
      queue.enqueue({ name: `n${i}`, bytes: bytes(`n${i}`) });
      for (let j = 0; j < 2; j++) {
        const name = takeOne(queue, 5);
        if (name !== undefined) seen.set(name, (seen.get(name) ?? 0) + 1);
      }
    }
    for (let name = takeOne(queue, 5); name !== undefined; name = takeOne(queue, 5)) {
      seen.set(name, (seen.get(name) ?? 0) + 1);
    }
    assertEquals([...seen.values()], Array(6).fill(4));
  });

  it("enqueue() replaces the entry of the same name, which counts as finished", () => {
    const queue = new BroadcastQueue(4, 100);
    const finished: string[] = [];
    queue.enqueue({ name: "a", bytes: bytes("old"), finished: () => finished.push("old") });
    queue.take(2, { maxBytes: 100, n: 3 });
    queue.enqueue({ name: "a", bytes: bytes("new"), finished: () => finished.push("new") });
    assertEquals(finished, ["old"]);
    for (let i = 0; i < 4; i++) assertEquals(takeOne(queue, 100), "new");
    assertEquals(finished, ["old", "new"]);
  });

  it("take() sends once where the limit is 0", () => {
    const queue = new BroadcastQueue(4, 100);
    queue.enqueue({ name: "a", bytes: bytes("a") });
    assertEquals([takeOne(queue, 100, 0), takeOne(queue, 100, 0)], ["a", undefined]);
  });

  it("take() wants more than the overhead as room, and passes over what does not fit", () => {
    const queue = new BroadcastQueue(1, 100);
    queue.enqueue({ name: "long", bytes: bytes("long") });
    queue.enqueue({ name: "s", bytes: bytes("s") });
    assertEquals([takeOne(queue, 2), takeOne(queue, 3), takeOne(queue, 3)], [
      undefined,
      "s",
      undefined,
    ]);
    assertEquals(queue.size, 1);
  });

  it("enqueue() beyond the bound gives up what was carried most", () => {
    const queue = new BroadcastQueue(4, 2);
    const gone: string[] = [];
    const add = (name: string) =>
      queue.enqueue({ name, bytes: bytes(name), finished: () => gone.push(name) });
    add("a");
    queue.take(2, { maxBytes: 100, n: 3 });
    add("b");
    add("c");
    assertEquals([gone, queue.size], [["a"], 2]);
  });

  it("agrees with a plain sorted list", () => {
    interface Plain {
      name: string;
      length: number;
      id: number;
      transmits: number;
    }
    const step = fc.oneof(
      fc.record({ name: fc.integer({ min: 0, max: 9 }), length: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ maxBytes: fc.integer({ min: 0, max: 40 }), n: fc.integer({ min: 0, max: 30 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new BroadcastQueue(2, 1000);
        let plain: Plain[] = [];
        let id = 0;
        for (const action of steps) {
          if ("name" in action) {
            const name = String(action.name);
            const payload = new Uint8Array(action.length).fill(id % 256);
            queue.enqueue({ name, bytes: payload });
            plain = plain.filter((entry) => entry.name !== name);
            plain.push({ name, length: action.length, id: id++, transmits: 0 });
            continue;
          }
          plain.sort((a, b) => a.transmits - b.transmits || b.length - a.length || b.id - a.id);
          const expected: Plain[] = [];
          let used = 0;
          for (const entry of plain) {
            const free = action.maxBytes - used - 2;
            if (free <= 0 || entry.length > free) continue;
            used += 2 + entry.length;
            expected.push(entry);
          }
          const taken = queue.take(2, action);
          assertEquals(
            taken.map((part) => [part.length, part[0]]),
            expected.map((entry) => [entry.length, entry.id % 256]),
          );
          const limit = retransmitLimit(action.n, 2);
          for (const entry of expected) entry.transmits++;
          plain = plain.filter((entry) => !expected.includes(entry) || entry.transmits < limit);
          assertEquals(queue.size, plain.length);
        }
      }),
      { seed: 20_240_501, numRuns: 300 },
    );
  });

  it("handles ten thousand entries without a search of all", () => {
    const queue = new BroadcastQueue(4, 100_000);
    for (let i = 0; i < 10_000; i++) {
      queue.enqueue({ name: `n${i}`, bytes: new Uint8Array(20 + i % 30) });
    }
    for (let i = 0; i < 10_000; i++) queue.enqueue({ name: `n${i}`, bytes: new Uint8Array(40) });
    let packets = 0;
    while (queue.size > 0) {
      assert(queue.take(2, { maxBytes: 1400, n: 150 }).length > 0);
      packets++;
    }
    assertEquals(packets, Math.ceil(10_000 * 12 / 33));
  });
});
