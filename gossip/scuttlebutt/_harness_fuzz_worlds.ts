/** The fuzz targets that are small worlds: F3 one core, F4 relays, F5 packers, F9 exchanges in disorder. */
import { fuzzInput } from "../swim/wire/_harness_fuzz.ts";
import { block, entry, liveKeys, prng, Solo } from "./_harness.ts";
import {
  mended,
  mendedStream,
  must,
  plausible,
  plausibleStreams,
  seedOf,
  streams,
} from "./_harness_fuzz_inputs.ts";
import { packDelta } from "./delta.ts";
import type { ScuttlebuttEvent } from "./mod.ts";
import { NodeRecord } from "./record.ts";
import { Turn } from "./turn.ts";
import { blockLength, deltaLength } from "./wire/lengths.ts";

/** F3: a core that meets anything. */
export function meetAnything(bytes: Uint8Array, random: () => number): boolean {
  const solo = new Solo({ id: "a", generation: 5, maxNodes: 20 });
  solo.upsert("mine", "1");
  solo.delta(block("b", [entry("k", "v", 2)]), block("c", [entry("_internal:left", "", 1)]));
  const before = new Map(solo.core.nodes().map((node) => [node.id, node]));
  const own = solo.core.localNode;
  let refused = false;
  for (let i = 0; i < 3; i++) {
    const input = i === 0 ? bytes : plausible[Math.floor(random() * plausible.length)]!;
    solo.step({ type: "packet", bytes: mended(input, random) });
    if (i === 0) refused = solo.refusals.length > 0;
    if (random() < 0.5) meetStream(solo, random);
    solo.run(random() * 3000);
    for (const node of solo.core.nodes()) {
      const known = before.get(node.id);
      before.set(node.id, node);
      if (known === undefined) continue;
      must(node.generation >= known.generation, "I2: an older life");
      if (node.generation > known.generation) continue;
      must(node.version >= known.version && node.heartbeat >= known.heartbeat, "I2");
      must(!known.left || node.left, "I5: the left one is back");
    }
    const now = solo.core.localNode;
    must(now.version === own.version && now.entries === own.entries, "F3: the own record changed");
    must(solo.core.nodes().length <= 20, "I12: too many nodes");
  }
  return !refused;
}

function meetStream(solo: Solo, random: () => number): void {
  const seeds = random() < 0.7 ? plausibleStreams : streams;
  const bytes = mendedStream(fuzzInput(seeds, random), random);
  if (random() < 0.5) {
    solo.step({ type: "request", exchange: 1, bytes });
    const ends = solo.of("reply").length + solo.of("hangUp").length;
    must(ends === 1, "F3: a request is left open, or answered twice");
    solo.step({ type: "replied", exchange: 1, ok: true });
    return;
  }
  solo.step({ type: "join", operation: 1, addresses: ["10.0.0.77:7000"] });
  const { exchange } = solo.of("exchange")[0]!;
  solo.step({ type: "response", exchange, bytes });
}

/** F4: random writes, compactions, cuts and relays, against copies of the whole map. */
export function relay(bytes: Uint8Array, random: () => number): boolean {
  const world = prng(seedOf(bytes, random));
  const below = (limit: number): number => Math.floor(world() * limit);
  const owner = new Solo({ id: "o", compactThreshold: 3 });
  const replicas = Array.from({ length: 3 }, (_, i) => new Solo({ id: `r${i}` }));
  const told = replicas.map(() => new Map<string, string>());
  const copy = (from: Solo, to: number, cut: number): void => {
    const held = from.core.node("o");
    if (held === undefined) return;
    const version = replicas[to]!.core.node("o")?.version ?? 0;
    const above = held.entries.filter((one) => one.version > version).slice(0, cut);
    for (const event of replicas[to]!.delta(block("o", above, { from: version }))) {
      apply(told[to]!, event);
    }
  };
  for (let i = 10 + below(31); i > 0; i--) {
    const op = below(8);
    const key = `k${below(5)}`;
    if (op < 2) owner.upsert(key, `${below(3)}`);
    else if (op < 4) owner.delete(key);
    else if (op === 4) owner.run(6000);
    else if (op === 5 && world() < 0.2) {
      const lost = below(3);
      replicas[lost] = new Solo({ id: `r${lost}` });
      told[lost] = new Map();
    } else {
      const to = below(3);
      const from = below(4);
      if (from !== to) copy(from === 3 ? owner : replicas[from]!, to, below(12));
    }
  }
  for (let to = 0; to < 3; to++) {
    copy(owner, to, Infinity);
    const truth = JSON.stringify(owner.core.localNode.entries);
    const held = replicas[to]!.core.node("o");
    must(JSON.stringify(held?.entries ?? []) === truth, "F4: the map differs");
    const live = held === undefined ? new Map() : liveKeys(replicas[to]!.core, "o");
    must(
      JSON.stringify([...told[to]!].sort()) === JSON.stringify([...live]),
      "F4: the events tell another map",
    );
  }
  return owner.core.scuttlebuttStats.compactions > 0;
}

