/** Measurements of whole clusters, small in the suite and large in `bench/scuttlebutt.ts`. */
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

/** How many rounds pass until all nodes know a write, over `writes` writes of random nodes at random instants. */
export function spreadRounds(
  options: ScaleOptions & { readonly writes: number },
): { readonly mean: number; readonly most: number } {
  const w = world(options);
  const lives = w.form(options.nodes);
  // What the forming left as news would take the place of the write in the pages.
  w.run(25_000);
  let sum = 0;
  let most = 0;
  for (let i = 0; i < options.writes; i++) {
    const owner = lives[w.below(lives.length)]!;
    const { version } = owner.core.upsertLocal("key", `${i}`, w.now);
    const ignorant = new Set(lives);
    const ms = w.until(() => {
      for (const life of ignorant) {
        if (life.core.node(owner.id)!.version >= version) ignorant.delete(life);
      }
      return ignorant.size === 0;
    }, 60_000);
    sum += ms / INTERVAL_MS;
    most = Math.max(most, ms / INTERVAL_MS);
    w.run(w.random() * 2000);
  }
  return { mean: sum / options.writes, most };
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

/** Options of {@link trafficBytes}. */
export interface TrafficOptions extends ScaleOptions {
  /** Values of 16 bytes that are written each round in the whole cluster: one measurement each. */
  readonly keys: readonly number[];
  /** Rounds of one measurement. */
  readonly rounds: number;
}

/** Bytes that a node sends in a round, for each number of keys, once all that went before is told. */
export function trafficBytes(options: TrafficOptions): readonly number[] {
  const w = world(options);
  const lives = w.form(options.nodes);
  return options.keys.map((keys) => {
    // What was news does not take part any more: pages list it for 34 rounds among 1,000.
    w.run(25_000);
    return bytesOfRound(w, lives, { keys, rounds: options.rounds });
  });
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
