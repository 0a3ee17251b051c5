import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { checkVectors, type Vectors } from "../tasks/vectors.ts";
import file from "../testdata/shard-vectors.json" with { type: "json" };

const vectors = file as Vectors;

describe("the golden vectors of grafana/ckit", () => {
  it("checkVectors() finds that every key, builder and lookup agrees", () => {
    assertEquals(checkVectors(vectors), {
      "keys": 200,
      "builders": 40,
      "ring lookups": 700,
      "clusters": 40,
      "rendezvous lookups": 650,
      "multiprobe lookups": 650,
    });
  });

  it("checkVectors() says which vector does not agree", () => {
    const [first] = vectors.keys!;
    assertThrows(
      () => checkVectors({ keys: [{ text: first!.text, hash: "0000000000000000" }] }),
      Error,
      "keys[0]: expected",
    );
    const cluster = vectors.clusters!.find(({ lookups }) => lookups[0]!.count === 2)!;
    const [lookup] = cluster.lookups;
    const wrong = { ...lookup!, owners: lookup!.owners!.toReversed() };
    assertThrows(
      () => checkVectors({ clusters: [{ ...cluster, lookups: [wrong] }] }),
      Error,
      "clusters[0].lookups[0]",
    );
  });

  it("checkVectors() does not take a file without vectors for one whose vectors agree", () => {
    for (const other of [{}, [], null, 7, { name: "@ck/cluster" }, { keys: [], clusters: [] }]) {
      assertThrows(() => checkVectors(other as Vectors), TypeError, "there must be some");
    }
    assertThrows(
      () => checkVectors({ keys: {} } as unknown as Vectors),
      TypeError,
      "'keys' must be a list: current value is {}",
    );
  });
});
