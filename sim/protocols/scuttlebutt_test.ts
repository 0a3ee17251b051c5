import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import type { ScuttlebuttCore } from "../../gossip/scuttlebutt/core.ts";
import type { Entry, NodeState, ScuttlebuttEvent } from "../../gossip/scuttlebutt/model.ts";
import { scuttlebuttSettings } from "../../gossip/scuttlebutt/options.ts";
import { encodeFrame } from "../../gossip/scuttlebutt/wire/codec.ts";
import { clusterTag } from "../../gossip/scuttlebutt/wire/frame.ts";
import type { GossipStrategy } from "../../gossip/strategy.ts";
import { needs } from "../../tests/_needs.ts";
import { fakeFacts, type FakeLife, fakeLife } from "../_harness.ts";
import { campaign, drawn, EXIT } from "../campaign.ts";
import type { Cluster } from "../cluster.ts";
import { describePlan, type Plan } from "../plan.ts";
import { play } from "../play.ts";
import { patched } from "../planted/patch.ts";
import { scuttlebuttBugs } from "../planted/scuttlebutt.ts";
import { draw } from "../swarm.ts";
import regression from "../testdata/regression_scuttlebutt.json" with { type: "json" };
import { ViolationError } from "../violation.ts";
import { scuttlebutt } from "./scuttlebutt.ts";
import { agreement } from "./scuttlebutt/agreement.ts";
import { memory } from "./scuttlebutt/memory.ts";
import { ownKeys } from "./scuttlebutt/own_keys.ts";
import { Owners } from "./scuttlebutt/owners.ts";
import { Replicas } from "./scuttlebutt/replicas.ts";
import { Wiretap } from "./scuttlebutt/wiretap.ts";

const LONG = { timeout: 120_000 };

describe("scuttlebutt in the simulator", () => {
  it("draws every fault, small worlds and large ones", () => {
    const names = new Set<string>();
    let most = 0;
    for (let seed = 0; seed < 600; seed++) {
      const plan = draw(scuttlebutt, { seed });
      for (const { fault } of plan.actions) names.add(fault);
      assert(plan.nodes >= 3 && plan.nodes <= 150);
      most = Math.max(most, plan.nodes);
      scuttlebutt.strategy(plan.settings);
    }
    assertEquals(names.size, scuttlebutt.faults.length);
    assert(most >= 100, `${most}`);
  });

  it("holds every invariant for twelve seeds, and tries much", LONG, () => {
    const lines: string[] = [];
    const { exitCode, situations } = campaign({
      protocol: scuttlebutt,
      plans: drawn(scuttlebutt, { from: 1, count: 12, nodes: 5 }),
      say: (line) => void lines.push(line),
      twiceEvery: 6,
    });
    assertEquals([exitCode, lines], [EXIT.fine, []]);
    assert(situations.size >= 25, `${[...situations.keys()]}`);
  });

  for (const { name, fixed, plan } of regression) {
    it(`what was found once stays fixed: ${name}`, {
      skip: fixed ? false : "open",
      ...LONG,
    }, () => {
      const { violation } = play(scuttlebutt, plan as unknown as Plan);
      assertEquals(violation, undefined, describePlan(plan as unknown as Plan));
    });
  }

  it("gives every second name packets of the other length", () => {
    const lengths: unknown[] = [];
    const strategy = scuttlebutt.made!((settings) => ({
      name: "scuttlebutt",
      create: () => void lengths.push(settings["maxPacketBytes"]),
    } as unknown as GossipStrategy))({ maxPacketBytes: 512, otherPacketBytes: 1400 });
    const context = { address: "", clusterName: "", generation: 1, random: () => 0, now: 0 };
    for (const name of ["n0", "n1"]) strategy.create({ ...context, name });
    assertEquals(lengths, [512, 1400]);
  });
});

describe("planted bugs of scuttlebutt", needs("read"), () => {
  it("fit the sources, each with a name of its own", async () => {
    const root = new URL("../../gossip/", import.meta.url);
    for (const { patches, caughtBy } of scuttlebuttBugs) {
      assert(patches.length > 0 && caughtBy.length > 0);
      const sources = new Map<string, string>();
      for (const patch of patches) {
        const source = sources.get(patch.file) ??
          await readFile(new URL(patch.file, root), "utf8");
        sources.set(patch.file, patched(source, patch));
        assertNotEquals(sources.get(patch.file), source);
      }
    }
    assertEquals(new Set(scuttlebuttBugs.map(({ name }) => name)).size, scuttlebuttBugs.length);
    assert(scuttlebuttBugs.length >= 10);
  });
});

const settings = scuttlebuttSettings();
const key = (version: number, name: string, value: string): Entry => ({
  key: name,
  value,
  version,
  internal: false,
  deleted: false,
});

