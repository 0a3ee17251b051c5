import { assert, assertEquals } from "@std/assert";
import { encodeHex } from "@std/encoding";
import fc from "fast-check";
import { describe, it } from "node:test";
import { Solo } from "./_harness_solo.ts";
import type { PacketMessage, PushNodeState } from "./messages.ts";
import { encodeLocalState, encodeStateMessage } from "./wire/ckit.ts";
import { encodeMessage } from "./wire/messages_codec.ts";

const u32 = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom(0xffff_ffff, 0x8000_0000));
const name = fc.constantFrom("", "me", "p1", "p2", "x", "ü😀", "y".repeat(2000));
const bytes = fc.oneof(
  fc.constantFrom(Uint8Array.of(10, 0, 0, 1), Uint8Array.of(10, 0, 1, 1), new Uint8Array()),
  fc.uint8Array({ maxLength: 20 }),
);
const port = fc.constantFrom(0, 80, 8080, 65535);
const vsn = fc.oneof(
  fc.constant(Uint8Array.of(1, 5, 2, 0, 0, 0)),
  fc.uint8Array({ maxLength: 8 }),
);
const meta = fc.option(fc.uint8Array({ maxLength: 12 }), { nil: undefined });
const source = { sourceAddr: bytes, sourcePort: port, sourceNode: name };
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc.record({ nodeName: name, newState: u32, time: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) })
    .map(encodeStateMessage),
);

const message: fc.Arbitrary<PacketMessage> = fc.oneof(
  fc.record({ type: fc.constant("ping" as const), seqNo: u32, node: name, ...source }),
  fc.record({
    type: fc.constant("indirectPing" as const),
    seqNo: u32,
    target: bytes,
    port,
    node: name,
    nack: fc.boolean(),
    ...source,
  }),
  fc.record({ type: fc.constant("ack" as const), seqNo: u32, payload: meta }),
  fc.record({ type: fc.constant("nack" as const), seqNo: u32 }),
  fc.record({
    type: fc.constantFrom("suspect" as const, "dead" as const),
    incarnation: u32,
    node: name,
    from: name,
  }),
  fc.record({
    type: fc.constant("alive" as const),
    incarnation: u32,
    node: name,
    addr: bytes,
    port,
    meta,
    vsn,
  }),
  fc.record({ type: fc.constant("user" as const), payload }),
);

const entry: fc.Arbitrary<PushNodeState> = fc.record({
  name,
  addr: bytes,
  port,
  meta,
  incarnation: u32,
  state: fc.integer({ min: 0, max: 5 }),
  vsn: fc.oneof({ arbitrary: fc.constant(Uint8Array.of(1, 5, 2, 0, 0, 0)), weight: 20 }, vsn),
});

/** What holds whatever arrived: the node is there, its view is sound, and it goes on. */
function checkSound(it: Solo): void {
  const { peers, stats } = it.core;
  assertEquals(peers.length, stats.alive + stats.suspect);
  assertEquals(peers.filter(({ self, name }) => self && name === "me").length, 1);
  assert(it.core.deadline > it.now || it.core.deadline === Infinity, "the deadline stands still");
  it.run(6000);
  const ping = {
    type: "ping",
    seqNo: 12,
    node: "me",
    sourceAddr: Uint8Array.of(10, 0, 1, 1),
    sourcePort: 8080,
    sourceNode: "p1",
  } as const;
  assert(it.receive(ping).some((sent) => sent.message.type === "ack"));
  for (const { incarnation, vsn, name } of it.state().nodes) {
    assert(incarnation >= 1 && vsn.length === 6 && vsn[2] !== 0 && name !== "");
  }
}

