import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding";
import fc from "fast-check";
import { describe, it } from "node:test";
import { FrameReader } from "../../../transport/frame.ts";
import type { StreamMessage } from "../messages.ts";
import { pushPullVector, streamMessage, vector, vectorBytes } from "./_harness_vectors.ts";
import type { CodecOptions } from "./codec_options.ts";
import { encodeCompressed } from "./compress.ts";
import { DecodeError } from "./decode_error.ts";
import { Keyring } from "./keyring.ts";
import { MsgpackWriter } from "./msgpack_writer.ts";
import { encodePushPull } from "./push_pull.ts";
import { StreamCodec } from "./stream.ts";
import { encodeStreamMessage } from "./stream_messages.ts";

const SEED = 20_260_226;
const KEY = new TextEncoder().encode("0123456789abcdef");
const request = { label: true };
const reply = { label: false };

function codec(options: Partial<CodecOptions> = {}): StreamCodec {
  return new StreamCodec({ random: () => 0.3, ...options });
}

/** Reads `bytes` in pieces; `undefined` when the message never became whole. */
function cut(
  one: StreamCodec,
  bytes: Uint8Array,
  { label, step = 1 }: { readonly label: boolean; readonly step?: number },
): Uint8Array | undefined {
  const reader = one.reader({ label });
  for (let at = 0; at < bytes.length; at += step) {
    if (reader.push(bytes.subarray(at, at + step))) return reader.bytes;
  }
  return undefined;
}

function refused(one: StreamCodec, hex: string, direction = reply): DecodeError {
  const bytes = decodeHex(hex);
  const error = assertThrows(() => one.open(bytes, direction), DecodeError) as DecodeError;
  // The reader does not wait for more, and what it cut out is refused for the same reason.
  const part = cut(one, bytes, direction);
  if (part !== undefined) {
    const again = assertThrows(() => one.open(part, direction), DecodeError) as DecodeError;
    assertEquals([again.reason, again.answer], [error.reason, error.answer]);
  }
  return error;
}

describe("encodePushPull()", () => {
  it("encodePushPull() equals V-37, with V-15's form of header and V-19's of entries", () => {
    assertEquals(encodeHex(encodePushPull(pushPullVector)), vector("V-37").hex);
    assertEquals(codec().open(vectorBytes("V-37"), reply), pushPullVector);
    const left = { ...pushPullVector.nodes[0]!, state: 3 };
    const hex = encodeHex(encodePushPull({ ...pushPullVector, nodes: [left] }));
    assert(hex.includes(vector("V-19").hex!));
  });

  for (
    const [id, join, nodes, userStateBytes] of [
      ["V-15", true, 2, 300],
      ["V-16", false, 200, 100_000],
      ["V-17", false, 128, 32_768],
    ] as const
  ) {
    it(`encodePushPull() starts with ${id}: ${vector(id).content} (C-23)`, () => {
      const message = {
        type: "pushPull" as const,
        join,
        nodes: Array.from({ length: nodes }, () => pushPullVector.nodes[0]!),
        userState: new Uint8Array(userStateBytes),
      };
      const bytes = encodePushPull(message);
      assert(encodeHex(bytes).startsWith(vector(id).hex!));
      assertEquals(codec().open(bytes, reply), message);
    });
  }

  it("encodePushPull() refuses numbers outside their field", () => {
    const node = pushPullVector.nodes[0]!;
    for (const change of [{ port: 65_536 }, { incarnation: 2 ** 32 }, { port: -1 }]) {
      assertThrows(
        () => encodePushPull({ ...pushPullVector, nodes: [{ ...node, ...change }] }),
        RangeError,
      );
    }
  });
});

