import { describe, it } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { Entry } from "../entry.ts";
import { entryAt, persistOf, plain } from "./_conformance.ts";
import {
  BATCH_HEADER_BYTES,
  BatchBuffer,
  BatchReader,
  MAX_BATCH_BYTES,
  MAX_BATCH_RECORDS,
  persistBytes,
  saltOf,
} from "./batch.ts";
import { castagnoli, ieee } from "./checksum.ts";
import { readRecord, type WalRecord } from "./record.ts";
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  getU64,
  parseSegmentName,
  segmentName,
  setU64,
} from "./segment.ts";

const storageId = Uint8Array.from({ length: 16 }, (_, i) => i);
const hexOf = (bytes: Uint8Array) =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

const text = fc.string({ maxLength: 60, unit: "grapheme" });
const number = fc.oneof(fc.nat(1000), fc.maxSafeNat());
const entry: fc.Arbitrary<Entry> = fc.record({
  index: number.map((n) => Math.max(1, n)),
  term: number,
  kind: fc.constantFrom("command", "noop", "config"),
  data: fc.uint8Array({ maxLength: 50 }),
});
const other: fc.Arbitrary<Exclude<WalRecord, { type: "entry" }>> = fc.oneof(
  fc.record({
    type: fc.constant("hardState" as const),
    hardState: fc.record({
      term: number,
      votedFor: fc.option(text.filter((id) => id !== ""), { nil: undefined }),
      commit: number,
    }),
  }),
  fc.record({ type: fc.constant("truncate" as const), fromIndex: number }),
  fc.record({
    type: fc.constant("mark" as const),
    mark: fc.record({
      index: number,
      term: number,
      configIndex: number,
      id: fc.stringMatching(/^[a-z0-9-]{1,64}$/),
    }),
  }),
  fc.record({
    type: fc.constant("seal" as const),
    kind: fc.constantFrom("clean" as const, "segment" as const),
    entries: number,
  }),
);

/** A copy with ordinary prototypes. */
function ordinary<T>(value: T): T {
  return structuredClone(value);
}

describe("a batch", () => {
  it("is these bytes", () => {
    const buffer = new BatchBuffer(castagnoli, saltOf(storageId, castagnoli));
    const place = { flags: 0, seq: 3, durableSeq: 2, chain: 0x01020304 };
    const data = new Uint8Array([0xaa, 0xbb, 0xcc]);
    buffer.append(place, [], [{ index: 5, term: 2, kind: "command", data }], []);
    assertEquals(buffer.length, 72);
    const bytes = buffer.bytes.subarray(0, 72);
    assertEquals(
      hexOf(bytes),
      "434b425400000100" + "1b00000004030201" + "0300000000000000" + "0200000000000000" +
        hexOf(bytes.subarray(32, 40)) + "0100000003000000" + "0500000000000000" +
        "0200000000000000" + "aabbcc0000000000",
    );
  });

  it("gives back what was put in, at any place of a buffer", () => {
    fc.assert(fc.property(
      fc.array(fc.tuple(fc.array(other, { maxLength: 2 }), fc.array(entry, { maxLength: 4 }))),
      fc.constantFrom(ieee, castagnoli),
      (batches, checksum) => {
        const salt = saltOf(storageId, checksum);
        const buffer = new BatchBuffer(checksum, salt);
        const starts: number[] = [];
        batches.forEach(([before, entries], i) => {
          starts.push(buffer.length);
          buffer.append({ flags: 0, seq: i + 1, durableSeq: i, chain: i }, before, entries, []);
        });
        const reader = new BatchReader(buffer.bytes.subarray(0, buffer.length), checksum, salt);
        batches.forEach(([before, entries], i) => {
          const header = reader.header(starts[i]!)!;
          assertEquals([header.seq, header.durableSeq, header.chain], [i + 1, i, i]);
          const records = reader.records(starts[i]!, header)!;
          assertEquals(
            records.map((record) =>
              record.type === "entry" ? { type: "entry", entry: plain(record.entry) } : record
            ),
            ordinary([...before, ...entries.map((one) => ({ type: "entry", entry: one }))]),
          );
        });
        assertEquals([...reader.headersFrom(0)].map(({ at }) => at), starts);
      },
    ));
  });

  it("of another store does not verify", () => {
    const buffer = new BatchBuffer(ieee, saltOf(storageId, ieee));
    buffer.append({ flags: 0, seq: 1, durableSeq: 0, chain: 0 }, [], [], []);
    assertEquals(buffer.length, BATCH_HEADER_BYTES);
    const bytes = buffer.bytes.subarray(0, buffer.length);
    assert(new BatchReader(bytes, ieee, saltOf(storageId, ieee)).header(0) !== undefined);
    assertEquals(
      new BatchReader(bytes, ieee, saltOf(new Uint8Array(16), ieee)).header(0),
      undefined,
    );
  });

  it("has limits, which are checked before anything is written", () => {
    const large = { ...entryAt(1, 1), data: new Uint8Array(MAX_BATCH_BYTES) };
    assertThrows(() => persistBytes(persistOf({ entries: [large] })), RangeError, "bytes");
    const many = Array.from({ length: MAX_BATCH_RECORDS }, (_, i) => entryAt(i + 1, 1, 0));
    assertThrows(() => persistBytes(persistOf({ entries: many })), RangeError, "entries");
  });
});

describe("readRecord()", () => {
  it("takes any bytes, and never reads beyond the end", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(5), (noise, type) => {
      const bytes = Uint8Array.from([type, ...noise]);
      const view = new DataView(bytes.buffer);
      const read = readRecord({ bytes, view }, 0, bytes.length);
      assert(read === undefined || read.end <= bytes.length);
    }));
  });
});

describe("a segment's header", () => {
  const header = {
    version: 1,
    seq: 7,
    firstIndex: 2 ** 40,
    storageId,
    batchSeq: 99,
    chain: 0xdeadbeef,
    capacity: 4096,
    recycled: true,
  };

  it("gives back what was put in", () => {
    for (const checksum of [ieee, castagnoli]) {
      const decoded = decodeSegmentHeader(encodeSegmentHeader(header, checksum), [
        ieee,
        castagnoli,
      ]);
      assertEquals(decoded, { header, checksum });
    }
  });

  it("does not verify with any bit flipped", () => {
    const bytes = encodeSegmentHeader(header, ieee);
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assertEquals(decodeSegmentHeader(flipped, [ieee, castagnoli]), undefined, `bit ${bit}`);
    }
  });

  it("has a name that sorts", () => {
    assertEquals(segmentName(10, 255), "wal-000000000000000a-00000000000000ff.log");
    assertEquals(parseSegmentName(segmentName(10, 255)), { seq: 10, firstIndex: 255 });
    assertEquals(parseSegmentName("wal-1-2.log"), undefined);
  });

  it("holds any safe integer", () => {
    fc.assert(fc.property(fc.maxSafeNat(), (value) => {
      const view = new DataView(new ArrayBuffer(8));
      setU64(view, 0, value);
      assertEquals(getU64(view, 0), value);
      assertEquals(view.getBigUint64(0, true), BigInt(value));
    }));
  });
});
