import { assertEquals, assertThrows } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding";
import fc from "fast-check";
import { describe, it } from "node:test";
import {
  localState,
  localStateVectors,
  stateMessage,
  stateVectors,
  vector,
  vectorBytes,
} from "./_harness_vectors.ts";
import {
  decodeLocalState,
  decodeStateMessage,
  encodeLocalState,
  encodeStateMessage,
} from "./ckit.ts";
import { DecodeError } from "./decode_error.ts";

const SEED = 20_260_226;

describe("encodeStateMessage()", () => {
  for (const [id, message] of stateVectors) {
    it(`encodeStateMessage() equals ${id}, both ways: ${vector(id).content} (C-27, C-57)`, () => {
      assertEquals(encodeHex(encodeStateMessage(message)), vector(id).hex);
      assertEquals(decodeStateMessage(vectorBytes(id)), message);
    });
  }

  it("decodeStateMessage() refuses short payloads, other magic and other types (C-58)", () => {
    const body = vector("V-30").hex!.slice(6);
    for (const hex of ["", "1201", "ddff01" + body, "120100" + body, "120196" + body, "120101"]) {
      assertThrows(() => decodeStateMessage(decodeHex(hex)), DecodeError);
    }
  });

  it("decodeStateMessage() keeps unknown states, and refuses what it could not pass on", () => {
    const of = (state: string): string => "12010181a84e65775374617465" + state;
    assertEquals(decodeStateMessage(decodeHex(of("cd0100"))).newState, 256);
    assertThrows(
      () => decodeStateMessage(decodeHex(of("cf0020000000000000"))),
      DecodeError,
    );
  });

  it("decodeStateMessage() is the inverse of encodeStateMessage()", () => {
    fc.assert(
      fc.property(stateMessage, (message) => {
        assertEquals(decodeStateMessage(encodeStateMessage(message)), message);
      }),
      { seed: SEED },
    );
  });

  it("encodeStateMessage() refuses times and states that do not fit", () => {
    const message = stateVectors[0]![1];
    assertThrows(() => encodeStateMessage({ ...message, time: 2n ** 64n }), RangeError);
    assertThrows(() => encodeStateMessage({ ...message, newState: -1 }), RangeError);
  });
});

describe("encodeLocalState()", () => {
  for (const [id, state] of localStateVectors) {
    it(`encodeLocalState() equals ${id}, both ways: ${vector(id).content}`, () => {
      assertEquals(encodeHex(encodeLocalState(state)), vector(id).hex);
      assertEquals(decodeLocalState(vectorBytes(id)), state);
    });
  }

  it("decodeLocalState() is the inverse of encodeLocalState()", () => {
    fc.assert(
      fc.property(localState, (state) => {
        assertEquals(decodeLocalState(encodeLocalState(state)), state);
      }),
      { seed: SEED },
    );
  });

  it("decodeLocalState() accepts no entries as nil, and refuses too many", () => {
    const empty = { currentTime: 0n, nodeStates: [] };
    assertEquals(decodeLocalState(decodeHex("81aa4e6f6465537461746573c0")), empty);
    assertEquals(decodeLocalState(decodeHex("c0")), empty);
    const three = decodeHex("81aa4e6f646553746174657393c0c0c0");
    assertEquals(decodeLocalState(three, { maxNodes: 3 }).nodeStates.length, 3);
    const error = assertThrows(
      () => decodeLocalState(three, { maxNodes: 2 }),
      DecodeError,
    ) as DecodeError;
    assertEquals(error.reason, "limit");
  });

  it("decodeLocalState() refuses every truncation, and lies about lengths", () => {
    const bytes = vectorBytes("V-35");
    for (let end = 0; end < bytes.length; end++) {
      assertThrows(() => decodeLocalState(bytes.subarray(0, end)), DecodeError);
    }
    assertThrows(
      () => decodeLocalState(decodeHex("81aa4e6f6465537461746573ddffffffff80")),
      DecodeError,
    );
  });
});
