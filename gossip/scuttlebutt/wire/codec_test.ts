import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding";
import fc from "fast-check";
import { describe, it } from "node:test";
import { block, entry, listed, Solo, TAG } from "../_harness.ts";
import type { Packet, StreamMessage } from "../messages.ts";
import {
  decodePacket,
  decodeStream,
  decodeStreamMessage,
  encodeFrame,
  encodeStream,
} from "./codec.ts";
import { crc32c } from "./crc32c.ts";
import { DecodeError } from "./decode_error.ts";
import { clusterTag, writeHeader } from "./frame.ts";
import { encodedLength, HEADER_BYTES, utf8Length, varintLength } from "./lengths.ts";
import { StreamReader } from "./stream_reader.ts";
import { packetArbitrary, streamArbitrary } from "../_harness_arbitraries.ts";

const from = { id: "a", generation: 1, addr: "10.0.0.1:7000" };
const SYN: Packet = {
  type: "syn",
  source: from,
  known: 1,
  exchange: 7,
  digest: [listed("a", 3, { heartbeat: 5 })],
};
const SYN_HEX = "c501020105d5ce5a3c9c938c0161010d31302e302e302e313a3730303001070161010503" + "00";
const ACK: Packet = {
  type: "ack",
  source: from,
  known: 2,
  exchange: 7,
  wants: [],
  delta: [
    block("b", [entry("k", "v", 1), entry("d", undefined, 3)], {
      generation: 300,
      addr: "10.0.0.2:7000",
      heartbeat: 9,
    }),
  ],
};
const ACK_HEX = "c501020305d5ce5aa3e3a1aa0161010d31302e302e302e313a373030300207000162ac02" +
  "0d31302e302e302e323a3730303000090002010001" + "6b01760202" + "0164";

/** A frame with a right header around any body. */
function frameOf(type: number, body: string, tag = TAG): Uint8Array {
  const bytes = decodeHex("00".repeat(HEADER_BYTES) + body.replaceAll(" ", ""));
  writeHeader(bytes, type, tag);
  return bytes;
}

const PREFIX = "01 61 01 0d 31302e302e302e313a37303030 01 07";

/** Some seconds of work on a busy machine: Bun gives a test five unless told otherwise. */
const LONG = { timeout: 120_000 };

