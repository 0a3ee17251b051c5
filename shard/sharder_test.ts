import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import {
  multiprobe,
  NotEnoughNodesError,
  type Peer,
  type PeerState,
  rendezvous,
  ring,
  sharder,
  xxh64,
} from "./mod.ts";

const SEED = 20260106;

function peer(name: string, state: PeerState = "participant", addr = `${name}:80`): Peer {
  return { name, addr, self: false, state };
}

const peers = fc.uniqueArray(
  fc.record({
    name: fc.stringMatching(/^[a-f]{1,2}$/),
    state: fc.constantFrom<PeerState>("viewer", "participant", "terminating"),
    addr: fc.constantFrom("h:1", "h:2"),
    self: fc.boolean(),
  }),
  { selector: ({ name }) => name, maxLength: 20 },
);

describe("sharder()", () => {
  it("sharder().lookup() asks participants and terminating peers for reads, participants for writes", () => {
    const owners = sharder(ring({ tokens: 32 }), [
      peer("a"),
      peer("b", "terminating"),
      peer("c", "viewer"),
      peer("d"),
    ]);
    const names = (list: readonly Peer[]) => list.map(({ name }) => name).sort();
    assertEquals(names(owners.lookup("k", 3, "read")), ["a", "b", "d"]);
    assertEquals(names(owners.lookup("k", 2, "readWrite")), ["a", "d"]);
    assertEquals(owners.lookup("k", 2), owners.lookup("k", 2, "readWrite"));
    assertThrows(() => owners.lookup("k", 3), NotEnoughNodesError, "need at least 3, have 2");
    assertThrows(
      () => owners.lookup("k", 4, "read"),
      NotEnoughNodesError,
      "need at least 4, have 3",
    );
    assertEquals(names(owners.peers), ["a", "b", "d"]);
    assertEquals(owners.lookup("k", 0), []);
  });

  it("sharder() places peers as the algorithm places their names", () => {
    for (const algorithm of [ring({ tokens: 32 }), rendezvous(), multiprobe()]) {
      const names = ["a", "b", "c", "d", "e"];
      const owners = sharder(algorithm, names.map((name) => peer(name)));
      const placement = algorithm.place(names);
      for (let i = 0; i < 100; i++) {
        assertEquals(owners.lookup(`k${i}`, 3).map(({ name }) => name), [
          ...placement.owners(`k${i}`, 3),
        ]);
      }
    }
  });

  it("sharder() results and peers are frozen, and changing what was given changes nothing", () => {
    const mine = { ...peer("a") };
    const owners = sharder(ring({ tokens: 8 }), [mine]);
    (mine as { addr: string }).addr = "elsewhere:1";
    const [owner] = owners.lookup("k", 1);
    assertEquals(owner!.addr, "a:80");
    for (const value of [owners, owners.peers, owners.lookup("k", 1), owner]) {
      assert(Object.isFrozen(value));
    }
  });

  it("sharder().withPeers() equals a sharder made from nothing, whatever came before", () => {
    for (const algorithm of [ring({ tokens: 16 }), rendezvous(), multiprobe()]) {
      fc.assert(
        fc.property(fc.array(peers, { minLength: 2, maxLength: 6 }), (steps) => {
          let owners = sharder(algorithm);
          for (const step of steps) {
            const before = owners;
            const seen = before.peers;
            owners = owners.withPeers(step);
            const fresh = sharder(algorithm, [...step].reverse());
            assertEquals(owners.peers, fresh.peers);
            assertStrictEquals(before.peers, seen);
            for (const op of ["read", "readWrite"] as const) {
              const have = step.filter(({ state }) =>
                state === "participant" || (op === "read" && state === "terminating")
              ).length;
              for (let i = 0; i < 10; i++) {
                assertEquals(owners.lookup(`k${i}`, have, op), fresh.lookup(`k${i}`, have, op));
              }
              assertThrows(() =>
                owners.lookup("k", have + 1, op), NotEnoughNodesError);
            }
          }
        }),
        { seed: SEED, numRuns: 30 },
      );
    }
  });

  it("sharder().withPeers() equals a sharder made from nothing after 80 changes, weights and zones included", () => {
    const change = fc.record({
      name: fc.stringMatching(/^[a-l]$/),
      what: fc.constantFrom<PeerState | "leave" | "twice">(
        "viewer",
        "participant",
        "participant",
        "terminating",
        "leave",
        "twice",
      ),
      weight: fc.constantFrom(0.5, 1, 2),
    });
    for (const algorithm of [ring({ tokens: 16 }), rendezvous()]) {
      fc.assert(
        fc.property(fc.array(change, { minLength: 80, maxLength: 80 }), (changes) => {
          const options = {
            describe: ({ name, addr }: Peer) => ({
              weight: Number(addr.split(":")[1]),
              ...(name < "g" ? { zone: `zone-${name.charCodeAt(0) % 3}` } : {}),
            }),
          };
          const now = new Map<string, Peer>();
          let owners = sharder(algorithm, [], options);
          for (const { name, what, weight } of changes) {
            const was = now.get(name)?.state ?? "participant";
            if (what === "leave") now.delete(name);
            else now.set(name, peer(name, what === "twice" ? was : what, `${name}:${weight}`));
            const list = [...now.values()];
            const stale = list.map((p) => ({ ...p, state: "viewer" as const }));
            owners = owners.withPeers(what === "twice" ? [...stale, ...list] : list);
            const fresh = sharder(algorithm, list.reverse(), options);
            assertEquals(owners.peers, fresh.peers);
            for (const op of ["read", "readWrite"] as const) {
              const have = list.filter(({ state }) =>
                state === "participant" || (op === "read" && state === "terminating")
              ).length;
              for (const spreadZones of [false, true]) {
                const key = `${name}${weight}`;
                assertEquals(
                  owners.lookup(key, have, op, { spreadZones }),
                  fresh.lookup(key, have, op, { spreadZones }),
                );
              }
            }
          }
        }),
        { seed: SEED, numRuns: 8 },
      );
    }
  });

  it("sharder().withPeers() makes tokens for new names only", () => {
    let hashed: number[] = [];
    const counting = {
      name: "counting",
      hash: (bytes: Uint8Array) => {
        hashed.push(bytes.length);
        return xxh64.hash(bytes);
      },
    };
    const all = Array.from({ length: 20 }, (_, i) => peer(`peer-${i}`));
    const before = sharder(ring({ tokens: 4, hash: counting }), all);
    assertEquals(hashed.length, 80);
    hashed = [];
    const leaving = before.withPeers(
      all.map((p, i) => i === 3 ? { ...p, state: "terminating" } : p),
    );
    const gone = leaving.withPeers(all.filter((_, i) => i !== 3));
    gone.withPeers(all.filter((_, i) => i !== 3).map((p) => ({ ...p, addr: "moved:1" })));
    assertEquals(hashed.length, 0);
    gone.withPeers([...all.filter((_, i) => i !== 3), peer("new")]);
    assertEquals(hashed.length, 4);
  });

  it("sharder().withPeers() shows new addresses of the same owners", () => {
    const before = sharder(ring({ tokens: 8 }), [peer("a"), peer("b")]);
    const after = before.withPeers([peer("a", "participant", "moved:1"), peer("b")]);
    const owner = (sharded: typeof before) =>
      sharded.lookup("k", 2).find(({ name }) => name === "a")!;
    assertEquals([owner(before).addr, owner(after).addr], ["a:80", "moved:1"]);
  });

  it("sharder() takes weight and zone of a peer from describe()", () => {
    const zones = ["x", "x", "x", "y", "z"];
    const all = zones.map((_, i) => peer(`p${i}`));
    const owners = sharder(ring(), all, {
      describe: ({ name }) => ({
        zone: zones[Number(name.slice(1))]!,
        weight: name === "p0" ? 3 : 1,
      }),
    });
    let first = 0;
    for (let i = 0; i < 1_000; i++) {
      const spread = owners.lookup(`k${i}`, 3, "readWrite", { spreadZones: true });
      assertEquals(spread.map(({ name }) => zones[Number(name.slice(1))]!).sort(), ["x", "y", "z"]);
      if (spread[0]!.name === "p0") first++;
    }
    assert(Math.abs(first / 1_000 - 3 / 7) < 0.1, `${first}`);
  });

  it("sharder() of two peers with one name keeps the later", () => {
    const owners = sharder(ring({ tokens: 8 }), [peer("a", "viewer"), peer("a", "participant")]);
    assertEquals(owners.lookup("k", 1)[0]!.state, "participant");
    assertEquals(owners.withPeers([peer("a"), peer("a", "viewer")]).peers, []);
  });

  it("sharder() holds 10,000 peers", () => {
    const all = Array.from(
      { length: 10_000 },
      (_, i) => peer(`peer-${i}`, i % 10 === 0 ? "viewer" : "participant"),
    );
    const owners = sharder(ring({ tokens: 8 }), all);
    assertEquals(owners.peers.length, 9_000);
    assertEquals(owners.lookup("k", 3).length, 3);
  });
});
