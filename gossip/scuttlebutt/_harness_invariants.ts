/**
 * The invariants of the specification that concern what a node holds of others and what its watcher is told of them (I1 to I6, and the
 * graves of I12), for worlds that know the truth about all nodes.
 */
import { assert, assertEquals } from "@std/assert";
import { liveKeys } from "./_harness.ts";
import type { NodeState, ScuttlebuttCore, ScuttlebuttEvent } from "./mod.ts";

/** What the events of one node told of another. */
export interface Replica {
  generation: number;
  version: number;
  heartbeat: number;
  left: boolean;
  down: boolean;
  gone: boolean;
  keys: Map<string, string>;
}

/** A life of a node under watch. */
export interface Watched {
  readonly id: string;
  readonly core: ScuttlebuttCore;
  /** By id. */
  readonly replica: Map<string, Replica>;
}

/** See the module. */
export class Invariants {
  readonly #seed: number;
  /** Who had which id and generation: more than one process, when one took them by mistake. */
  readonly #owners = new Map<string, Set<Watched>>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** A node's watcher was told something. */
  told(life: Watched, event: ScuttlebuttEvent): void {
    if (event.type === "conflict") return;
    const { id, generation } = event;
    assert(id !== life.id, "I4: no event is about the node itself");
    const known = life.replica.get(id);
    if (event.type === "join") {
      assert(known === undefined || known.gone, `I4: ${id} joined twice`);
      const record = life.core.node(id);
      const again = known?.generation === generation && record?.generation === generation;
      if (again) assert(record.heartbeat > known.heartbeat, `I6: ${id} rose from the dead`);
      life.replica.set(id, {
        generation,
        version: 0,
        heartbeat: 0,
        left: false,
        down: false,
        gone: false,
        keys: new Map(),
      });
      return;
    }
    assert(known !== undefined && !known.gone, `I4: ${event.type} of ${id} before its join`);
    assertEquals(known.generation, generation, "I4");
    switch (event.type) {
      case "leave":
        assert(!known.left, "I4: a second leave");
        known.left = true;
        known.down = false;
        break;
      case "down":
        assert(!known.down && !known.left, "I4: down twice, or after the leave");
        known.down = true;
        break;
      case "up":
        assert(known.down && !known.left, "I4: up before down");
        known.down = false;
        break;
      case "expired":
        known.gone = true;
        break;
      case "upsertKey":
        assert(known.keys.get(event.key) !== event.value, "I4: an upsert that changes nothing");
        known.keys.set(event.key, event.value);
        break;
      case "deleteKey":
        assert(known.keys.delete(event.key), "I4: a delete of what is not there");
    }
  }

  /** Looks at a node after a step. */
  check(life: Watched): void {
    const { core } = life;
    const nodes = core.nodes();
    const own = core.localNode;
    this.#owned(own).add(life);
    for (const meta of nodes) {
      if (meta.id === life.id) continue;
      const known = life.replica.get(meta.id);
      assert(known !== undefined && !known.gone, `I4: ${meta.id} is held without a join`);
      assert(
        meta.generation === known.generation && meta.left === known.left &&
          meta.down === known.down,
        "I4",
      );
      assert(meta.version >= known.version && meta.heartbeat >= known.heartbeat, "I2");
      const moved = meta.version !== known.version;
      known.version = meta.version;
      known.heartbeat = meta.heartbeat;
      if (!moved) continue;
      const held = core.node(meta.id)!;
      assertEquals(
        liveKeys(core, meta.id),
        new Map([...known.keys].sort()),
        "I4: events, replayed",
      );
      for (let i = 1; i < held.entries.length; i++) {
        assert(held.entries[i]!.version > held.entries[i - 1]!.version, "versions ascend");
      }
      this.#checkPrefix(held);
    }
    assertEquals(
      core.peers.filter(({ self }) => !self).map(({ name }) => name).sort(),
      nodes.filter(({ id, left, down }) => id !== life.id && !left && !down).map(({ id }) => id),
      "the peers are those that are up",
    );
    const gone = [...life.replica].filter(([id, { gone }]) => !gone && core.node(id) === undefined);
    assertEquals(gone, [], "I4: removed without a word");
    assert(core.scuttlebuttStats.graves <= 4096, "I12");
  }

  #checkPrefix(held: NodeState): void {
    const owners = this.#owned(held);
    // Two processes that took the same name and generation by mistake: until one of them knows, both are right.
    if (owners.size !== 1) return;
    const [owner] = owners;
    const truth = owner!.core.localNode;
    if (truth.generation !== held.generation) return;
    assert(held.version <= truth.version, "I3: a version that was never issued");
    assert(held.heartbeat <= truth.heartbeat, "I3: a heartbeat that never was");
    const mine = new Map(held.entries.map((entry) => [entry.key, entry]));
    for (const entry of truth.entries) {
      if (entry.version <= held.version) {
        assertEquals(mine.get(entry.key), entry, `I1: seed ${this.#seed}`);
      }
    }
  }

  #owned({ id, generation }: { id: string; generation: number }): Set<Watched> {
    const key = `${id}\n${generation}`;
    let owners = this.#owners.get(key);
    if (owners === undefined) this.#owners.set(key, owners = new Set());
    return owners;
  }
}
