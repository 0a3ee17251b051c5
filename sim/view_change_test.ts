import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import type { Peer } from "../shard/peer.ts";
import { gained, lost } from "./view_change.ts";

const peer = (name: string): Peer => ({ name, addr: "a", self: false, state: "viewer" });

describe("lost() and gained()", () => {
  it("are the differences of the sets of names, whatever the order and whichever objects", () => {
    const shared = ["a", "b", "c", "d", "e", "f"].map(peer);
    const list = fc.uniqueArray(fc.tuple(fc.nat({ max: 5 }), fc.boolean()), {
      selector: ([i]) => i,
    })
      .map((picks) => picks.map(([i, same]) => same ? shared[i]! : peer(shared[i]!.name)));
    fc.assert(fc.property(list, list, (before, peers) => {
      const names = (of: readonly Peer[]) => new Set(of.map(({ name }) => name));
      const [old, now] = [names(before), names(peers)];
      assertEquals(names(lost({ before, peers })), old.difference(now));
      assertEquals(names(gained({ before, peers })), now.difference(old));
    }));
  });
});
