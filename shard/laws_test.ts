import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import {
  compareBytes,
  naiveMultiprobeOwners,
  naiveRendezvousOwners,
  naiveRingOwners,
  naiveTokens,
  naiveXxh64,
} from "./_harness_naive.ts";
import { md5 } from "./hash/md5.ts";
import { sha256 } from "./hash/sha256.ts";
import {
  type Algorithm,
  bounded,
  fnv1a,
  jump,
  maglev,
  multiprobe,
  murmur3,
  NotEnoughNodesError,
  type Placement,
  rendezvous,
  ring,
  stringKey,
} from "./mod.ts";

const SEED = 20260103;
const TOKENS = 40;

const algorithms: readonly Algorithm[] = [
  ring({ tokens: TOKENS }),
  rendezvous(),
  multiprobe(),
  jump(),
  maglev({ tableSize: 251 }),
  bounded({ tokens: TOKENS }),
];

const name = fc.oneof(
  fc.stringMatching(/^node-[0-9]{1,2}$/),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
  fc.string({ unit: "binary", minLength: 1, maxLength: 6 }),
).map((text) => text.toWellFormed());
const names = fc.array(name, { minLength: 1, maxLength: 24 });
const key = fc.oneof(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), fc.string({ maxLength: 40 }));
const keys = fc.array(key, { minLength: 1, maxLength: 20 });

/** Owners of a key in full. */
function order(placement: Placement, sought: bigint | string): readonly string[] {
  return placement.owners(sought, placement.nodes.length);
}

function unique(list: readonly string[]): string[] {
  return [...new Set(list)];
}

