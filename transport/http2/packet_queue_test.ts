import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { PacketQueue } from "./packet_queue.ts";

const bytes = (value: number, length = 1) => new Uint8Array(length).fill(value);
const SEED = 20_261;

/** The same by way of one array. */
class NaiveQueue {
  packets: { to: string; key: string | undefined; bytes: Uint8Array }[] = [];
  readonly maxPackets: number;
  readonly maxBytes: number;

  constructor(maxPackets: number, maxBytes: number) {
    this.maxPackets = maxPackets;
    this.maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.packets.reduce((sum, packet) => sum + packet.bytes.length, 0);
  }

  push(to: string, bytes: Uint8Array, key?: string): { dropped: number; replaced: boolean } {
    const known = key === undefined
      ? undefined
      : this.packets.find((packet) => packet.to === to && packet.key === key);
    if (known === undefined) this.packets.push({ to, key, bytes });
    else known.bytes = bytes;
    let dropped = 0;
    while (this.packets.length > this.maxPackets || this.bytes > this.maxBytes) {
      this.packets.shift();
      dropped++;
    }
    return { dropped, replaced: known !== undefined };
  }

  take(to: string, maxPackets: number, maxBytes: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    let sum = 0;
    for (const packet of this.packets.filter((packet) => packet.to === to)) {
      if (taken.length === maxPackets) break;
      if (taken.length > 0 && sum + packet.bytes.length > maxBytes) break;
      sum += packet.bytes.length;
      taken.push(packet.bytes);
      this.packets.splice(this.packets.indexOf(packet), 1);
    }
    return taken;
  }
}

describe("PacketQueue", () => {
  it("push() and take() agree with an array", () => {
    const operation = fc.record({
      type: fc.constantFrom("push", "push", "push", "take"),
      to: fc.constantFrom("a", "b", "c"),
      key: fc.option(fc.constantFrom("k", "l"), { nil: undefined }),
      length: fc.nat(40),
      value: fc.nat(255),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 80 }), (operations) => {
        const queue = new PacketQueue({ maxPackets: 8, maxBytes: 120 });
        const naive = new NaiveQueue(8, 120);
        for (const { type, to, key, length, value } of operations) {
          if (type === "push") {
            const packet = bytes(value, length);
            assertEquals(queue.push(to, packet, key), naive.push(to, packet, key));
          } else {
            assertEquals(queue.take(to, 3, 50), naive.take(to, 3, 50));
          }
          assertEquals([queue.size, queue.bytes], [naive.packets.length, naive.bytes]);
          assertEquals(queue.has(to), naive.packets.some((packet) => packet.to === to));
        }
      }),
      { seed: SEED },
    );
  });

  it("push() drops the oldest of all addresses", () => {
    const queue = new PacketQueue({ maxPackets: 3, maxBytes: 1_000 });
    for (const [to, value] of [["a", 1], ["b", 2], ["a", 3], ["b", 4], ["b", 5]] as const) {
      queue.push(to, bytes(value));
    }
    assertEquals(queue.take("a", 9, 999), [bytes(3)]);
    assertEquals(queue.take("b", 9, 999), [bytes(4), bytes(5)]);
  });

  it("push() with a key keeps the place, and the key is per address", () => {
    const queue = new PacketQueue({ maxPackets: 10, maxBytes: 1_000 });
    queue.push("a", bytes(1), "k");
    queue.push("a", bytes(2));
    queue.push("b", bytes(3), "k");
    assertEquals(queue.push("a", bytes(4), "k"), { dropped: 0, replaced: true });
    assertEquals(queue.take("a", 9, 999), [bytes(4), bytes(2)]);
    assertEquals(queue.take("b", 9, 999), [bytes(3)]);
    // What was taken is on its way: the key starts anew.
    assertEquals(queue.push("a", bytes(5), "k"), { dropped: 0, replaced: false });
  });

  it("push() of what alone is too large drops it", () => {
    const queue = new PacketQueue({ maxPackets: 10, maxBytes: 10 });
    assertEquals(queue.push("a", bytes(1, 11)), { dropped: 1, replaced: false });
    assertEquals(queue.size, 0);
  });

  it("clear() tells how many were dropped", () => {
    const queue = new PacketQueue({ maxPackets: 10, maxBytes: 10 });
    queue.push("a", bytes(1));
    queue.push("b", bytes(1));
    assertEquals([queue.clear(), queue.size, queue.bytes, queue.has("a")], [2, 0, 0, false]);
  });
});
