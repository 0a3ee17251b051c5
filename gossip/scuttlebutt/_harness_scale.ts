/** Measurements of whole clusters, small in the suite and large in `bench/scuttlebutt.ts`. */
import { assert } from "@std/assert";
import { FaultWorld, type Life } from "./_harness_world.ts";

/** A cluster to measure. */
export interface ScaleOptions {
  readonly nodes: number;
  readonly seed: number;
  readonly maxPacketBytes?: number;
}

const INTERVAL_MS = 500;

function world({ seed, maxPacketBytes = 1400 }: ScaleOptions): FaultWorld {
  return new FaultWorld({ seed, settings: { maxPacketBytes }, checks: false });
}

/** Milliseconds between the writes of {@link spreadRounds} at most. Each is news of its own, however many are under way. */
const WRITE_GAP_MS = 500;

/** How many rounds pass until all nodes know a write, over `writes` writes of random nodes at random instants. */
export function spreadRounds(
  options: ScaleOptions & { readonly writes: number },
): { readonly mean: number; readonly most: number } {
  const w = world(options);
  const { lives } = met(w, options);
  settle(w, lives, options);
  let sum = 0;
  let most = 0;
  let begun = 0;
  let nextAt = w.now;
  const spreading = new Set<{ owner: string; version: number; at: number; ignorant: Set<Life> }>();
  while (begun < options.writes || spreading.size > 0) {
    if (begun < options.writes && w.now >= nextAt) {
      const owner = lives[w.below(lives.length)]!;
      const { version } = owner.core.upsertLocal("key", `${begun++}`, w.now);
      spreading.add({ owner: owner.id, version, at: w.now, ignorant: new Set(lives) });
      nextAt = w.now + w.random() * WRITE_GAP_MS;
    }
    for (const write of spreading) {
      for (const life of write.ignorant) {
        if (life.core.node(write.owner)!.version >= write.version) write.ignorant.delete(life);
      }
      if (write.ignorant.size > 0) continue;
      spreading.delete(write);
      const rounds = (w.now - write.at) / INTERVAL_MS;
      sum += rounds;
      most = Math.max(most, rounds);
    }
    assert([...spreading].every(({ at }) => w.now - at < 60_000), "a write is not told");
    w.run(25);
  }
  return { mean: sum / options.writes, most };
}

/**
 * Lets nodes that start together meet, all joined through the first: how long it takes until each is a peer of all others, and how often
 * one was held for down until `listenMs` after that, with none that is.
 */
export function meeting(
  options: ScaleOptions & { readonly idBytes: number; readonly listenMs: number },
): { readonly metMs: number; readonly downs: number } {
  const w = world(options);
  const { metMs, lives } = met(w, options);
  w.run(options.listenMs);
  return { metMs, downs: downsOf(lives) };
}

function met(
  w: FaultWorld,
  { nodes, idBytes = 0 }: { readonly nodes: number; readonly idBytes?: number },
): { readonly metMs: number; readonly lives: readonly Life[] } {
  const lives = Array.from({ length: nodes }, (_, i) => w.add(`n${i}`.padEnd(idBytes, "-")));
  for (const life of lives.slice(1)) w.join(life, [lives[0]!]);
  const metMs = w.until(() => lives.every(({ core }) => core.peers.length === nodes), 120_000, 250);
  return { metMs, lives };
}

/**
 * Until what went before is told. Where digests go by pages that takes longer; a digest that leaves a quarter of each packet free is
 * never cut.
 */
function settle(
  w: FaultWorld,
  lives: readonly Life[],
  { maxPacketBytes = 1400 }: ScaleOptions,
): void {
  const { digestBytes } = lives[0]!.core.scuttlebuttStats;
  w.run(digestBytes > 0.75 * maxPacketBytes ? 10_000 : 3000);
}

/** How often a node was held for down. */
function downsOf(lives: readonly Life[]): number {
  let downs = 0;
  for (const { events } of lives) for (const { type } of events) if (type === "down") downs++;
  return downs;
}

