import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import * as shard from "./mod.ts";

/** A function of the module as a caller without types sees it. */
const call = (name: string) =>
  shard[name as keyof typeof shard] as unknown as (...args: unknown[]) => unknown;
const place = (name: string, node: unknown) =>
  (call(name)() as { place(nodes: unknown): unknown }).place([node]);

const factories: Readonly<Record<string, string>> = {
  ring: "create a ring",
  rendezvous: "create rendezvous hashing",
  multiprobe: "create multiprobe hashing",
  jump: "create jump hashing",
  maglev: "create a maglev table",
  bounded: "bound loads",
};

describe("options", () => {
  for (const [name, action] of Object.entries(factories)) {
    it(`${name}() refuses an option that does not exist, by name, and options that are none`, () => {
      assertThrows(
        () => call(name)({ token: 5 }),
        TypeError,
        `Cannot ${action} as there is no option 'token': known are `,
      );
      for (const options of [null, 5, "tokens"]) {
        assertThrows(
          () => call(name)(options),
          TypeError,
          `Cannot ${action} as 'options' must be an object: current value is ${options}`,
        );
      }
      for (const hash of [null, "xxh64", {}, { name: "x", bits: 16, hash: () => 0n }]) {
        assertThrows(() => call(name)({ hash }), TypeError, "'hash' must be a hash family");
      }
    });

    it(`${name}() refuses nodes and keys of the wrong kind`, () => {
      for (const node of [null, undefined, 5, {}, { name: 5 }]) {
        assertThrows(() => place(name, node), TypeError, "'name' must be a text");
      }
      assertThrows(() => place(name, { name: "a", zone: 1 }), TypeError, "'zone' must be a text");
      for (const weight of ["1", null, {}]) {
        assertThrows(() => place(name, { name: "a", weight }), RangeError, "'weight'");
      }
      const placement = place(name, "a") as shard.Placement;
      for (const key of [5, null, undefined, {}]) {
        assertThrows(() => placement.owners(key as string, 1), TypeError, "'key' must be a bigint");
      }
      for (const count of ["1", "x", null]) {
        assertThrows(
          () => placement.owners("k", count as unknown as number),
          RangeError,
          "'count'",
        );
      }
    });
  }

  it("numbers that are texts, missing or huge are refused", () => {
    for (const value of ["5", null, NaN, 1e308, Infinity, -0.5]) {
      assertThrows(() => call("ring")({ tokens: value }), RangeError, "'tokens'");
      assertThrows(() => call("ring")({ cachedLists: value }), RangeError, "'cachedLists'");
      assertThrows(() => call("maglev")({ tableSize: value }), RangeError, "'tableSize'");
      assertThrows(() => call("bounded")({ loadFactor: value }), RangeError, "'loadFactor'");
      const a = shard.rendezvous().place(["a"]);
      assertThrows(() => call("movement")(a, a, { samples: value }), RangeError, "'samples'");
    }
    for (const caps of [null, [["a", 1]], { a: 1 }]) {
      assertThrows(() => call("bounded")({ caps }), TypeError, "'caps' must be a Map");
    }
  });

  it("movement() and sharder() refuse options that do not exist", () => {
    const a = shard.ring({ tokens: 1 }).place(["a"]);
    assertThrows(() => call("movement")(a, a, { sample: 5 }), TypeError, "no option 'sample'");
    const algorithm = shard.ring({ tokens: 1 });
    assertThrows(
      () => call("sharder")(algorithm, [], { zones: 5 }),
      TypeError,
      "no option 'zones'",
    );
    const owners = shard.sharder(algorithm, []);
    assertThrows(() => owners.lookup("k", 0, "write" as "read"), TypeError, "'op' must be read");
    const odd = { name: "a", addr: "a:1", self: false, state: "gone" };
    assertThrows(() => call("sharder")(algorithm, [odd]), TypeError, "'state' must be viewer or");
  });

  it("peerJson() has ckit's fields, frozen", () => {
    const json = shard.peerJson({ name: "a", addr: "a:1", self: true, state: "viewer" });
    assertEquals(JSON.stringify(json), `{"name":"a","addr":"a:1","isSelf":true,"state":"viewer"}`);
    assert(Object.isFrozen(json));
  });
});
