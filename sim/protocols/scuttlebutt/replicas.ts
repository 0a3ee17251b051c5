import type {
  Entry,
  NodeMetadata,
  NodeState,
  ScuttlebuttEvent,
} from "../../../gossip/scuttlebutt/model.ts";
import type { ScuttlebuttSettings } from "../../../gossip/scuttlebutt/options.ts";
import type { GossipEffect } from "../../../gossip/strategy.ts";
import type { Facts, Life, Watcher } from "../../observation.ts";
import { ViolationError } from "../../violation.ts";
import { coreOf } from "./core_of.ts";
import type { Owners } from "./owners.ts";

/** Below so many records a process is looked at after each step, with more after every so many. */
const RECORDS_PER_STEP = 16;

/** What the events that one life emitted tell of another node. */
interface Replica {
  readonly generation: number;
  version: number;
  heartbeat: number;
  left: boolean;
  down: boolean;
  /** When it was removed; -1: it was not. */
  goneAt: number;
  readonly keys: Map<string, string>;
}

/** What {@link Replicas} works on. */
export interface ReplicasOptions {
  readonly facts: Facts;
  readonly owners: Owners;
  readonly settings: ScuttlebuttSettings;
}

/**
 * What each life holds of the others, against the truth of the owner and against the events that it emitted. Four invariants: `prefix`,
 * `versions-grow`, `events-replay` and `no-ghosts`.
 */
export class Replicas implements Watcher {
  readonly #options: ReplicasOptions;
  readonly #held = new WeakMap<Life, Map<string, Replica>>();
  readonly #steps = new WeakMap<Life, number>();

  /** Nothing seen yet. */
  constructor(options: ReplicasOptions) {
    this.#options = options;
  }

  /** See {@link Watcher.effect}. */
  effect(life: Life, effect: GossipEffect): void {
    if (effect.type === "event") this.#event(life, effect.event as ScuttlebuttEvent);
  }

  /** See {@link Watcher.stepped}. */
  stepped(life: Life): void {
    const steps = (this.#steps.get(life) ?? 0) + 1;
    this.#steps.set(life, steps);
    const held = this.#heldBy(life);
    if (steps % Math.ceil((held.size + 1) / RECORDS_PER_STEP) === 0) this.#check(life, held);
  }

  #event(life: Life, event: ScuttlebuttEvent): void {
    if (event.type === "conflict") return;
    const { id, generation } = event;
    const fail = (detail: string): never => {
      throw new ViolationError("events-replay", `${life.name}: ${event.type} of ${id} ${detail}`);
    };
    if (id === life.name) fail("is about itself");
    const held = this.#heldBy(life);
    const known = held.get(id);
    if (event.type === "join") {
      if (known !== undefined && known.goneAt < 0) fail("though it is held");
      if (known?.generation === generation) this.#risen(life, id, known);
      held.set(id, {
        generation,
        version: 0,
        heartbeat: 0,
        left: false,
        down: false,
        goneAt: -1,
        keys: new Map(),
      });
      return;
    }
    if (known === undefined || known.goneAt >= 0) return fail("before its join");
    if (known.generation !== generation) fail(`${generation}, ${known.generation} is held`);
    switch (event.type) {
      case "leave":
        if (known.left) fail("for the second time");
        known.left = true;
        known.down = false;
        break;
      case "down":
        if (known.down || known.left) fail("though it is down or left");
        known.down = true;
        break;
      case "up":
        if (!known.down || known.left) fail("though it is not down");
        known.down = false;
        break;
      case "expired":
        known.goneAt = this.#options.facts.now;
        break;
      case "upsertKey":
        if (known.keys.get(event.key) === event.value) fail(`changes nothing of ${event.key}`);
        known.keys.set(event.key, event.value);
        break;
      case "deleteKey":
        if (!known.keys.delete(event.key)) fail(`${event.key}, which is not there`);
    }
  }

