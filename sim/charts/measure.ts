/**
 * What the charts show, measured in small worlds of their own: how news spreads, how fast a death is noticed, what is mistaken for one,
 * and what all that costs.
 *
 * @module
 */
import type { GossipStrategy } from "../../gossip/strategy.ts";
import { ring } from "../../shard/ring.ts";
import { type Cluster, clusterOf } from "../cluster.ts";

/** Where something is measured. */
export interface Setting {
  readonly strategy: GossipStrategy;
  readonly nodes: number;
  readonly seed: number;
  /** Share of packets lost while it is measured. @default {0} */
  readonly loss?: number;
}

const CLUSTER_NAME = "sim";

/** A cluster whose nodes have found each other and have nothing left to tell. */
function formed({ strategy, nodes, seed }: Setting): Cluster {
  const cluster = clusterOf({
    seed,
    strategy,
    algorithm: ring({ tokens: 1 }),
    latencyMs: [0.5, 5],
    rejoinIntervalMs: 60_000,
  });
  const { simulation } = cluster;
  const width = String(nodes - 1).length;
  for (let i = 0; i < nodes; i++) {
    const name = `n${String(i).padStart(width, "0")}`;
    const { index } = cluster.slot({ name, clusterName: CLUSTER_NAME });
    cluster.start(index).start(i === 0 ? [] : [cluster.slots[0]!.address]);
    simulation.run(simulation.now + 20_000);
  }
  const quiet = (): boolean => {
    for (const { stats } of cluster.alive()) if (stats.queuedBroadcasts > 0) return false;
    return cluster.converged();
  };
  for (let tries = 0; !quiet(); tries++) {
    if (tries === 600) throw new Error(`${nodes} nodes do not settle: ${cluster.disagreement()}`);
    simulation.run(simulation.now + 1_000_000);
  }
  return cluster;
}

function loseSome(cluster: Cluster, loss: number | undefined): void {
  if (loss !== undefined && loss > 0) cluster.network.skies.begin({ loss });
}

/**
 * Some nodes, one after the other, declare another state: when does each of the others know? For each of those some: milliseconds
 * after, in order; who does not hear of it in two minutes is missing.
 */
export function spreadMs(
  setting: Setting,
  times: number,
): readonly (readonly number[])[] {
  const cluster = formed(setting);
  const { simulation } = cluster;
  loseSome(cluster, setting.loss);
  let [teller, start] = [-1, 0];
  let heard = new Map<number, number>();
  cluster.watch({
    viewed(life, { peers }) {
      if (life.slot === teller || heard.has(life.slot)) return;
      const { name } = cluster.slots[teller]!;
      if (!peers.some((peer) => peer.name === name && peer.state === "participant")) return;
      heard.set(life.slot, (simulation.now - start) / 1000);
    },
  });
  const all: (readonly number[])[] = [];
  for (let i = 0; i < times && i < setting.nodes; i++) {
    [teller, start, heard] = [i, simulation.now, new Map()];
    cluster.running(teller)!.changeState("participant");
    simulation.run(start + 120_000_000, () => heard.size === setting.nodes - 1);
    all.push([...heard.values()]);
    simulation.run(simulation.now + 5_000_000);
  }
  return all;
}

/** One node dies without a word: when has each of the others lost it? Milliseconds after, in order. */
export function detectionMs(setting: Setting): readonly number[] {
  const cluster = formed(setting);
  const { simulation } = cluster;
  const victim = setting.nodes >> 1;
  const { name } = cluster.slots[victim]!;
  const lost = new Map<number, number>();
  const start = simulation.now;
  loseSome(cluster, setting.loss);
  cluster.watch({
    viewed(life, { peers }) {
      if (lost.has(life.slot) || peers.some((peer) => peer.name === name)) return;
      lost.set(life.slot, (simulation.now - start) / 1000);
    },
  });
  cluster.running(victim)!.crash();
  simulation.run(start + 600_000_000, () => lost.size === setting.nodes - 1);
  return [...lost.values()].sort((a, b) => a - b);
}

/** One node is cut off from all others: when has it lost all of them? Milliseconds after; `Infinity`: not in ten minutes. */
export function solitudeMs(setting: Setting): number {
  const cluster = formed(setting);
  const { simulation } = cluster;
  const lone = setting.nodes >> 1;
  const start = simulation.now;
  cluster.network.skies.begin({
    cut: true,
    covers: (from, to) => (from === lone) !== (to === lone),
  });
  const alone = (): boolean => cluster.running(lone)!.peers.length === 1;
  return simulation.run(start + 600_000_000, alone) ? (simulation.now - start) / 1000 : Infinity;
}

/** Nobody dies, much is lost: how many living ones does the average node lose from its view in an hour? */
export function falseDeathsAnHour(setting: Setting & { readonly forMs: number }): number {
  const cluster = formed(setting);
  const { simulation } = cluster;
  let lost = 0;
  loseSome(cluster, setting.loss);
  cluster.watch({
    viewed(_life, { before, peers }) {
      lost += Math.max(0, before.length - peers.length);
    },
  });
  simulation.run(simulation.now + setting.forMs * 1000);
  return lost / setting.nodes * 3_600_000 / setting.forMs;
}

/** What a node sends, bytes a second, at peace. */
export interface Traffic {
  /** In packets: probes, their answers, and news. */
  readonly packets: number;
  /** In streams: whole states. */
  readonly streams: number;
}

/** Counts what is sent for a while. Headers of the transport are not included. */
export function traffic(setting: Setting & { readonly forMs: number }): Traffic {
  const cluster = formed(setting);
  const { simulation } = cluster;
  let [packets, streams] = [0, 0];
  loseSome(cluster, setting.loss);
  cluster.watch({
    sent({ bytes }) {
      packets += bytes.length;
    },
    written({ bytes }) {
      streams += bytes.length;
    },
  });
  simulation.run(simulation.now + setting.forMs * 1000);
  const perSecond = 1000 / setting.forMs / setting.nodes;
  return { packets: packets * perSecond, streams: streams * perSecond };
}