describe("wire", () => {
  it("56: the vectors of the specification, both ways", () => {
    assertEquals(crc32c(new TextEncoder().encode("123456789")), 0xe3069283);
    assertEquals(clusterTag("prod"), 0x05d5ce5a);
    assertEquals(TAG, 0x05d5ce5a);
    for (const [packet, hex, bytes] of [[SYN, SYN_HEX, 37], [ACK, ACK_HEX, 64]] as const) {
      assertEquals(encodeHex(encodeFrame(packet, TAG)), hex);
      assertEquals(decodePacket(decodeHex(hex), TAG), packet);
      assertEquals(encodedLength(packet), bytes);
    }
  });

  it("56: a flipped bit is refused, and changes no state", () => {
    const solo = new Solo({ id: "q" });
    const before = solo.core.nodes();
    for (const hex of [SYN_HEX, ACK_HEX]) {
      const frame = decodeHex(hex);
      for (let bit = 0; bit < frame.length * 8; bit++) {
        const flipped = frame.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        assertThrows(() => decodePacket(flipped, TAG), DecodeError);
        solo.step({ type: "packet", bytes: flipped });
        assertEquals(solo.effects.map(({ type }) => type), ["refused"]);
      }
    }
    assertEquals(solo.core.nodes(), before);
  });

  it("56: every truncation is refused", () => {
    for (const hex of [SYN_HEX, ACK_HEX]) {
      const frame = decodeHex(hex);
      for (let end = 0; end < frame.length; end++) {
        assertThrows(() => decodePacket(frame.subarray(0, end), TAG), DecodeError);
      }
    }
  });

  it("57: what is malformed is refused with its place", () => {
    const body = (rest: string): Uint8Array => frameOf(1, `${PREFIX} ${rest}`);
    const fin = (rest: string): Uint8Array => frameOf(4, `${PREFIX} ${rest}`);
    const at = HEADER_BYTES + 19;
    const refused: readonly [string, Uint8Array, number, string?][] = [
      ["an overlong number", body("01 62 8100 00 00 00"), at + 2],
      ["a number of nine bytes", body("01 62 808080808080808001 00 00 00"), at + 2],
      ["a number above 2^53", body("01 62 ffffffffffffff7f 00 00 00"), at + 2],
      ["a truncated number", body("01 62 80"), at + 3],
      ["a trailing byte", body("01 62 01 00 00 00 01"), at + 6],
      ["no UTF-8", body("01 ff 01 00 00 00"), at],
      ["an overlong UTF-8 form", body("02 c0af 01 00 00 00"), at],
      ["half a surrogate", body("03 eda080 01 00 00 00"), at],
      ["an empty id", body("00 01 00 00 00"), at],
      ["NUL in an id", body("01 00 01 00 00 00"), at],
      ["generation 0", body("01 62 00 00 00 00"), at + 2],
      ["an unknown flag", body("01 62 01 00 00 08"), at + 5],
      ["a want that is held", body("01 62 01 01 00 04"), at],
      ["an id twice", body("01 62 01 00 00 00 01 62 01 00 00 00"), at + 6],
      ["a long id", body(`8002 ${"61".repeat(256)} 01 00 00 00`), at, "limit"],
      ["more entries than bytes", fin("01 62 01 01 78 00 00 00 7f 01 00 00"), at + 8],
      ["65537 entries", fin("01 62 01 01 78 00 00 00 818004 01 00 00"), at + 8, "limit"],
      ["a version that does not rise", fin("01 62 01 01 78 00 00 00 01 00 00 01 6b 00"), at + 9],
      [
        "a version above 2^53",
        fin("01 62 01 01 78 00 00 ffffffffffffff0f 01 01 00 01 6b 00"),
        at + 16,
      ],
      ["an unknown flag of an entry", fin("01 62 01 01 78 00 00 00 01 01 04 01 6b 00"), at + 10],
      ["an unknown flag of a block", fin("01 62 01 01 78 08 00 00 00"), at + 5],
      ["a block twice", fin("0162010178 00000000 0162010178 00000000"), at + 9],
      ["a section that is too long", frameOf(2, `${PREFIX} 7f`), at + 1],
      ["a section that cuts an entry", frameOf(2, `${PREFIX} 05 01 62 01 00 00 00`), at + 6],
      ["an unknown type", frameOf(99, PREFIX), 3, "type"],
      ["a stream's message", frameOf(8, PREFIX), 3, "type"],
      ["a longer refusal", frameOf(9, "01 00 00 00"), HEADER_BYTES + 3],
    ];
    for (const [what, bytes, offset, reason = "decode"] of refused) {
      const error = assertThrows(() => decodePacket(bytes, TAG), DecodeError, "Cannot", what);
      assertEquals([error.offset, error.reason], [offset, reason], what);
    }
  });

  it("57: a packet may have 65535 bytes whatever the own limit", () => {
    const digest = (ids: number) =>
      Array.from({ length: ids }, (_, i) => listed(`${"x".repeat(40)}${1e6 + i}`, 1));
    const bytes = encodeFrame({ ...SYN, digest: digest(1200) }, TAG);
    assert(bytes.length > 60_000);
    const decoded = decodePacket(bytes, TAG);
    assert(decoded.type === "syn" && decoded.digest.length === 1200);
    const error = assertThrows(
      () => decodePacket(encodeFrame({ ...SYN, digest: digest(1400) }, TAG), TAG),
      DecodeError,
    );
    assertEquals(error.reason, "limit");
    const many = Array.from({ length: 4097 }, (_, i) => listed(`${i}`, 1));
    const join: StreamMessage = {
      ...SYN,
      type: "join",
      label: "",
      last: true,
      digest: many,
      delta: [],
    };
    assertThrows(() => decodeStreamMessage(encodeFrame(join, TAG), TAG), DecodeError);
  });

  it("58: another cluster is dropped, and told so once a minute", () => {
    const solo = new Solo();
    const own = { ...from, addr: solo.core.localNode.addr };
    const foreign = encodeFrame({ ...SYN, source: own }, clusterTag("dev"));
    const rejects = (): number => {
      solo.step({ type: "packet", bytes: foreign });
      assertEquals(solo.refusals, ["label"]);
      return solo.of("send").length;
    };
    // The sender says that it is at the own address: nobody is there to be told.
    assertEquals(rejects(), 0);
    const elsewhere = encodeFrame(
      { ...SYN, source: { ...from, addr: "10.0.0.77:7000" } },
      clusterTag("dev"),
    );
    const told = (): readonly string[] => {
      solo.step({ type: "packet", bytes: elsewhere });
      assertEquals(solo.refusals, ["label"]);
      return solo.of("send").map(({ to, bytes }) => `${to} ${decodePacket(bytes, TAG).type}`);
    };
    assertEquals([told(), told()], [["10.0.0.77:7000 reject"], []]);
    solo.now += 59_999;
    assertEquals(told(), []);
    solo.now += 1;
    assertEquals(told(), ["10.0.0.77:7000 reject"]);
    assertEquals(solo.core.nodes().length, 1);
  });

  it("58: many foreign addresses are told at most so often", () => {
    const solo = new Solo();
    let told = 0;
    for (let i = 0; i < 1000; i++) {
      const source = { ...from, addr: `10.1.${i >> 8}.${i & 255}:7000` };
      solo.step({ type: "packet", bytes: encodeFrame({ ...SYN, source }, clusterTag("dev")) });
      told += solo.of("send").length;
    }
    assertEquals(told, 256);
  });

  it("58: another version and another protocol are left alone", () => {
    const solo = new Solo();
    const altered = (at: number, value: number): Uint8Array => {
      const frame = encodeFrame({ ...SYN, source: { ...from, addr: "10.0.0.9:1" } }, TAG);
      frame[at] = value;
      // The checksum is over all but itself.
      const crc = crc32c(frame, { start: 12, before: crc32c(frame, { end: 8 }) });
      new DataView(frame.buffer).setUint32(8, crc);
      return frame;
    };
    solo.step({ type: "packet", bytes: altered(2, 1) });
    assertEquals(solo.effects.map(({ type }) => type), ["refused"]);
    assertEquals(solo.refusals, ["strategy"]);
    solo.step({ type: "packet", bytes: altered(1, 9) });
    assertEquals(solo.refusals, ["version"]);
    assertEquals(solo.sent, [{ type: "reject", code: 2, a: 1, b: 1 }]);
  });

  it("any packet decodes to itself, and its length is known before", () => {
    fc.assert(
      fc.property(packetArbitrary, (packet) => {
        const bytes = encodeFrame(packet, TAG);
        assertEquals(encodedLength(packet), bytes.length);
        assertEquals(decodePacket(bytes, TAG), packet);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it("any request or reply decodes to itself, wherever the stream is cut", LONG, () => {
    fc.assert(
      fc.property(
        streamArbitrary,
        fc.array(fc.nat(400), { maxLength: 6 }),
        (messages, cuts) => {
          const bytes = encodeStream(messages, TAG);
          for (const message of messages) {
            assertEquals(encodedLength(message), encodeFrame(message, TAG).length);
          }
          assertEquals(decodeStream(bytes, TAG), messages);
          const reader = new StreamReader({ maxStreamBytes: 1 << 20 });
          const places = [...cuts.map((cut) => cut % bytes.length), bytes.length, bytes.length]
            .sort((a, b) => a - b);
          let before = 0;
          let whole = false;
          for (const place of places) {
            assert(!whole || before === bytes.length);
            whole = reader.push(bytes.subarray(before, place));
            before = place;
          }
          assert(whole);
          assertEquals(encodeHex(reader.bytes), encodeHex(bytes));
        },
      ),
      { seed: 2, numRuns: 200 },
    );
  });

  it("a stream that grows without end is cut off, one of another kind at once", () => {
    const reader = new StreamReader({ maxStreamBytes: 5000 });
    const part = encodeStream(
      [{ ...SYN, type: "join", label: "prod", last: false, digest: [], delta: [] }],
      TAG,
    );
    assertThrows(
      () => {
        for (let i = 0; i < 1000; i++) assert(!reader.push(part));
      },
      RangeError,
      "5000",
    );
    for (const foreign of ["16030100", "ffffff01", "05", "0d41", "20c50201"]) {
      const other = new StreamReader({ maxStreamBytes: 5000 });
      assert(other.push(decodeHex(foreign)), foreign);
      assertThrows(() => decodeStream(other.bytes, TAG), DecodeError);
    }
  });

  it("lengths of numbers and texts", () => {
    for (const [value, length] of [[0, 1], [127, 1], [128, 2], [16383, 2], [16384, 3]] as const) {
      assertEquals(varintLength(value), length);
    }
    assertEquals(varintLength(2 ** 53 - 1), 8);
    const encoder = new TextEncoder();
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        assertEquals(utf8Length(text), encoder.encode(text).length);
      }),
      { seed: 3 },
    );
    for (const text of ["\ud800", "a\udc00b", "\ud83d\ude00", "\ud83dx", "é€😀"]) {
      assertEquals(utf8Length(text), encoder.encode(text).length);
    }
  });
});