  /** A removed life may only come back with a new sign of life, as long as its grave is remembered. */
  #risen(life: Life, id: string, known: Replica): void {
    const { facts, settings } = this.#options;
    // Few graves are forgotten early, and the clock that they are kept by may be off by a fifth.
    const remembered = settings.maxGraves >= 1024 &&
      facts.now - known.goneAt < settings.graveyardMs * 800;
    if (!remembered) return;
    const fail = (why: string): never => {
      throw new ViolationError("no-ghosts", `${life.name} takes ${id} in again ${why}`);
    };
    if (known.left) fail("though that life left");
    const record = coreOf(life).node(id);
    if (record?.generation === known.generation && record.heartbeat <= known.heartbeat) {
      fail(`with heartbeat ${record.heartbeat}, which it had before it was removed`);
    }
  }

  #check(life: Life, held: Map<string, Replica>): void {
    const core = coreOf(life);
    const nodes = core.nodes();
    const up: string[] = [];
    let records = 0;
    for (const meta of nodes) {
      if (meta.id === life.name) {
        if (!meta.left) up.push(meta.id);
        continue;
      }
      const known = held.get(meta.id);
      if (known === undefined || known.goneAt >= 0) {
        throw new ViolationError("events-replay", `${life.name} holds ${meta.id} without a join`);
      }
      records++;
      if (!meta.left && !meta.down) up.push(meta.id);
      this.#compare(life, meta, known);
    }
    for (const [id, { goneAt }] of records === held.size ? [] : held) {
      if (goneAt >= 0 || core.node(id) !== undefined) continue;
      throw new ViolationError("events-replay", `${life.name} removed ${id} without a word`);
    }
    const { peers } = core;
    if (up.length === peers.length && peers.every(({ name }, i) => name === up[i])) return;
    throw new ViolationError(
      "events-replay",
      `${life.name} lists ${peers.length} peers, and holds ${up.length} nodes that are up`,
    );
  }

  #compare(life: Life, meta: NodeMetadata, known: Replica): void {
    const { id, generation, version, heartbeat, left, down } = meta;
    if (generation !== known.generation || left !== known.left || down !== known.down) {
      throw new ViolationError(
        "events-replay",
        `${life.name} holds ${id} as ${generation}, left ${left}, down ${down}; its events say ${known.generation}, ${known.left}, ${known.down}`,
      );
    }
    if (version < known.version || heartbeat < known.heartbeat) {
      throw new ViolationError("versions-grow", `${life.name} went back in what it holds of ${id}`);
    }
    const moved = version !== known.version;
    if (!moved && heartbeat === known.heartbeat) return;
    known.version = version;
    known.heartbeat = heartbeat;
    const truth = this.#truth(life, meta);
    if (truth !== undefined && (version > truth.version || heartbeat > truth.heartbeat)) {
      throw new ViolationError(
        "versions-grow",
        `${life.name} holds ${id} at version ${version}, heartbeat ${heartbeat}, which ${truth.version} and ${truth.heartbeat} are at`,
      );
    }
    if (!moved) return;
    const state = coreOf(life).node(id)!;
    checkEvents(life, state, known.keys);
    if (truth !== undefined) checkPrefix(life, state, truth);
  }

  #truth(life: Life, { id, generation }: NodeMetadata): NodeState | undefined {
    const owners = this.#options.owners.of(life.clusterName, id, generation);
    if (owners.size === 0) {
      throw new ViolationError("versions-grow", `${life.name} holds ${id} ${generation}: no life`);
    }
    if (owners.size > 1) return undefined;
    for (const owner of owners) return coreOf(owner).localNode;
    return undefined;
  }

  #heldBy(life: Life): Map<string, Replica> {
    let held = this.#held.get(life);
    if (held === undefined) this.#held.set(life, held = new Map());
    return held;
  }
}

/** The events, replayed, give the keys that are held. */
function checkEvents(life: Life, state: NodeState, keys: ReadonlyMap<string, string>): void {
  let live = 0;
  let last = 0;
  for (const { key, value, version, internal, deleted } of state.entries) {
    if (version <= last) {
      throw new ViolationError("prefix", `${life.name}: ${state.id} is unsorted`);
    }
    last = version;
    if (internal || deleted) continue;
    live++;
    if (keys.get(key) === value) continue;
    throw new ViolationError(
      "events-replay",
      `${life.name} holds ${key} of ${state.id}, of which its events say otherwise`,
    );
  }
  if (live === keys.size) return;
  throw new ViolationError(
    "events-replay",
    `${life.name} holds ${live} keys of ${state.id}, its events leave ${keys.size}`,
  );
}

/** Each key whose version at the owner is held at all is held as it is; who holds the last version holds nothing else. */
function checkPrefix(life: Life, state: NodeState, truth: NodeState): void {
  const mine = new Map(state.entries.map((entry) => [entry.key, entry]));
  for (const entry of truth.entries) {
    if (entry.version > state.version || same(mine.get(entry.key), entry)) continue;
    throw new ViolationError(
      "prefix",
      `${life.name} is at version ${state.version} of ${state.id}, without its ${entry.key} of version ${entry.version}`,
    );
  }
  if (state.version === truth.version && mine.size !== truth.entries.length) {
    throw new ViolationError(
      "prefix",
      `${life.name} holds ${mine.size} entries of ${state.id}, which has ${truth.entries.length}`,
    );
  }
}

function same(a: Entry | undefined, b: Entry): boolean {
  return a !== undefined && a.version === b.version && a.value === b.value &&
    a.deleted === b.deleted && a.internal === b.internal;
}