function state(id: string, fields: Partial<NodeState> = {}): NodeState {
  const version = fields.entries?.at(-1)?.version ?? 0;
  return {
    id,
    generation: 1000,
    addr: "10.0.0.1:80",
    version,
    heartbeat: 5,
    left: false,
    down: false,
    expiry: undefined,
    state: "viewer",
    entries: [],
    ...fields,
  };
}

/** A life that holds what a test says. */
class Holder {
  readonly life: FakeLife;
  held: NodeState[];

  constructor(name: string, slot: number, ...held: NodeState[]) {
    this.held = [state(name), ...held];
    const core = {
      nodes: () => [...this.held].sort((a, b) => a.id < b.id ? -1 : 1),
      node: (id: string) => this.held.find((one) => one.id === id),
      deadline: 1,
      scuttlebuttStats: { graves: 0, digestBytes: 10, rounds: 1 },
    };
    Object.defineProperties(core, {
      localNode: { get: () => this.held[0] },
      peers: {
        get: () =>
          core.nodes().filter(({ left, down }) => !left && !down).map(({ id }) => ({ name: id })),
      },
    });
    this.life = Object.assign(fakeLife({ name, slot }), {
      core: core as unknown as ScuttlebuttCore,
    });
  }
}

/** Node `a`, whose keys are the truth, as `b` sees it. */
function scene(...truth: Entry[]): {
  readonly owner: Holder;
  readonly viewer: Holder;
  readonly tell: (event: Record<string, unknown>) => void;
  readonly hold: (fields: Partial<NodeState>) => void;
} {
  const owner = new Holder("a", 0);
  owner.held[0] = state("a", { entries: truth });
  const viewer = new Holder("b", 1);
  const facts = fakeFacts([owner.life, viewer.life]);
  const owners = new Owners();
  for (const { life } of [owner, viewer]) owners.started(life);
  const replicas = new Replicas({ facts, owners, settings });
  const tell = (event: Record<string, unknown>): void =>
    replicas.effect(viewer.life, {
      type: "event",
      event: { id: "a", generation: 1000, ...event } as unknown as ScuttlebuttEvent,
    });
  const hold = (fields: Partial<NodeState>): void => {
    viewer.held[1] = state("a", fields);
    replicas.stepped(viewer.life);
  };
  return { owner, viewer, tell, hold };
}

function breaks(invariant: string, run: () => void): void {
  const error = assertThrows(run, ViolationError);
  assertEquals(error.invariant, invariant);
}

