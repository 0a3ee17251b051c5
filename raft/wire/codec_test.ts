import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { fuzzInput, seededRandom } from "../../gossip/swim/wire/_harness_fuzz.ts";
import type { Entry } from "../entry.ts";
import type { AppendMessage, Message } from "../message.ts";
import { entriesAfter, frameOf, MESSAGES, raftTargets, wireBytes } from "./_harness_fuzz.ts";
import { crc32, scriptedCrc32 } from "./crc32.ts";
import { DecodeError } from "./decode_error.ts";
import { EntriesEncoder } from "./entries_codec.ts";
import { FrameAssembler } from "./frame.ts";
import {
  answerHello,
  decodeHello,
  decodeHelloReply,
  encodeHello,
  encodeHelloReply,
  type Hello,
} from "./hello.ts";
import { decodeMessage, encodeMessage } from "./messages_codec.ts";

const route = { from: "a", to: "b" };
const term = fc.oneof(fc.nat(9), fc.constantFrom(2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1));

describe("raft frames", () => {
  it("sum up with CRC-32/IEEE, in one piece or two, with and without zlib", () => {
    const bytes = new TextEncoder().encode("123456789");
    assertEquals(crc32(bytes), 0xcbf43926);
    assertEquals(scriptedCrc32(bytes), 0xcbf43926);
    assertEquals(crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4))), 0xcbf43926);
    assertEquals(scriptedCrc32(bytes.subarray(4), scriptedCrc32(bytes.subarray(0, 4))), 0xcbf43926);
  });

  it("lie as documented", () => {
    const { head } = encodeMessage({ type: "heartbeatReply", ...route, term: 1, round: 2 });
    assertEquals(
      [...head.subarray(0, 16)],
      [0xce, 1, 4, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    );
    assertEquals([...head.subarray(20)], [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
  });

  it("carry every message there and back", () => {
    for (const message of MESSAGES) {
      const decoded = decodeMessage(frameOf(wireBytes(encodeMessage(message))), route);
      assertEquals(decoded, message);
    }
  });

  it("carry any append there and back", () => {
    const entry = fc.record({
      term: fc.nat(3),
      kind: fc.constantFrom<Entry["kind"]>("command", "noop", "config"),
      data: fc.uint8Array({ maxLength: 40 }),
    }, { noNullPrototype: true });
    fc.assert(fc.property(fc.array(entry, { maxLength: 12 }), term, (steps, base) => {
      let before = Math.min(base, 2 ** 53 - 1 - 40);
      const prevTerm = before;
      const entries = steps.map((step, i): Entry => ({
        index: 8 + i,
        term: before += step.term,
        kind: step.kind,
        data: Uint8Array.from(step.data),
      }));
      const message: Message = {
        type: "append",
        ...route,
        term: before,
        prevIndex: 7,
        prevTerm,
        commit: 3,
        entries,
      };
      assertEquals(decodeMessage(frameOf(wireBytes(encodeMessage(message))), route), message);
    }));
  });

  it("are found whatever the chunk boundaries", () => {
    const bytes = MESSAGES.flatMap((message) => [...wireBytes(encodeMessage(message))]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 30 }), (sizes) => {
        const assembler = new FrameAssembler();
        const frames = [];
        let at = 0;
        for (const size of [...sizes, bytes.length]) {
          frames.push(...assembler.push(Uint8Array.from(bytes.slice(at, at + size))));
          at += size;
        }
        assert(assembler.between);
        assertEquals(frames.map((frame) => decodeMessage(frame, route)), MESSAGES);
      }),
    );
  });

  it("show every single flipped bit", () => {
    const bytes = wireBytes(encodeMessage(MESSAGES[1]!));
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assertThrows(() => frameOf(flipped), DecodeError);
    }
  });

  it("that announce too much cost nothing and are refused", () => {
    const assembler = new FrameAssembler({ maxBodyBytes: 1000 });
    const header = encodeMessage(MESSAGES[0]!).head.slice(0, 20);
    header.set([0xe9, 3, 0, 0], 8);
    const error = assertThrows(() => assembler.push(header), DecodeError);
    assertEquals(error.reason, "limit");
  });

  it("refuse what a sender cannot mean", () => {
    const append = MESSAGES[1] as AppendMessage;
    const refused = (message: Message) =>
      assertThrows(
        () => decodeMessage(frameOf(wireBytes(encodeMessage(message))), route),
        DecodeError,
      );
    refused({ ...append, term: 4 }); // an entry of a later term than the leader's
    refused({ ...append, prevTerm: 8 }); // terms fall
    refused({ ...append, prevIndex: Number.MAX_SAFE_INTEGER - 3 });
    const frame = frameOf(wireBytes(encodeMessage(append)));
    assertThrows(() => decodeMessage(frame, { ...route, version: 2 }), DecodeError);
    assertThrows(() => decodeMessage(frame, { ...route, maxEntryBytes: 15 }), DecodeError);
    assertThrows(() => decodeMessage({ ...frame, flags: 1 }, route), DecodeError);
    assertThrows(() => decodeMessage({ ...frame, type: 200 }, route), DecodeError);
  });

  it("share the body of entries that go to many", () => {
    const entries = new EntriesEncoder();
    const log = entriesAfter(41, 20, 16);
    const append = { ...MESSAGES[1] as AppendMessage, entries: log };
    const one = encodeMessage(append, { entries });
    const two = encodeMessage({ ...append, to: "c", commit: 41, entries: [...log] }, { entries });
    const three = encodeMessage({ ...append, to: "c", entries: log.slice(0, 5) }, { entries });
    assert(one.body === two.body);
    assert(one.body !== three.body);
    entries.clear();
    assert(encodeMessage(append, { entries }).body !== one.body);
  });
});