describe("StreamCodec", () => {
  it("seal() equals V-38, V-42, V-08 and V-18", () => {
    assertEquals(encodeHex(codec().seal(pushPullVector, reply)), vector("V-38").hex);
    const ack: StreamMessage = { type: "ack", seqNo: 77, payload: undefined };
    assertEquals(encodeHex(codec().seal(ack, reply)), vector("V-42").hex);
    const error: StreamMessage = { type: "error", error: "EOF" };
    assertEquals(encodeHex(codec({ compression: false }).seal(error, reply)), vector("V-08").hex);
    const user: StreamMessage = { type: "user", payload: new Uint8Array(200).fill(1) };
    const hex = encodeHex(codec({ compression: false }).seal(user, reply));
    assertEquals(hex, vector("V-18").hex + "01".repeat(200));
    for (const message of [pushPullVector, ack, error, user]) {
      assertEquals(codec().open(codec().seal(message, reply), reply), message);
    }
  });

  it("seal() gives the stream of V-39, and open() reads it out of its frames", () => {
    const prod = codec({ label: "prod" });
    const content = new FrameReader({ maxFrameBytes: 1_000 }).push(vectorBytes("V-39"))
      .map(encodeHex).join("");
    assertEquals(encodeHex(prod.seal(pushPullVector, request)), content);
    assertEquals(prod.open(decodeHex(content), request), pushPullVector);
  });

  it("open() accepts both compressed and not (C-41)", () => {
    assertEquals(codec().open(vectorBytes("V-37"), reply), pushPullVector);
    assertEquals(codec({ compression: false }).open(vectorBytes("V-38"), reply), pushPullVector);
  });

  it("open() refuses other labels in silence, and any in an answer (C-44)", () => {
    const prod = codec({ label: "prod" });
    const body = vector("V-42").hex!;
    for (const hex of [body, "f40570726f6432" + body, "f400" + body, "f4", "f405ab"]) {
      const error = refused(prod, hex, request);
      assertEquals([error.reason, error.answer], ["label", undefined]);
    }
    assertEquals(refused(codec(), "f40470726f64" + body, request).reason, "label");
    assertEquals(refused(prod, "f40470726f64" + body, reply).reason, "type");
  });

  it("open() refuses unknown types and broken bodies in silence (C-48, C-50)", () => {
    for (
      const [hex, reason] of [["ff", "type"], ["01", "type"], ["07", "type"], ["0605", "decode"]]
    ) {
      const error = refused(codec(), hex!);
      assertEquals([error.reason, error.answer], [reason, undefined]);
    }
    for (const hex of ["", "06", "0681a54e6f64657301"]) {
      assertEquals(refused(codec(), hex).answer, undefined);
    }
  });

  it("open() has an answer for what fails up to decompression (C-49)", () => {
    const encrypted = refused(codec(), "0a0000000501020304ff");
    assertEquals(encrypted.reason, "decrypt");
    assert(encrypted.answer!.includes("encrypted"));
    for (
      const hex of [
        "0905",
        "0982a4416c676f01a3427566a3000302",
        "0982a4416c676f00a3427566a1ff",
        vector("V-20").hex!,
      ]
    ) {
      assert(refused(codec(), hex).answer !== undefined);
    }
    // Only one level of compression.
    const twice = encodeHex(encodeCompressed(vectorBytes("V-42")));
    const error = refused(codec(), twice);
    assertEquals([error.reason, error.answer], ["type", undefined]);
  });

  it("open() refuses numbers beyond the limits, and the reader stops at once (C-51)", () => {
    const header = (nodes: number, userStateBytes: number): Uint8Array => {
      const writer = new MsgpackWriter();
      writer.byte(6);
      writer.mapHeader(2);
      writer.string("Nodes");
      writer.int(nodes);
      writer.string("UserStateLen");
      writer.int(userStateBytes);
      return writer.finish();
    };
    const mebibyte = 1 << 20;
    for (
      const bytes of [
        header(-1, 0),
        header(2_000_000, 0),
        header(0, -1),
        header(0, 21 * mebibyte),
        decodeHex("0881aa557365724d73674c656ed201500000"),
        decodeHex("0881aa557365724d73674c656eff"),
      ]
    ) {
      const error = assertThrows(() => codec().open(bytes, reply), DecodeError) as DecodeError;
      assertEquals([error.reason, error.answer], ["limit", undefined]);
      assertThrows(() => cut(codec(), bytes, reply), RangeError);
    }
    assertThrows(() => codec().open(header(1_048_576, 20 * mebibyte), reply), DecodeError, "early");
    assertEquals(cut(codec(), header(1_048_576, 20 * mebibyte), reply), undefined);
  });

  it("open() keeps version arrays of any length for the core to judge (C-52)", () => {
    for (const size of [0, 3, 7]) {
      const node = { ...pushPullVector.nodes[0]!, vsn: new Uint8Array(size).fill(1) };
      const message = { ...pushPullVector, nodes: [node] };
      assertEquals(codec().open(codec().seal(message, reply), reply), message);
    }
  });

  it("open() bounds what a message inflates to (C-31)", () => {
    const bomb = encodeCompressed(new Uint8Array(100_001));
    const error = assertThrows(
      () => codec({ limits: { maxInflatedBytes: 100_000 } }).open(bomb, reply),
      DecodeError,
    ) as DecodeError;
    assertEquals(error.reason, "limit");
  });

  it("open() decrypts with any key, and answers what it cannot read", () => {
    const keyring = new Keyring([KEY]);
    const sender = codec({ label: "prod", keyring });
    const both = codec({ label: "prod", keyring: new Keyring([new Uint8Array(32), KEY]) });
    for (const direction of [request, reply]) {
      const bytes = sender.seal(pushPullVector, direction);
      assertEquals(both.open(bytes, direction), pushPullVector);
      assertEquals(both.open(cut(both, bytes, direction)!, direction), pushPullVector);
      const other = codec({ label: "prod", keyring: new Keyring([new Uint8Array(16)]) });
      const error = assertThrows(() => other.open(bytes, direction), DecodeError) as DecodeError;
      assertEquals([error.reason, error.answer === undefined], ["decrypt", false]);
    }
    const plain = codec({ label: "prod" }).seal(pushPullVector, reply);
    assertEquals(refused(both, encodeHex(plain)).reason, "decrypt");
    const lenient = codec({ label: "prod", keyring, verifyIncoming: false });
    assertEquals(lenient.open(plain, reply), pushPullVector);
    assertEquals(lenient.open(cut(lenient, plain, reply)!, reply), pushPullVector);
    assertEquals(
      codec({ label: "prod", keyring, verifyOutgoing: false }).seal(pushPullVector, reply),
      plain,
    );
    assertThrows(() => both.reader(reply).push(decodeHex("0a01400001")), RangeError);
  });

  it("open() is the inverse of seal(), and reader() cuts out exactly the message", () => {
    fc.assert(
      fc.property(
        streamMessage,
        fc.constantFrom("", "prod"),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom(1, 2, 3, 7, 64, 1_000_000),
        (message, label, compression, encrypted, initiates, step) => {
          const keyring = encrypted ? new Keyring([KEY]) : undefined;
          const one = codec({ label, compression, keyring });
          const direction = { label: initiates };
          const bytes = one.seal(message, direction);
          assertEquals(one.open(bytes, direction), message);
          const longer = new Uint8Array(bytes.length + 3).fill(0xc1);
          longer.set(bytes);
          assertEquals(cut(one, longer, { ...direction, step }), bytes);
          assertEquals(cut(one, bytes.subarray(0, -1), { ...direction, step }), undefined);
        },
      ),
      { seed: SEED, numRuns: 300 },
    );
  });
});

