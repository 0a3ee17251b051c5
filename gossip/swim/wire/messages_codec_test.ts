import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding";
import fc from "fast-check";
import { describe, it } from "node:test";
import type { Alive, PacketMessage, Ping } from "../messages.ts";
import { messageVectors, packetMessage, vector, vectorBytes } from "./_harness_vectors.ts";
import { DecodeError } from "./decode_error.ts";
import { decodeMessage, encodeMessage } from "./messages_codec.ts";

const SEED = 20_260_226;
const decode = (hex: string): PacketMessage => decodeMessage(decodeHex(hex));

describe("encodeMessage()", () => {
  for (const [id, message] of messageVectors) {
    it(`encodeMessage() equals ${id}: ${vector(id).content} (C-20, C-24)`, () => {
      assertEquals(encodeHex(encodeMessage(message)), vector(id).hex);
    });

    it(`decodeMessage() reads ${id}, and it encodes to the same bytes (C-21)`, () => {
      const decoded = decodeMessage(vectorBytes(id));
      assertEquals(decoded, message);
      assertEquals(encodeHex(encodeMessage(decoded)), vector(id).hex);
    });
  }

  it("encodeMessage() writes names of 31 and 32 bytes without str8 (C-22)", () => {
    const of = (node: string): string =>
      encodeHex(encodeMessage({ type: "suspect", incarnation: 1, node, from: "" }));
    assert(of("n".repeat(31)).includes(encodeHex(new TextEncoder().encode("Node")) + "bf6e"));
    assert(of("n".repeat(32)).includes(encodeHex(new TextEncoder().encode("Node")) + "da00206e"));
  });

  it("encodeMessage() refuses numbers outside their field", () => {
    for (const seqNo of [-1, 0.5, 2 ** 32, NaN]) {
      assertThrows(() => encodeMessage({ type: "nack", seqNo }), RangeError, "seqNo");
    }
    const alive = decodeMessage(vectorBytes("V-12")) as Alive;
    assertThrows(() => encodeMessage({ ...alive, port: 65_536 }), RangeError, "port");
  });

  it("decodeMessage() is the inverse of encodeMessage()", () => {
    fc.assert(
      fc.property(packetMessage, (message) => {
        assertEquals(decodeMessage(encodeMessage(message)), message);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

describe("decodeMessage()", () => {
  it("decodeMessage() accepts bin, str8, arrays of integers, other orders and unknown keys (C-25)", () => {
    const alive = decodeMessage(vectorBytes("V-12"));
    const [addr, incarnation, meta, node, port] = [
      "a441646472a40a000001",
      "ab496e6361726e6174696f6e01",
      "a44d657461c0",
      "a44e6f6465a161",
      "a4506f7274cd1f90",
    ];
    const vsn = "a356736ea6010502000000";
    for (
      const hex of [
        `0486${vsn}${port}${node}${meta}${incarnation}${addr}`,
        `0486${addr}${incarnation}${meta}${node}${port}a356736e96010502000000`,
        `0486a441646472c4040a000001${incarnation}${meta}d9044e6f6465d90161${port}${vsn}`,
        `0487${addr}${incarnation}${meta}${node}${port}a156c0${vsn}`,
        `0485${addr}${incarnation}${node}${port}${vsn}`,
        `04de0006${addr}ab496e6361726e6174696f6ed30000000000000001${meta}${node}${port}${vsn}`,
        `0487${addr}ab496e6361726e6174696f6e09${incarnation}${meta}${node}${port}${vsn}`,
        `0486${addr}${incarnation}${meta}${node}${port}${vsn}ffff`,
        "049601a161a40a000001cd1f90c0a6010502000000",
      ]
    ) {
      assertEquals(decode(hex), alive);
    }
    assertEquals((decode("0481a46e6f6465a161") as Alive).node, "");
  });

  it("decodeMessage() reads missing and nil fields as zero", () => {
    const zero: Ping = {
      type: "ping",
      seqNo: 0,
      node: "",
      sourceAddr: new Uint8Array(0),
      sourcePort: 0,
      sourceNode: "",
    };
    for (const hex of ["00c0", "0080", "0090", "0082a44e6f6465c0a55365714e6fc0"]) {
      assertEquals(decode(hex), zero);
    }
  });

  it("decodeMessage() refuses values outside their field (C-26)", () => {
    for (
      const hex of [
        "0481a4506f7274ce00010000",
        "0481ab496e6361726e6174696f6eff",
        "0481ab496e6361726e6174696f6ecf0000000100000000",
        "0481ab496e6361726e6174696f6ecb3ff0000000000000",
        "0481a44e6f646505",
        "0481a4506f7274a130",
        "0181a44e61636b02",
        "04",
        "0405",
        "0486a441",
      ]
    ) {
      const error = assertThrows(() => decode(hex), DecodeError) as DecodeError;
      assertEquals([error.reason, error.answer], ["decode", undefined]);
      assert(error.offset >= 0 && error.offset <= hex.length / 2);
    }
  });

  it("decodeMessage() refuses no type byte, and types that packets do not carry", () => {
    assertThrows(() => decode(""), DecodeError, "type byte is missing");
    for (const hex of ["06", "0d", "0a", "0c", "f4", "ff"]) {
      assertEquals((assertThrows(() => decode(hex), DecodeError) as DecodeError).reason, "type");
    }
  });

  it("decodeMessage() hands out frozen values that share no memory with the packet", () => {
    for (const id of ["V-01", "V-03", "V-06", "V-12"]) {
      const bytes = vectorBytes(id);
      const decoded = decodeMessage(bytes);
      bytes.fill(0xff);
      assertEquals(decoded, messageVectors.find(([one]) => one === id)![1]);
      assert(Object.isFrozen(decoded));
    }
  });

  it("decodeMessage() refuses every truncation of every vector", () => {
    for (const [id] of messageVectors) {
      const bytes = vectorBytes(id);
      for (let end = 0; end < bytes.length; end++) {
        assertThrows(() => decodeMessage(bytes.subarray(0, end)), DecodeError);
      }
    }
  });
});
