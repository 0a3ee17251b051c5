import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding";
import fc from "fast-check";
import { describe, it } from "node:test";
import { encodeFrame, FrameReader } from "../../../transport/frame.ts";
import type { PacketMessage } from "../messages.ts";
import { messageVectors, packetMessage, vector, vectorBytes } from "./_harness_vectors.ts";
import { decodeStateMessage, encodeStateMessage } from "./ckit.ts";
import { encodeCompound } from "./compound.ts";
import { encodeCompressed } from "./compress.ts";
import { encrypt } from "./encryption.ts";
import { Keyring } from "./keyring.ts";
import { labelBytes } from "./label.ts";
import { encodeMessage } from "./messages_codec.ts";
import { PacketCodec, type PacketCodecOptions } from "./packet.ts";

const SEED = 20_260_226;
const KEY = new TextEncoder().encode("0123456789abcdef");

/** Random enough for nonces here, and the same each time. */
function seeded(): () => number {
  let state = 1;
  return () => {
    state = Math.imul(state, 48_271) >>> 0;
    return state / 2 ** 32;
  };
}

function codec(options: Partial<PacketCodecOptions> = {}): PacketCodec {
  return new PacketCodec({ random: seeded(), ...options });
}

function concat(...parts: readonly (Uint8Array | number)[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => typeof part === "number" ? [part] : [...part]));
}

function nack(seqNo: number): Uint8Array {
  return encodeMessage({ type: "nack", seqNo });
}

function user(payloadBytes: number): Uint8Array {
  // Noise, so that compression cannot shrink it.
  const random = seeded();
  const payload = Uint8Array.from({ length: payloadBytes }, () => random() * 256);
  return encodeMessage({ type: "user", payload });
}

function seqNos(messages: readonly PacketMessage[]): readonly number[] {
  return messages.map((message) => message.type === "nack" ? message.seqNo : -1);
}

const message = (id: string): PacketMessage => messageVectors.find(([one]) => one === id)![1];
const none = { crc: false };