/** How long it takes until a crash is known to all others. */
export function crashMs(options: ScaleOptions): number {
  const w = world({ maxPacketBytes: 16_384, ...options });
  const lives = w.form(options.nodes);
  // Until the detectors' windows are full.
  w.run(90_000);
  const victim = lives[1]!;
  w.crash(victim);
  const others = lives.filter((life) => life !== victim);
  return w.until(() => others.every(({ core }) => core.node(victim.id)!.down), 60_000, 250);
}

/** What is left after `ids` nodes have come, written, and crashed or left, one after the other. */
export function churn(
  options: ScaleOptions & { readonly ids: number },
): {
  readonly digestBytes: number;
  readonly records: number;
  readonly graves: number;
  readonly most: number;
} {
  const w = new FaultWorld({
    seed: options.seed,
    settings: { downExpiryMs: 160_000, leftExpiryMs: 20_000, maxPacketBytes: 16_384 },
    checks: false,
  });
  const lives = w.form(options.nodes);
  let most = 0;
  for (let i = 0; i < options.ids; i++) {
    const guest = w.add(`guest${i}`);
    w.join(guest, [lives[i % lives.length]!]);
    w.write(guest, "key", "value");
    w.run(1000);
    if (w.random() < 0.9) w.leave(guest);
    w.run(500);
    w.crash(guest);
    // Its memory is not part of the measurement.
    w.lives.pop();
    most = Math.max(most, lives[0]!.core.scuttlebuttStats.digestBytes);
  }
  w.run(300_000);
  const stats = lives.map(({ core }) => core.scuttlebuttStats);
  return {
    digestBytes: Math.max(...stats.map(({ digestBytes }) => digestBytes)),
    records: Math.max(...lives.map(({ core }) => core.nodes().length)),
    graves: Math.max(...stats.map(({ graves }) => graves)),
    most,
  };
}

/** Options of {@link traffic}. */
export interface TrafficOptions extends ScaleOptions {
  /** Values of 16 bytes that are written each round in the whole cluster: one measurement each. */
  readonly keys: readonly number[];
  /** Rounds of one measurement. */
  readonly rounds: number;
}

/** What {@link traffic} measures. */
export interface Traffic {
  /** From the start until each node was a peer of all others. */
  readonly metMs: number;
  /** How often a node was held for down, in all that time; none ever was. */
  readonly downs: number;
  /** Bytes that a node sends in a round, for each number of keys, once all that went before is told. */
  readonly bytes: readonly number[];
}

/** Lets nodes meet, and measures what they send. */
export function traffic(options: TrafficOptions): Traffic {
  const w = world(options);
  const { metMs, lives } = met(w, options);
  const bytes = options.keys.map((keys) => {
    settle(w, lives, options);
    return bytesOfRound(w, lives, { keys, rounds: options.rounds });
  });
  return { metMs, downs: downsOf(lives), bytes };
}

function bytesOfRound(
  w: FaultWorld,
  lives: readonly Life[],
  options: { readonly keys: number; readonly rounds: number },
): number {
  const sent = (): number =>
    lives.reduce((sum, { core }) => {
      const { packetBytesOutbound, streamBytesOutbound } = core.scuttlebuttStats;
      return sum + packetBytesOutbound + streamBytesOutbound;
    }, 0);
  const rounds = (): number =>
    lives.reduce((sum, { core }) => sum + core.scuttlebuttStats.rounds, 0);
  const [before, roundsBefore] = [sent(), rounds()];
  for (let i = 0; i < options.rounds; i++) {
    for (let k = 0; k < options.keys; k++) {
      const value = String(i * options.keys + k).padStart(16, "0");
      w.write(lives[w.below(lives.length)]!, `key-${String(k % 100).padStart(8, "0")}`, value);
    }
    w.run(INTERVAL_MS * 1.05);
  }
  return (sent() - before) / (rounds() - roundsBefore);
}