function apply(map: Map<string, string>, event: ScuttlebuttEvent): void {
  if (event.type === "upsertKey") map.set(event.key, event.value);
  if (event.type === "deleteKey") map.delete(event.key);
}

/** F5: what is packed fits, is a prefix, and leaves nothing out that would fit after it. */
export function pack(bytes: Uint8Array, random: () => number): boolean {
  const world = prng(seedOf(bytes, random));
  const below = (limit: number): number => Math.floor(world() * limit);
  const budget = 100 + below(2000);
  const lacks = Array.from({ length: 1 + below(12) }, (_, i) => {
    const record = new NodeRecord({ id: `node${i}`, generation: 1 + below(9), addr: "10.0.0.1:1" });
    let version = 0;
    for (let k = below(30); k > 0; k--) {
      record.put(
        entry(
          `k${below(20)}`,
          "v".repeat(below(below(5) === 0 ? 900 : 40)),
          version += 1 + below(200),
        ),
      );
    }
    const from = below(3) === 0 ? 0 : below(version + 1);
    return { record, from, unknown: from === 0 };
  });
  const turn = new Turn({ now: 0, random: world, gossipIntervalMs: 500 });
  const self = lacks[0]!.record;
  const delta = packDelta(lacks, { turn, self, budget, maxPacketBytes: 1400 });
  must(delta.bytes === deltaLength(delta.blocks), "F5: the length is not exact");
  must(delta.bytes <= budget, "F5: over the budget");
  for (const { record, from, unknown } of lacks) {
    const packed = delta.blocks.find(({ id }) => id === record.id);
    const above = record.entries.filter(({ version }) => version > from);
    const taken = packed?.entries ?? [];
    must(
      taken.every((one, i) => one === above[i]) && (packed?.from ?? from) === from,
      "F5: no prefix",
    );
    const next = above[taken.length];
    if (packed !== undefined && next !== undefined) {
      const longer = blockLength({ ...packed, entries: [...taken, next] }) - blockLength(packed);
      must(longer > budget - delta.bytes, "F5: there is room for one more");
    }
    const complete = packed !== undefined || (above.length === 0 && !unknown);
    if (!complete) must(budget - delta.bytes < 1400, "F5: left out");
  }
  return delta.leftBytes === 0;
}

/** F9: the frames of several exchanges in any order. */
export function reorder(bytes: Uint8Array, random: () => number): boolean {
  const world = prng(seedOf(bytes, random));
  const below = (limit: number): number => Math.floor(world() * limit);
  const names = ["a", "b", "c"];
  const cores = names.map((id) => new Solo({ id, seed: 1 + below(1000) }));
  for (const solo of cores) {
    for (let i = below(4); i > 0; i--) solo.upsert(`k${below(3)}`, `${below(9)}`);
    for (const [i, other] of names.entries()) {
      if (cores[i] !== solo) solo.delta(block(other, []));
    }
  }
  // Mostly a few exchanges at once; now and then many.
  const rounds = 1 + below(below(8) === 0 ? 40 : 6);
  const flying: { readonly to: number; readonly bytes: Uint8Array }[] = [];
  const carry = (solo: Solo): void => {
    for (const { to, bytes } of solo.of("send")) {
      flying.push({ to: names.findIndex((_, i) => cores[i]!.core.localNode.addr === to), bytes });
    }
  };
  let packets = 0;
  for (let i = 0; i < rounds || flying.length > 0; i++) {
    if (i < rounds) {
      const solo = cores[below(3)]!;
      const { deadline } = solo.core;
      solo.now = Math.max(solo.now, deadline);
      solo.step({ type: "timeout" });
      carry(solo);
    }
    // One at random, now and then twice, now and then never, while others wait.
    while (flying.length > (i < rounds ? below(6) : 0)) {
      const [{ to, bytes }] = flying.splice(below(flying.length), 1) as [typeof flying[0]];
      if (i < rounds && below(8) === 0) continue;
      for (let copies = below(5) === 0 ? 2 : 1; copies > 0; copies--) {
        cores[to]!.step({ type: "packet", bytes });
        must(cores[to]!.refusals.every((reason) => reason === "gap"), "F9: refused");
        packets++;
        if (packets < 2000) carry(cores[to]!);
      }
    }
  }
  let agreed = true;
  for (const owner of cores) {
    const truth = owner.core.localNode;
    for (const solo of cores) {
      const held = solo.core.node(truth.id)!;
      agreed &&= held.version === truth.version;
      const mine = new Map(held.entries.map((one) => [one.key, one.version]));
      for (const one of truth.entries) {
        if (one.version <= held.version) must(mine.get(one.key) === one.version, "F9: PREFIX");
      }
      must(held.version <= truth.version, "F9: a version from nowhere");
    }
  }
  return agreed;
}