describe("StreamReader", () => {
  it("push() takes a large message byte by byte in linear time", () => {
    const nodes = Array.from({ length: 3_000 }, () => pushPullVector.nodes[0]!);
    const bytes = encodePushPull({ ...pushPullVector, nodes });
    assert(bytes.length > 150_000);
    assertEquals(cut(codec(), bytes, reply), bytes);
    assertEquals(cut(codec(), codec().seal({ ...pushPullVector, nodes }, reply), reply)![0], 9);
  });

  it("push() refuses more than the limit, announced or sent", () => {
    const small = codec({ limits: { maxStreamBytes: 1_000 } });
    assertThrows(
      () => small.reader(reply).push(decodeHex("0982a4416c676f00a3427566db00000fff")),
      RangeError,
    );
    const nodes = Array.from({ length: 100 }, () => pushPullVector.nodes[0]!);
    const bytes = encodePushPull({ ...pushPullVector, nodes });
    assertThrows(() => cut(small, bytes, reply), RangeError);
    // A whole message is fine, whatever comes behind it in the same piece.
    const tail = new Uint8Array(2_000);
    tail.set(vectorBytes("V-42"));
    assertEquals(cut(small, tail, { label: false, step: 2_000 }), vectorBytes("V-42"));
  });

  it("push() allocates for what arrived, not for what is announced", () => {
    const readers = Array.from({ length: 500 }, () => codec().reader(reply));
    // 500 × 60 MiB would be 30 GB.
    for (const reader of readers) {
      assertEquals(reader.push(decodeHex("0982a4416c676f00a3427566db03c0000001")), false);
    }
  });

  it("push() stays true once it was", () => {
    const reader = codec().reader(reply);
    assert(reader.push(vectorBytes("V-42")));
    assert(reader.push(Uint8Array.of(1, 2, 3)));
    assertEquals(reader.bytes, vectorBytes("V-42"));
  });

  it("push() ends early only with bytes that open() refuses", () => {
    const message = encodeStreamMessage({ type: "error", error: "x" });
    const labelled = codec({ label: "prod" });
    for (const hex of ["0d", "f403", "f404707265", "ff"]) {
      const part = cut(labelled, decodeHex(hex + encodeHex(message)), request);
      assert(part !== undefined && part.length <= 6);
      assertThrows(() => labelled.open(part, request), DecodeError);
    }
  });
});