describe("optimised equals naive", () => {
  const asKey = (sought: bigint | string) =>
    typeof sought === "string" ? stringKey(sought) : sought;

  it("ring().owners() equals a sort of all tokens and a walk", () => {
    fc.assert(
      fc.property(names, keys, (nodes, lookups) => {
        const placement = ring({ tokens: 7 }).place(nodes);
        const tokens = naiveTokens(nodes, 7);
        for (const sought of [...lookups, ...tokens.slice(0, 3).map(({ token }) => token)]) {
          for (const count of [1, Math.ceil(placement.nodes.length / 2), placement.nodes.length]) {
            assertEquals(
              placement.owners(sought, count),
              naiveRingOwners(tokens, asKey(sought), count),
            );
          }
        }
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  it("ring().owners() equals naive at 300 tokens, where the appended byte wraps", () => {
    const nodes = ["a", "b", "c", "d"];
    const tokens = naiveTokens(nodes, 300);
    const placement = ring({ tokens: 300 }).place(nodes);
    for (let i = 0; i < 200; i++) {
      const sought = stringKey(`key:${i}`);
      assertEquals(placement.owners(sought, 3), naiveRingOwners(tokens, sought, 3));
    }
  });

  it("ring().owners() equals naive at every token and beside it, however unevenly tokens lie", () => {
    const nodes = ["a", "b", "c", "d"];
    const families: readonly [string, (hash: bigint) => bigint][] = [
      ["even", (hash) => hash],
      ["in one word", (hash) => hash & 0xffn | 0x1234_5678_0000_0000n],
      [
        "pairs of high words that differ in their last bit",
        (hash) => hash & 0x1_0000_000fn | 7n << 40n,
      ],
      ["in two heaps", (hash) => hash & 0x8000_00ff_0000_0001n],
      ["at the end", (hash) => hash | 0xffff_fff0_0000_0000n],
    ];
    for (const [called, of] of families) {
      const hash = { name: called, hash: (bytes: Uint8Array) => of(naiveXxh64(bytes)) };
      const tokens = naiveTokens(nodes, 60, hash.hash);
      const placement = ring({ tokens: 60, hash }).place(nodes);
      for (const { token } of tokens) {
        for (const step of [-(1n << 32n), -1n, 0n, 1n, 1n << 32n]) {
          const sought = BigInt.asUintN(64, token + step);
          assertEquals(
            placement.owners(sought, 3),
            naiveRingOwners(tokens, sought, 3),
            `${called}: ${sought}`,
          );
        }
      }
    }
  });

  it("rendezvous().owners() equals a sort of all scores", () => {
    fc.assert(
      fc.property(names, keys, (nodes, lookups) => {
        const placement = rendezvous().place(nodes);
        for (const sought of lookups) {
          for (const count of [1, placement.nodes.length]) {
            assertEquals(
              placement.owners(sought, count),
              naiveRendezvousOwners(nodes, asKey(sought), count),
            );
          }
        }
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  it("multiprobe().owners() equals a search of all tokens for each probe", () => {
    fc.assert(
      fc.property(names, keys, (nodes, lookups) => {
        const placement = multiprobe().place(nodes);
        for (const sought of lookups) {
          const count = placement.nodes.length;
          assertEquals(
            placement.owners(sought, count),
            naiveMultiprobeOwners(nodes, asKey(sought), count),
          );
        }
      }),
      { seed: SEED, numRuns: 60 },
    );
  });
});

describe("laws of every algorithm", () => {
  for (const algorithm of algorithms) {
    const called = `${algorithm.name}()`;

    it(`${called} order and duplicates of nodes do not matter`, () => {
      fc.assert(
        fc.property(names, keys, (nodes, lookups) => {
          const a = algorithm.place(nodes);
          const b = algorithm.place([...nodes, ...nodes].reverse());
          assertEquals(a.nodes, b.nodes);
          assertEquals(a.nodes, unique(nodes).sort(compareBytes));
          for (const sought of lookups) assertEquals(order(a, sought), order(b, sought));
        }),
        { seed: SEED, numRuns: 40 },
      );
    });

    it(`${called} owners are distinct nodes, and fewer owners are a prefix of more`, () => {
      fc.assert(
        fc.property(names, keys, (nodes, lookups) => {
          const placement = algorithm.place(nodes);
          for (const sought of lookups) {
            const all = order(placement, sought);
            assertEquals([...all].sort(compareBytes), [...placement.nodes]);
            for (let count = 0; count <= all.length; count++) {
              const owners = placement.owners(sought, count);
              assertEquals(owners, all.slice(0, count));
              assert(Object.isFrozen(owners));
            }
          }
        }),
        { seed: SEED, numRuns: 25 },
      );
    });

    it(`${called} a derived placement equals one made from nothing, and the old one stays`, () => {
      fc.assert(
        fc.property(names, fc.array(fc.tuple(fc.boolean(), name), { maxLength: 12 }), keys, (
          nodes,
          changes,
          lookups,
        ) => {
          let placement = algorithm.place(nodes);
          const first = placement;
          const before = lookups.map((sought) => order(first, sought));
          const set = new Set(nodes);
          for (const [joins, node] of changes) {
            placement = joins ? placement.with(node) : placement.without(node);
            if (joins) set.add(node);
            else set.delete(node);
          }
          const fresh = algorithm.place(set);
          const updated = first.update(set);
          assertEquals(placement.nodes, fresh.nodes);
          for (const sought of lookups) {
            assertEquals(order(placement, sought), order(fresh, sought));
            assertEquals(order(updated, sought), order(fresh, sought));
          }
          assertEquals(lookups.map((sought) => order(first, sought)), before);
          assert(Object.isFrozen(placement) && Object.isFrozen(placement.nodes));
        }),
        { seed: SEED, numRuns: 40 },
      );
    });

    it(`${called} project() gives the same owners as values of the caller's`, () => {
      fc.assert(
        fc.property(names, keys, (nodes, lookups) => {
          const placement = algorithm.place(nodes);
          const values = new Map(placement.nodes.map((node) => [node, { node }]));
          const locator = placement.project((node) => values.get(node)!);
          const count = placement.nodes.length;
          for (const sought of lookups) {
            const owners = locator.lookup(sought, count);
            assertEquals(owners.map(({ node }) => node), [...order(placement, sought)]);
            assertStrictEquals(owners[0], values.get(order(placement, sought)[0]!));
          }
        }),
        { seed: SEED, numRuns: 20 },
      );
    });

    it(`${called} spreadZones uses every zone as evenly as its size allows`, () => {
      fc.assert(
        fc.property(
          fc.uniqueArray(name, { minLength: 1, maxLength: 16 }),
          fc.infiniteStream(fc.constantFrom("east", "west", "north", undefined)),
          keys,
          (nodes, zones, lookups) => {
            const zoneOf = new Map<string, string>();
            const specs = nodes.map((node) => {
              const zone = zones.next().value;
              zoneOf.set(node, zone ?? `alone:${node}`);
              return zone === undefined ? node : { name: node, zone };
            });
            const placement = algorithm.place(specs);
            for (const sought of lookups) {
              const plain = order(placement, sought);
              for (let count = 1; count <= nodes.length; count++) {
                const spread = placement.owners(sought, count, { spreadZones: true });
                assertEquals(spread, naiveSpread(plain, zoneOf).slice(0, count));
                assert(Object.isFrozen(spread));
              }
            }
          },
        ),
        { seed: SEED, numRuns: 20 },
      );
    });

    it(`${called} refuses counts that are no counts and more owners than nodes`, () => {
      const placement = algorithm.place(["a", "b"]);
      for (const count of [-1, 0.5, NaN, Infinity, -Infinity]) {
        const error = assertThrows(() => placement.owners("k", count), RangeError);
        assertEquals(
          error.message,
          `Cannot look up owners as 'count' must be a non-negative integer: current value is ${count}`,
        );
      }
      for (const sought of [-1n, 1n << 64n]) {
        assertThrows(() => placement.owners(sought, 1), RangeError, "unsigned 64-bit integer");
        assertThrows(() => placement.owners(sought, 0), RangeError, "unsigned 64-bit integer");
      }
      const error = assertThrows(() => placement.owners("k", 3), NotEnoughNodesError);
      assertInstanceOf(error, NotEnoughNodesError);
      assertEquals(error.message, "not enough nodes: need at least 3, have 2");
      assertEquals([error.name, error.need, error.have], ["NotEnoughNodesError", 3, 2]);
    });

    it(`${called} works with no node at all`, () => {
      const none = algorithm.place([]);
      assertEquals(none.nodes, []);
      assertEquals(none.owners("k", 0), []);
      assertThrows(() => none.owners("k", 1), NotEnoughNodesError, "need at least 1, have 0");
      assertEquals(none.with("a").owners("k", 1), ["a"]);
      assertEquals(none.with("a").without("a").nodes, []);
      assertStrictEquals(none.without("a"), none);
    });

    it(`${called} takes names of any kind and length`, () => {
      const odd = [
        "",
        "x",
        "n".repeat(128),
        "n".repeat(10_000),
        "京".repeat(10_000),
        "\u0000\u0001\n\r\t\u007f",
        "\ud800",
        "\udc00",
        "\ufffd",
        "\u{1f642}",
        "\uffff",
      ];
      const placement = algorithm.place(odd);
      const again = algorithm.place(odd.toReversed());
      assertEquals(placement.nodes.length, odd.length);
      for (let i = 0; i < 50; i++) {
        const owners = order(placement, `key:${i}`);
        assertEquals(owners, order(again, `key:${i}`));
        assertEquals(new Set(owners).size, odd.length);
      }
    });

    it(`${called} key and text of one hash have the same owners`, () => {
      const placement = algorithm.place(["a", "b", "c", "d", "e"]);
      for (let i = 0; i < 100; i++) {
        assertEquals(placement.owners(stringKey(`k${i}`), 5), placement.owners(`k${i}`, 5));
      }
    });
  }
});

describe("other hash families", () => {
  const own = {
    name: "sum",
    bits: 32 as const,
    hash: (bytes: Uint8Array) => BigInt(bytes.reduce((sum, byte) => sum * 31 + byte | 0, 7)),
  };

  it("every algorithm takes every family, and derived placements stay equal to fresh ones", () => {
    for (const hash of [md5, sha256, fnv1a, murmur3, own]) {
      const all = [
        ring({ tokens: 16, hash }),
        rendezvous({ hash }),
        multiprobe({ hash }),
        jump({ hash }),
        maglev({ hash, tableSize: 97 }),
        bounded({ tokens: 16, hash }),
      ];
      for (const algorithm of all) {
        const nodes = Array.from({ length: 12 }, (_, i) => `node-${i}`);
        const fresh = algorithm.place(nodes);
        const derived = algorithm.place(nodes.slice(1)).with("other").with(nodes[0]!)
          .without("other");
        assertStrictEquals(fresh.hash, hash);
        for (let i = 0; i < 40; i++) {
          const what = `${algorithm.name} with ${hash.name}`;
          assertEquals(order(derived, `key:${i}`), order(fresh, `key:${i}`), what);
          assertEquals(new Set(order(fresh, `key:${i}`)).size, 12, what);
        }
      }
    }
  });

  it("ring() with a family that maps everything to one token still orders by name", () => {
    const constant = { name: "constant", hash: () => 42n };
    const placement = ring({ tokens: 100, hash: constant }).place(["b", "c", "a"]);
    assertEquals(placement.owners("k", 3), ["a", "b", "c"]);
    assertEquals(placement.with("aa").owners("k", 4), ["a", "aa", "b", "c"]);
    assertEquals(placement.without("a").owners("k", 2), ["b", "c"]);
  });

  it("ring() with a family without streams makes the same tokens as with streams", () => {
    const plain = { name: "plain", bits: 64 as const, hash: sha256.hash };
    const a = ring({ tokens: 300, hash: plain }).place(["a", "b", "c"]);
    const b = ring({ tokens: 300, hash: sha256 }).place(["a", "b", "c"]);
    for (let i = 0; i < 100; i++) assertEquals(order(a, `key:${i}`), order(b, `key:${i}`));
  });
});

function naiveSpread(plain: readonly string[], zoneOf: ReadonlyMap<string, string>): string[] {
  const rounds: string[][] = [];
  const used = new Map<string, number>();
  for (const node of plain) {
    const round = used.get(zoneOf.get(node)!) ?? 0;
    used.set(zoneOf.get(node)!, round + 1);
    (rounds[round] ??= []).push(node);
  }
  return rounds.flat();
}