describe("PacketCodec", () => {
  it("seal() equals V-27, V-28 and, framed, V-29", () => {
    const alive = [vectorBytes("V-12")];
    const plain = { compression: false };
    const hex = (codec: PacketCodec): string => encodeHex(codec.seal(alive, { crc: true })[0]!);
    assertEquals(hex(codec(plain)), vector("V-27").hex);
    assertEquals(hex(codec({ ...plain, label: "prod" })), vector("V-28").hex);
    assertEquals(
      encodeHex(encodeFrame(codec({ ...plain, label: "prod" }).seal(alive, { crc: true })[0]!)),
      vector("V-29").hex,
    );
    // Too short to gain by compression: Go sends the same bytes with it.
    assertEquals(hex(codec({ label: "prod" })), vector("V-28").hex);
  });

  it("open() reads V-29 out of its frame", () => {
    const [packet] = new FrameReader({ maxFrameBytes: 100 }).push(vectorBytes("V-29"));
    assertEquals(codec({ label: "prod" }).open(packet!), {
      messages: [message("V-12")],
      refusals: [],
    });
  });

  it("open() reads the captured packets V-40 and V-41, and seal() gives V-40 back", () => {
    const prod = codec({ label: "prod" });
    const gossip = prod.open(vectorBytes("V-40"));
    const state = { nodeName: "go1", newState: 1, time: 2n };
    assertEquals(gossip.refusals, []);
    assertEquals(gossip.messages.length, 1);
    const [first] = gossip.messages;
    assert(first?.type === "user");
    assertEquals(decodeStateMessage(first.payload), state);
    const sent = encodeMessage({ type: "user", payload: encodeStateMessage(state) });
    assertEquals(encodeHex(prod.seal([sent], { crc: true })[0]!), vector("V-40").hex);

    const { messages, refusals } = prod.open(vectorBytes("V-41"));
    assertEquals(refusals, []);
    assertEquals(messages.map(({ type }) => type), ["ack", "alive", "alive", "user"]);
    assertEquals(
      messages.flatMap((one) => one.type === "alive" ? [[one.node, one.port, one.addr[0]]] : []),
      [["ts1", 7202, 127], ["go1", 7201, 127]],
    );
    // All that Go put in, sealed here: compound and LZW are the same to the byte.
    assertEquals(encodeHex(prod.seal(messages.map(encodeMessage), none)[0]!), vector("V-41").hex);
  });

  it("open() accepts only its own label (C-33, C-34)", () => {
    const sealed = (label: string): Uint8Array => codec({ label }).seal([nack(1)], none)[0]!;
    const reasons = (own: string, packet: Uint8Array): readonly string[] =>
      codec({ label: own }).open(packet).refusals.map(({ reason }) => reason);
    assertEquals(reasons("prod", sealed("")), ["label"]);
    assertEquals(reasons("prod", sealed("prod2")), ["label"]);
    assertEquals(reasons("prod", sealed("prod")), []);
    assertEquals(reasons("", sealed("prod")), ["label"]);
    for (const hex of ["f4", "f400", "f405ab"]) {
      assertEquals(reasons("", decodeHex(hex)), ["label"]);
    }
  });

  it("open() refuses a changed bit under a checksum (C-35)", () => {
    const [packet] = codec().seal([vectorBytes("V-12")], { crc: true });
    for (let bit = 8; bit < packet!.length * 8; bit++) {
      const changed = packet!.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const { messages, refusals } = codec().open(changed);
      assertEquals([messages.length, refusals.map(({ reason }) => reason)], [0, ["crc"]]);
    }
    assertEquals(codec().open(decodeHex("0c010203")).refusals[0]!.reason, "type");
  });

  it("open() knows checksum and label only outermost (C-36)", () => {
    const crc = vectorBytes("V-27");
    const inCompound = codec().open(encodeCompound([crc, nack(1)]));
    assertEquals([inCompound.messages.length, inCompound.refusals[0]!.reason], [1, "type"]);
    const labelled = vectorBytes("V-28");
    const inCompress = codec().open(encodeCompressed(labelled));
    assertEquals([inCompress.messages.length, inCompress.refusals[0]!.reason], [0, "type"]);
  });

  it("open() keeps what is whole of a compound (C-37)", () => {
    const opened = (bytes: Uint8Array): unknown => {
      const { messages, refusals } = codec().open(bytes);
      return [messages.length, refusals.map(({ reason }) => reason)];
    };
    const whole = vectorBytes("V-26");
    assertEquals(codec().open(whole).messages, [message("V-02"), message("V-09")]);
    assertEquals(opened(decodeHex("0700")), [0, []]);
    assertEquals(opened(decodeHex("07")), [0, ["decode"]]);
    assertEquals(opened(decodeHex("07020010")), [0, ["decode"]]);
    assertEquals(opened(whole.subarray(0, whole.length - 1)), [1, ["decode"]]);
    assertEquals(opened(encodeCompound([new Uint8Array(0), nack(1)])), [1, ["decode"]]);
    assertEquals(opened(concat(whole, 1, 2, 3)), [2, []]);
    assertEquals(opened(new Uint8Array(0)), [0, ["decode"]]);
  });

  it("seal() splits 300 messages into compounds of at most 255 (C-38)", () => {
    const parts = Array.from({ length: 300 }, (_, i) => nack(i));
    const packets = codec({ compression: false }).seal(
      [encodeMessage(message("V-05")), ...parts],
      none,
    );
    assertEquals(packets.map((packet) => packet[1]), [255, 46]);
    const messages = packets.flatMap((packet) => codec().open(packet).messages);
    assertEquals(seqNos(messages), [-1, ...parts.keys()]);
    assertEquals(messages[0], message("V-05"));
  });

  it("seal() sends a part above 65535 bytes alone (C-39)", () => {
    const large = user(70_000);
    const packets = codec().seal([nack(1), large, nack(2)], none);
    assertEquals(packets.length, 2);
    assertEquals(seqNos(codec().open(packets[0]!).messages), [1, 2]);
    assertEquals(packets[1], large);
    assertEquals(codec().seal([user(65_534), nack(1)], none).length, 1);
  });

  it("seal() stays within the packet size", () => {
    for (const label of ["", "prod"]) {
      for (const crc of [false, true]) {
        for (const keyring of [undefined, new Keyring([KEY])]) {
          const options = { label, keyring, compression: false, maxPacketBytes: 1_000 };
          const parts = Array.from({ length: 40 }, () => user(99));
          const packets = codec(options).seal(parts, { crc });
          assert(packets.every((packet) => packet.length <= 1_000));
          // Full: no packet but the last had room for one more.
          assert(packets.slice(0, -1).every((packet) => packet.length > 1_000 - 102));
          const messages = packets.flatMap((packet) => codec(options).open(packet).messages);
          assertEquals(messages.length, 40);
        }
      }
    }
    const alone = codec({ maxPacketBytes: 64 }).seal([nack(1), user(200), nack(2)], none);
    assertEquals(alone.length, 3);
  });

  it("overheadBytes counts label and encryption", () => {
    const keyring = new Keyring([KEY]);
    assertEquals(codec().overheadBytes, 0);
    assertEquals(codec({ label: "prod" }).overheadBytes, 6);
    assertEquals(codec({ label: "prod", keyring }).overheadBytes, 35);
    assertEquals(codec({ keyring, verifyOutgoing: false }).overheadBytes, 0);
    const [packet] = codec({ label: "prod", keyring }).seal([nack(1)], none);
    assertEquals(packet!.length - nack(1).length, 35);
  });

  it("seal() leaves one message bare, and compresses only what shrinks", () => {
    assertEquals(codec().seal([], none), []);
    assertEquals(codec().seal([nack(1)], none), [nack(1)]);
    const zeros = encodeMessage({ type: "user", payload: new Uint8Array(500) });
    const [small] = codec().seal([zeros], none);
    assertEquals(small![0], 9);
    assert(small!.length < zeros.length);
    assertEquals(codec({ compression: false }).seal([zeros], none), [zeros]);
  });

  it("open() reads compound in compress in compound (C-40)", () => {
    const inner = encodeCompressed(encodeCompound([nack(2), nack(3)]));
    const packet = encodeCompound([nack(1), inner, nack(4)]);
    assertEquals(seqNos(codec().open(packet).messages), [1, 2, 3, 4]);
    assertEquals(codec().open(packet).refusals, []);
  });

  it("open() bounds what a packet inflates to, all parts together (C-31)", () => {
    const bomb = encodeCompressed(new Uint8Array(60_000));
    const options = { limits: { maxInflatedBytes: 100_000 } };
    const { messages, refusals } = codec(options).open(encodeCompound([bomb, bomb, nack(1)]));
    assertEquals(seqNos(messages), [1]);
    assert(refusals.some(({ reason }) => reason === "limit"));
    const [limit] = codec({ limits: { maxPacketBytes: 10 } }).open(user(10)).refusals;
    assertEquals(limit!.reason, "limit");
  });

  it("open() bounds the work of many failing parts", () => {
    // Each part inflates to nearly a megabyte before it turns out to have no end.
    const endless = encodeCompressed(new Uint8Array(1_000_000));
    endless.fill(0, endless.length - 40);
    const parts = [...Array(254).fill(endless), nack(1)];
    const { messages, refusals } = codec().open(encodeCompound(parts));
    assertEquals(seqNos(messages), [1]);
    assertEquals(refusals.map(({ reason }) => reason), ["decode", ...Array(253).fill("limit")]);
  });

  it("open() bounds parts, and nesting costs no stack", () => {
    let nested: Uint8Array = nack(7);
    while (nested.length < 60_000) nested = encodeCompound([nested]);
    const limits = { maxPacketParts: 100_000 };
    assertEquals(seqNos(codec({ limits }).open(nested).messages), [7]);
    assertEquals(codec().open(nested).refusals.map(({ reason }) => reason), ["limit"]);

    let wide = encodeCompound(Array(255).fill(new Uint8Array(0)));
    wide = encodeCompound(Array(100).fill(wide));
    const { messages, refusals } = codec().open(wide);
    assertEquals(messages, []);
    assert(refusals.length <= 4_097);
    assertEquals(refusals.at(-1)!.reason, "limit");
  });

  it("open() refuses Algo 1 and broken LZW without throwing (C-30)", () => {
    for (
      const hex of ["0982a4416c676f01a3427566a3000302", "0982a4416c676f00a3427566a1ff", "0905"]
    ) {
      const { messages, refusals } = codec().open(decodeHex(hex));
      assertEquals([messages.length, refusals[0]!.reason], [0, "decode"]);
    }
  });

  it("open() decrypts with any key of the ring, and refuses the rest", () => {
    const other = new Uint8Array(32).fill(5);
    const sealed = codec({ label: "prod", keyring: new Keyring([KEY]) }).seal([nack(1)], {
      crc: true,
    })[0]!;
    const open = (options: Partial<PacketCodecOptions>, packet = sealed): unknown => {
      const { messages, refusals } = codec({ label: "prod", ...options }).open(packet);
      return [seqNos(messages), refusals.map(({ reason }) => reason)];
    };
    assertEquals(open({ keyring: new Keyring([other, KEY]) }), [[1], []]);
    assertEquals(open({ keyring: new Keyring([other]) }), [[], ["decrypt"]]);
    // Without keys, version byte 1 is an indirect ping that makes no sense.
    assertEquals(open({}), [[], ["decode"]]);
    const plain = codec({ label: "prod" }).seal([nack(2)], none)[0]!;
    const keyring = new Keyring([KEY]);
    assertEquals(open({ keyring }, plain), [[], ["decrypt"]]);
    assertEquals(open({ keyring, verifyIncoming: false }, plain), [[2], []]);
    assertEquals(open({ keyring, verifyIncoming: false }), [[1], []]);
    const sentPlain = codec({ label: "prod", keyring, verifyOutgoing: false }).seal(
      [nack(2)],
      none,
    );
    assertEquals(sentPlain, [plain]);
    const old = encrypt(nack(3), {
      key: KEY,
      associatedData: labelBytes("prod"),
      random: seeded(),
      version: 0,
    });
    assertEquals(open({ keyring }, concat(decodeHex("f40470726f64"), old)), [[3], []]);
  });

  it("open() is the inverse of seal(), whatever the settings", () => {
    fc.assert(
      fc.property(
        fc.array(packetMessage, { maxLength: 12 }),
        fc.constantFrom("", "prod", "é"),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (messages, label, compression, crc, encrypted) => {
          const keyring = encrypted ? new Keyring([KEY]) : undefined;
          const one = codec({ label, compression, keyring });
          const opened = one.seal(messages.map(encodeMessage), { crc }).map((packet) =>
            one.open(packet)
          );
          assertEquals(opened.flatMap(({ refusals }) => refusals), []);
          const inOrder = (large: boolean): readonly PacketMessage[] =>
            messages.filter((message) => encodeMessage(message).length > 65_535 === large);
          assertEquals(opened.flatMap(({ messages }) => messages), [
            ...inOrder(false),
            ...inOrder(true),
          ]);
        },
      ),
      { seed: SEED },
    );
  });

  it("constructor() refuses labels, sizes and limits out of range", () => {
    assertThrows(() => codec({ label: "x".repeat(256) }), RangeError, "255");
    assertThrows(() => codec({ maxPacketBytes: 63 }), RangeError, "maxPacketBytes");
    assertThrows(() => codec({ limits: { maxNodes: -1 } }), RangeError, "maxNodes");
  });
});
