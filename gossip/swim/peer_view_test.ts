import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { compareNames, PeerView } from "./peer_view.ts";

const peer = (name: string, addr = "10.0.0.1:1") =>
  ({ name, addr, self: false, state: "viewer" }) as const;

describe("compareNames()", () => {
  it("orders as the UTF-8 bytes do, where UTF-16 does not", () => {
    assert(compareNames("\uffee", "\u{1f600}") < 0);
    assert("\uffee" > "\u{1f600}");
  });

  it("agrees with the bytes for all strings", () => {
    const encoder = new TextEncoder();
    const bytewise = (a: string, b: string) => {
      const [x, y] = [encoder.encode(a), encoder.encode(b)];
      for (let i = 0; i < Math.min(x.length, y.length); i++) {
        if (x[i] !== y[i]) return x[i]! - y[i]!;
      }
      return x.length - y.length;
    };
    const name = fc.string({
      unit: fc.constantFrom("a", "b", "é", "\ud7ff", "\ue000", "\uffee", "😀", "𐀀"),
    });
    fc.assert(
      fc.property(name, name, (a, b) => {
        assertEquals(Math.sign(compareNames(a, b)), Math.sign(bytewise(a, b)));
      }),
      { seed: 5, numRuns: 2000 },
    );
  });
});

describe("PeerView", () => {
  it("take() hands out sorted, frozen views, and only when they differ", () => {
    const view = new PeerView();
    assertEquals(view.take(), undefined);
    for (const name of ["b", "a", "c"]) view.set(peer(name));
    const first = view.take()!;
    assertEquals(first.map(({ name }) => name), ["a", "b", "c"]);
    assert(Object.isFrozen(first) && first.every((each) => Object.isFrozen(each)));
    view.set(peer("b"));
    assertEquals(view.take(), undefined);
    view.delete("b");
    view.set(peer("b"));
    assertEquals([view.take(), view.last === first], [undefined, true]);
    view.set(peer("b", "10.0.0.2:1"));
    view.delete("nobody");
    assertEquals(view.take()?.[1], peer("b", "10.0.0.2:1"));
    assertEquals(first[1], peer("b"));
  });
});
