import { assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { generationTag } from "../../../gossip/swim/generation.ts";
import { VERSIONS } from "../../../gossip/swim/member.ts";
import type { PacketMessage } from "../../../gossip/swim/messages.ts";
import { encodeMessage } from "../../../gossip/swim/wire/messages_codec.ts";
import { PacketCodec } from "../../../gossip/swim/wire/packet.ts";
import { fakeLife } from "../../_harness.ts";
import { Wiretap } from "./wiretap.ts";

const message: fc.Arbitrary<PacketMessage> = fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 2 })).map(
  ([kind, n]): PacketMessage => {
    const node = `n${n}`;
    const incarnation = n + 1;
    if (kind === 0) return { type: "nack", seqNo: n };
    if (kind === 1) return { type: "user", payload: Uint8Array.of(n, 7, 12) };
    if (kind === 2) return { type: "dead", node, incarnation, from: "n0" };
    if (kind === 3) return { type: "suspect", node, incarnation, from: "n1" };
    const meta = kind === 4 ? generationTag(n) : undefined;
    const addr = Uint8Array.of(10, 0, 0, n);
    return { type: "alive", node, addr, port: 80, meta, incarnation, vsn: VERSIONS };
  },
);

describe("Wiretap", () => {
  it("reads what the codec reads, in whatever layers, and whole or not", () => {
    const taps = new Map(["", "sim"].map((label) => [label, new Wiretap()]));
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 8 }),
        fc.record({
          label: fc.constantFrom("", "sim"),
          crc: fc.boolean(),
          compression: fc.boolean(),
          cut: fc.option(fc.nat({ max: 300 })),
        }),
        (messages, { label, crc, compression, cut }) => {
          const codec = new PacketCodec({ label, compression, random: () => 0.5 });
          const [whole] = codec.seal(messages.map(encodeMessage), { crc: crc && cut === null });
          const bytes = cut === null ? whole! : whole!.slice(0, cut);
          const from = fakeLife({ name: "a", clusterName: label });
          const read = taps.get(label)!.packet({ from, to: "10.0.0.9:80", bytes, tampered: false });
          assertEquals(read, codec.open(bytes).messages);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("hands out one message for equal bytes", () => {
    const codec = new PacketCodec({ label: "sim", compression: false, random: () => 0.5 });
    const dead = encodeMessage({ type: "dead", node: "b", incarnation: 1, from: "c" });
    const suspect = encodeMessage({ type: "suspect", node: "b", incarnation: 1, from: "c" });
    const tap = new Wiretap();
    const from = fakeLife({ name: "a" });
    const read = (...parts: readonly Uint8Array[]): readonly PacketMessage[] => {
      const [bytes] = codec.seal(parts, { crc: true });
      return tap.packet({ from, to: "10.0.0.9:80", bytes: bytes!, tampered: false });
    };
    const [first] = read(dead);
    const [other, second] = read(suspect, dead);
    assertStrictEquals(second, first);
    assertEquals(other?.type, "suspect");
  });
});
