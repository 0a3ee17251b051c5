import { assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { naiveXxh64, utf8 } from "../_harness_naive.ts";
import { Engine, engine } from "./_engine.ts";

const SEED = 20260104;

/** An engine as a runtime has it that knows nothing of js-string builtins. */
function engineWithoutBuiltins(): Engine {
  const of = WebAssembly as { Module: unknown };
  const Module = WebAssembly.Module;
  try {
    of.Module = function (bytes: BufferSource) {
      return new Module(bytes);
    };
    return new Engine();
  } finally {
    of.Module = Module;
  }
}

function hashed(by: Engine, text: string): bigint {
  const high = by.hashText(text);
  return BigInt(high) << 32n | BigInt(by.words[0]!);
}

const fast = engine();
const slow = engineWithoutBuiltins();
const skip = fast.run.hashAscii("") === -1 && "no js-string builtins in this runtime";

/** What a text can be inside an engine: flat or in pieces, of one byte a unit or of two, even where one would do. */
const shapes: readonly (readonly [string, (text: string) => string])[] = [
  ["flat", (text) => JSON.parse(JSON.stringify(text))],
  ["joined", (text) => text.slice(0, text.length / 2) + text.slice(text.length / 2)],
  ["cut out", (text) => `((((((((((((${text}))))))))))))`.slice(12, 12 + text.length)],
  ["cut out of wide text", (text) => `京京京京京京${text}京京京京京京`.slice(6, 6 + text.length)],
  ["wide and joined", (text) => `京${text}`.slice(1, 14) + text.slice(13)],
];

describe("the engine", () => {
  it("Engine.hashText() without builtins goes through JavaScript", () => {
    assertEquals(slow.run.hashAscii("a"), -1);
    assertEquals(hashed(slow, "a"), 0xd24ec4f1a98c6e5bn);
  });

  it("Engine.hashText() with builtins stays inside the instance for ASCII", { skip }, () => {
    assertNotEquals(fast.run.hashAscii("a"), -1);
    assertEquals(hashed(fast, "a"), 0xd24ec4f1a98c6e5bn);
  });

  it("Engine.hashText() equals a naive implementation at every length and in every shape", () => {
    const plain = Array.from({ length: 300 }, (_, i) => String.fromCharCode(i * 89 & 127)).join("");
    for (let length = 0; length <= 300; length++) {
      const text = plain.slice(0, length);
      const expected = naiveXxh64(utf8(text));
      for (const [shape, shaped] of shapes) {
        assertEquals(shaped(text), text);
        assertEquals(hashed(fast, shaped(text)), expected, `length ${length}, ${shape}`);
        assertEquals(hashed(slow, shaped(text)), expected, `length ${length}, ${shape}, slow`);
      }
    }
  });

  it("Engine.hashText() notices a unit beyond ASCII at every place, and forgets it", () => {
    const units = ["\u0080", "\u00ff", "\u0100", "\u0141", "\u8000", "\ud83d", "\udc00"];
    for (const length of [1, 7, 8, 9, 31, 32, 33, 47, 64, 70]) {
      const plain = "k".repeat(length);
      const expected = naiveXxh64(utf8(plain));
      for (let at = 0; at < length; at++) {
        const unit = units[at % units.length]!;
        const text = plain.slice(0, at) + unit + plain.slice(at + 1);
        assertEquals(hashed(fast, text), naiveXxh64(utf8(text)), `length ${length}, at ${at}`);
        assertEquals(hashed(fast, plain), expected, `length ${length}, after one at ${at}`);
      }
    }
  });

  it("Engine.hashText() is the same with and without builtins for any text", { skip }, () => {
    const text = fc.oneof(
      fc.string({ unit: "binary-ascii", maxLength: 300 }),
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 300 })
        .map((units) => String.fromCharCode(...units)),
      fc.string({ unit: "binary-ascii", minLength: 10_900, maxLength: 10_940 }),
    );
    fc.assert(
      fc.property(text, fc.constantFrom(...shapes), (flat, [, shaped]) => {
        assertEquals(hashed(fast, shaped(flat)), hashed(slow, flat));
        assertEquals(hashed(fast, flat.toWellFormed()), hashed(slow, flat));
      }),
      { seed: SEED, numRuns: 2_000 },
    );
  });
});