describe("SwimCore against hostile peers", () => {
  it("survives any sequence of well-formed messages", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 40 }), fc.boolean(), (messages, announce) => {
        const it = new Solo({ announceGeneration: announce });
        it.meet(2);
        for (const each of messages) it.receive(each);
        checkSound(it);
      }),
      { seed: 42, numRuns: 150 },
    );
  });

  it("survives any whole states", () => {
    const local = fc.record({
      currentTime: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      nodeStates: fc.array(
        fc.record({ nodeName: name, newState: u32, time: fc.bigInt({ min: 0n, max: 99n }) }),
        { maxLength: 4 },
      ),
    });
    const userState = fc.oneof(fc.uint8Array({ maxLength: 9 }), local.map(encodeLocalState));
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 8 }),
        userState,
        fc.boolean(),
        (nodes, user, join) => {
          const it = new Solo({ announceGeneration: join });
          it.meet(2);
          it.request(1, { type: "pushPull", join, nodes, userState: user });
          it.input({ type: "replied", exchange: 1, ok: true });
          checkSound(it);
        },
      ),
      { seed: 43, numRuns: 150 },
    );
  });

  it("survives any bytes, in packets, requests and answers", () => {
    const head = fc.constantFrom([], [0xf4, 4, 0x70, 0x72, 0x6f, 0x64]);
    const mutated = fc.tuple(message, fc.nat(), fc.nat({ max: 255 })).map(([each, at, byte]) => {
      const encoded = encodeMessage(each);
      encoded[at % encoded.length] = byte;
      return encoded;
    });
    const body = fc.oneof(fc.uint8Array({ maxLength: 60 }), mutated);
    const it = new Solo();
    it.meet(2);
    let exchange = 1000;
    fc.assert(
      fc.property(head, body, (head, body) => {
        const input = Uint8Array.of(...head, ...body);
        it.input({ type: "packet", bytes: input });
        const effects = it.input({ type: "request", exchange: ++exchange, bytes: input });
        const ends = effects.filter(({ type }) => type === "reply" || type === "hangUp");
        assertEquals(ends.length, 1, encodeHex(input));
        it.input({ type: "replied", exchange, ok: true });
        const join = it.input({ type: "join", operation: exchange, addresses: ["10.0.5.5:80"] })
          .find((effect) => effect.type === "exchange")!;
        const answer = it.input({ type: "response", exchange: join.exchange, bytes: input });
        const over = answer.filter(({ type }) => type === "done" || type === "failed");
        assertEquals(over.length, 1, encodeHex(input));
      }),
      { seed: 44, numRuns: 600 },
    );
    checkSound(it);
  });

  it("reports no more refusals a step than anybody reads", () => {
    const it = new Solo({ maxMembers: 2 });
    const nodes = Array.from({ length: 5000 }, (_, i) => ({
      name: `x${i}`,
      addr: Uint8Array.of(10, 9, i >> 8, i & 255),
      port: 80,
      meta: undefined,
      incarnation: 1,
      state: 0,
      vsn: Uint8Array.of(1, 5, 2, 0, 0, 0),
    }));
    it.pushPull(nodes);
    assertEquals(it.refusals.length, 256);
    checkSound(it);
  });

  it("reports no more refusals of a packet either, and counts of a kind as one", () => {
    const it = new Solo();
    const junk = Array.from({ length: 1000 }, () => Uint8Array.of(99));
    for (const bytes of it.packets.seal(junk, { crc: false })) it.input({ type: "packet", bytes });
    assert(it.refusals.length <= 4 * 256);
    const one = it.packets.seal(junk.slice(0, 255).flatMap((part) => [part, part]), { crc: false });
    const nested = one.map((bytes) => bytes.subarray(6));
    const before = it.refusals.length;
    for (const bytes of it.packets.seal(nested, { crc: false })) {
      it.input({ type: "packet", bytes });
    }
    assertEquals(it.refusals.length - before, 256);
    const effects = it.pushPull(Array.from({ length: 500 }, (_, i) => ({
      name: `x${i}`,
      addr: Uint8Array.of(10, 9, i >> 8, i & 255),
      port: 80,
      meta: undefined,
      incarnation: 1,
      state: 0,
      vsn: Uint8Array.of(1, 5, 2, 0, 0, 0),
    })));
    assertEquals(effects.filter(({ type }) => type === "counted"), [
      { type: "counted", counter: "eventNodeJoin", by: 500 },
    ]);
    checkSound(it);
  });

  it("survives a storm of forged accusations and lives, and is itself in the end", () => {
    const it = new Solo();
    it.meet(20);
    for (let i = 0; i < 2000; i++) {
      const node = i % 7 === 0 ? "me" : `p${1 + i % 20}`;
      const incarnation = 1 + (i >> 4);
      it.receive(
        { type: "suspect", node, incarnation, from: `f${i % 30}` },
        { type: "dead", node, incarnation, from: i % 3 === 0 ? node : "f" },
        { type: "suspect", node, incarnation, from: "me" },
      );
    }
    const own = it.record("me")!;
    assertEquals([own.state, own.incarnation >= 2], [0, true]);
    assert(it.core.stats.queuedBroadcasts <= 22);
    checkSound(it);
  });

  it("does not die when its exchanges are answered out of turn", () => {
    const it = new Solo();
    const bytes = new Uint8Array();
    it.input({ type: "response", exchange: 77, bytes });
    it.input({ type: "exchangeFailed", exchange: 77, reason: "?" });
    it.input({ type: "replied", exchange: 77, ok: true });
    checkSound(it);
  });
});
