import type { GossipStrategy } from "../gossip/strategy.ts";
import { ring } from "../shard/ring.ts";
import { clusterOf } from "./cluster.ts";
import { ViolationError } from "./violation.ts";

/** Options of {@link churn}. */
export interface ChurnOptions {
  readonly seed: number;
  /** The protocol. */
  readonly strategy: GossipStrategy;
  /** Nodes at a time, at least 4. One half stays from beginning to end, and remembers. */
  readonly nodes: number;
  /** Distinct names in all. */
  readonly names: number;
  /** Between two replacements, virtual milliseconds; every other node leaves, the rest crash. */
  readonly everyMs: number;
}

/** What {@link churn} saw, at a tenth of the way and at its end. */
export interface ChurnResult {
  /** Most records that one node held, up to a tenth of the way and after it. */
  readonly records: readonly [number, number];
  /** Most bytes of one push/pull. */
  readonly bytes: readonly [number, number];
  /** Most broadcasts that one node held. */
  readonly broadcasts: readonly [number, number];
  /** Events in all. */
  readonly events: number;
}

/**
 * Sends many names through a small cluster. What a node holds and sends has to depend on how many come and go at a time, not on how many
 * there ever were.
 *
 * @throws {ViolationError} When the end is more than a half, and 8, above the first tenth.
 */
export function churn(options: ChurnOptions): ChurnResult {
  const { seed, strategy, nodes, names, everyMs } = options;
  const cluster = clusterOf({
    seed,
    strategy,
    algorithm: ring({ tokens: 1 }),
    latencyMs: [0.2, 2],
    rejoinIntervalMs: 60_000,
  });
  const { simulation } = cluster;
  let half: 0 | 1 = 0;
  const records: [number, number] = [0, 0];
  const bytes: [number, number] = [0, 0];
  const broadcasts: [number, number] = [0, 0];
  cluster.watch({
    written(message) {
      bytes[half] = Math.max(bytes[half], message.bytes.length);
    },
  });
  const staying = nodes >> 1;
  let named = 0;
  const boot = (index: number): void => {
    cluster.start(index, { address: "new" }).start(cluster.discover(index).slice(0, 3));
  };
  const fresh = (): string => `name${String(named++).padStart(6, "0")}`;
  for (let i = 0; i < nodes; i++) {
    boot(cluster.slot({ name: fresh(), clusterName: "sim" }).index);
    simulation.run(simulation.now + 50_000);
  }
  while (named < names) {
    const slot = cluster.slots[staying + named % (nodes - staying)]!;
    if (named % 2 === 0) slot.process?.leave();
    else slot.process?.crash();
    simulation.run(simulation.now + everyMs * 1000);
    slot.process?.crash();
    slot.name = fresh();
    boot(slot.index);
    if (named * 10 > names) half = 1;
    for (const { stats } of cluster.alive()) {
      const { alive, suspect, dead, left, queuedBroadcasts } = stats;
      records[half] = Math.max(records[half], alive + suspect + dead + left);
      broadcasts[half] = Math.max(broadcasts[half], queuedBroadcasts);
    }
  }
  for (const [what, [first, last]] of Object.entries({ records, bytes, broadcasts })) {
    if (last <= first * 1.5 + 8) continue;
    throw new ViolationError(
      "bounded",
      `${what} grew from ${first} to ${last} over ${names} names`,
    );
  }
  return { records, bytes, broadcasts, events: simulation.events };
}