describe("invariants of scuttlebutt", () => {
  const [x, y] = [key(1, "x", "1"), key(2, "y", "2")];

  it("what is held is a prefix of what the owner wrote", () => {
    const { tell, hold } = scene(x, y);
    tell({ type: "join" });
    tell({ type: "upsertKey", key: "x", value: "1" });
    hold({ entries: [x] });
    tell({ type: "upsertKey", key: "y", value: "2" });
    hold({ entries: [x, y] });
  });

  it("prefix: a hole, a stale value, a key that is gone", () => {
    const hole = scene(x, y);
    hole.tell({ type: "join" });
    hole.tell({ type: "upsertKey", key: "y", value: "2" });
    breaks("prefix", () => hole.hold({ entries: [y] }));

    const stale = scene(key(3, "x", "3"), key(4, "y", "4"));
    stale.tell({ type: "join" });
    stale.tell({ type: "upsertKey", key: "x", value: "1" });
    stale.tell({ type: "upsertKey", key: "y", value: "4" });
    breaks("prefix", () => stale.hold({ entries: [x, key(4, "y", "4")] }));

    const gone = scene(y);
    gone.tell({ type: "join" });
    gone.tell({ type: "upsertKey", key: "x", value: "1" });
    gone.tell({ type: "upsertKey", key: "y", value: "2" });
    breaks("prefix", () => gone.hold({ entries: [x, y] }));
  });

  it("versions-grow: back, ahead of the owner, of a life that never was", () => {
    const { tell, hold } = scene(x, y);
    tell({ type: "join" });
    tell({ type: "upsertKey", key: "x", value: "1" });
    hold({ entries: [x], heartbeat: 4 });
    breaks("versions-grow", () => hold({ entries: [x], heartbeat: 3 }));
    breaks("versions-grow", () => hold({ version: 0, heartbeat: 4 }));
    breaks("versions-grow", () => hold({ version: 3, heartbeat: 4 }));
    breaks("versions-grow", () => hold({ entries: [x], heartbeat: 6 }));
    const other = scene(x);
    other.tell({ type: "join", generation: 7 });
    breaks("versions-grow", () => other.hold({ generation: 7, version: 1 }));
  });

  it("events-replay: what the grammar forbids, and what no event told", () => {
    for (const type of ["leave", "down", "up", "expired", "upsertKey", "deleteKey"]) {
      breaks("events-replay", () => scene().tell({ type, key: "x", value: "1" }));
    }
    const forbidden: readonly (readonly string[])[] = [
      ["join", "join"],
      ["join", "leave", "leave"],
      ["join", "down", "down"],
      ["join", "up"],
      ["join", "leave", "down"],
      ["join", "expired", "down"],
      ["join", "upsertKey", "upsertKey"],
      ["join", "deleteKey"],
    ];
    for (const types of forbidden) {
      const { tell } = scene();
      for (const type of types.slice(0, -1)) tell({ type, key: "x", value: "1" });
      breaks("events-replay", () => tell({ type: types.at(-1), key: "x", value: "1" }));
    }
    breaks("events-replay", () => scene().tell({ type: "join", id: "b" }));
    breaks("events-replay", () => scene(x).hold({}));
    const untold = scene(x);
    untold.tell({ type: "join" });
    breaks("events-replay", () => untold.hold({ entries: [x] }));
    const down = scene(x);
    down.tell({ type: "join" });
    breaks("events-replay", () => down.hold({ down: true }));
    const removed = scene();
    removed.tell({ type: "join" });
    removed.hold({});
    breaks("events-replay", () => {
      removed.viewer.held = removed.viewer.held.slice(0, 1);
      removed.tell({ type: "down" });
      removed.tell({ type: "up" });
      removed.hold({ id: "c" });
    });
  });

  it("no-ghosts: a removed life without a new sign of life, or one that left", () => {
    const { tell, hold, viewer } = scene();
    tell({ type: "join" });
    hold({ heartbeat: 4 });
    tell({ type: "down" });
    tell({ type: "expired" });
    viewer.held[1] = state("a", { heartbeat: 4 });
    breaks("no-ghosts", () => tell({ type: "join" }));
    viewer.held[1] = state("a", { heartbeat: 5 });
    tell({ type: "join" });
    tell({ type: "leave" });
    tell({ type: "expired" });
    viewer.held[1] = state("a", { heartbeat: 50 });
    breaks("no-ghosts", () => tell({ type: "join" }));
  });

  it("own-keys: keys that nobody wrote", () => {
    const { life, held } = new Holder("a", 0);
    const watcher = ownKeys();
    watcher.stepped!(life);
    held[0] = state("a", { entries: [x] });
    breaks("own-keys", () => watcher.stepped!(life));
  });

  it("memory and deadline: too many records, graves and rounds, a digest too long, no next step", () => {
    const look = (stats: object, fields: Partial<FakeLife> = {}, deadline = 1): void => {
      const { life } = new Holder("a", 0);
      const watcher = memory(settings);
      watcher.started!(life);
      Object.assign(life, fields);
      Object.assign((life as unknown as { core: object }).core, {
        deadline,
        scuttlebuttStats: { graves: 0, digestBytes: 10, rounds: 1, ...stats },
      });
      for (let step = 0; step < 64; step++) watcher.stepped!(life);
    };
    look({});
    breaks("memory", () => look({ graves: 4097 }));
    breaks("memory", () => look({ digestBytes: 1000 }));
    breaks("memory", () => look({ rounds: 9 }));
    breaks("memory", () => look({}, { stats: { ...fakeLife({ name: "a" }).stats, dead: 1 } }));
    breaks("deadline", () => look({}, {}, Infinity));
  });

  it("maps-agree and falls-silent: what is still to come in the end", () => {
    const { owner, viewer } = scene(x);
    const lives = [owner.life, viewer.life];
    const cluster = { now: 60_000_000, alive: () => lives } as unknown as Cluster;
    const tap = new Wiretap(fakeFacts(lives), () => 1400, []);
    const { unsettled } = agreement(cluster, tap, 500);
    assertEquals(unsettled!()?.invariant, "maps-agree");
    viewer.held[1] = state("a", { entries: [x] });
    owner.held[1] = state("b");
    assertEquals(unsettled!(), undefined);
    tap.lastBlockAt = 57_000_000;
    assertEquals(unsettled!()?.invariant, "falls-silent");
  });

  it("canonical: a packet too long, or one that no decoder takes", () => {
    const { life } = new Holder("a", 0);
    const tap = new Wiretap(fakeFacts([life]), () => 40, []);
    const source = { id: "a", generation: 1, addr: "10.0.0.1:80" };
    const syn = { type: "syn" as const, source, known: 1, exchange: 1, digest: [] };
    const bytes = encodeFrame(syn, clusterTag("sim"));
    const said = { from: life, to: "10.0.0.2:80", tampered: false };
    tap.sent({ ...said, bytes });
    breaks("canonical", () => tap.sent({ ...said, bytes: new Uint8Array(41) }));
    breaks("canonical", () => tap.sent({ ...said, bytes: bytes.slice(0, 20) }));
    tap.sent({ ...said, bytes: bytes.slice(0, 20), tampered: true });
  });
});