describe("raft hello", () => {
  const hello: Hello = {
    versions: [1, 1],
    lane: "control",
    cluster: "prod",
    ...route,
    address: "h:1",
    storage: "5a",
  };
  const self = { cluster: "prod", id: "b", storage: "5b" };
  const accepted = { ok: true, version: 1, storage: "5b" } as const;

  it("survives the wire", () => {
    assertEquals(decodeHello(frameOf(encodeHello(hello))), hello);
    assertEquals(decodeHelloReply(frameOf(encodeHelloReply(accepted))), accepted);
  });

  it("is answered with the newest common version", () => {
    assertEquals(answerHello(hello, self), accepted);
    assertEquals(answerHello({ ...hello, versions: [1, 9] }, self), accepted);
  });

  it("is refused for another cluster first, then another node, then another version", () => {
    const reason = (over: Partial<Hello>) => {
      const reply = answerHello({ ...hello, ...over }, self);
      return reply.ok ? "" : reply.reason;
    };
    assertEquals(reason({ cluster: "test", to: "x", versions: [7, 9] }), "cluster");
    assertEquals(reason({ to: "x", versions: [7, 9] }), "wrongNode");
    assertEquals(reason({ from: "b", versions: [7, 9] }), "wrongNode");
    assertEquals(reason({ versions: [7, 9] }), "version");
    assertEquals(reason({ versions: [0, 0] }), "version");
  });
});

describe("raft wire, fuzzed", () => {
  for (const target of raftTargets) {
    it(target.name, () => {
      const seed = 20_260;
      const random = seededRandom(seed);
      let accepted = 0;
      for (const bytes of target.seeds) assert(target.run(bytes, () => 0), "a seed is accepted");
      for (let i = 0; i < 3_000; i++) {
        const bytes = fuzzInput(target.seeds, random);
        try {
          if (target.run(bytes, random)) accepted += 1;
        } catch (error) {
          throw new Error(`seed ${seed}, input ${i}: ${bytes}`, { cause: error });
        }
      }
      assert(accepted > 0, "the fuzzer reaches what lies behind the checksums");
    });
  }
});
