// deno-lint-ignore-file no-console
/**
 * Measures the simulator and the spread of news in it, and writes `bench/RESULTS-sim.md`:
 * `node --max-old-space-size=12000 bench/sim_bench.ts [--most NODES]`. Run it on a quiet machine; time is that of one core.
 *
 * Worlds of thousands of nodes cannot be formed by joins: n nodes hold n² records. So the spread is measured with one table of records
 * for all of them, which a patched copy of the protocol shares (`sharing`); nobody dies in these runs, and all else is as it ships.
 */
import { writeFile } from "node:fs/promises";
import process from "node:process";
import { parseArgs } from "node:util";
import type { GossipContext } from "../gossip/strategy.ts";
import { swim } from "../gossip/swim/swim.ts";
import type { Peer } from "../shard/peer.ts";
import { ring } from "../shard/ring.ts";
import { clusterOf } from "../sim/cluster.ts";
import { patchedSources } from "../sim/planted/load.ts";
import type { Patch } from "../sim/planted/patch.ts";
import { world } from "../sim/world.ts";

const GOSSIP_INTERVAL_MS = 200;

/** Shares one table of records between all nodes, and starts each with a view of all and a probe list begun anywhere. */
const sharing: readonly Patch[] = [{
  file: "swim/core.ts",
  search: "this.#table = new MemberTable(context.random);",
  replace:
    "this.#table = (context as unknown as { shared: { table?: MemberTable } }).shared.table ??= new MemberTable(context.random);",
}, {
  file: "swim/peer_view.ts",
  search: "readonly #sorted: Peer[] = [];",
  replace:
    "readonly #sorted: Peer[] = (globalThis as unknown as { simulatedView: readonly Peer[] }).simulatedView.slice();",
}, {
  file: "swim/probe.ts",
  search: "    this.#tickAt = turn.now",
  replace:
    "    this.#index = Math.floor(turn.random() * (globalThis as unknown as { simulatedView: readonly unknown[] }).simulatedView.length);\n    this.#tickAt = turn.now",
}];

interface Spread {
  readonly nodes: number;
  readonly virtualMs: number;
  readonly rounds: number;
  readonly cpuMs: number;
  readonly events: number;
  readonly heapMb: number;
}

interface Speed {
  readonly what: string;
  readonly events: number;
  readonly eventsPerSecond: number;
}

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

function speed(what: string, options: Parameters<typeof swim>[0]): Speed {
  const w = world({ seed: 1, nodes: 100, gossip: swim(options) });
  w.advance(30_000);
  const [began, before] = [cpuMs(), w.events];
  w.advance(600_000);
  const events = w.events - before;
  return { what, events, eventsPerSecond: events * 1000 / (cpuMs() - began) };
}

async function spread(nodes: number): Promise<Spread> {
  const folder = await patchedSources("sharing", sharing);
  const patched = await import(new URL("gossip/swim/swim.ts", folder).href) as {
    readonly swim: typeof swim;
  };
  const gossip = patched.swim({ preset: "ckit", compression: false, pushPullIntervalMs: 0 });
  const shared = {};
  const cluster = clusterOf({
    seed: 1,
    strategy: {
      name: "swim",
      create: (context: GossipContext) => gossip.create({ ...context, shared } as GossipContext),
    },
    algorithm: ring({ tokens: 1 }),
    latencyMs: [0.2, 2],
    rejoinIntervalMs: Infinity,
  });
  const width = String(nodes - 1).length;
  const view: Peer[] = [];
  for (let i = 0; i < nodes; i++) {
    const name = `n${String(i).padStart(width, "0")}`;
    const { address } = cluster.slot({ name, clusterName: "sim" });
    view.push(Object.freeze({ name, addr: address, self: false, state: "viewer" }));
  }
  (globalThis as unknown as { simulatedView: readonly Peer[] }).simulatedView = view;
  for (let i = 0; i < nodes; i++) cluster.start(i);
  const { simulation } = cluster;
  // The news of each node's own start is told first: then there is nothing left to say.
  simulation.run(90_000_000, () => {
    if (simulation.events % 10_000 !== 0) return false;
    for (const { stats } of cluster.alive()) if (stats.queuedBroadcasts > 0) return false;
    return true;
  });
  const changed = Math.floor(nodes / 2);
  let told = 0;
  cluster.watch({
    viewed(_life, { before, peers }) {
      if (before[changed]!.state !== peers[changed]!.state) told++;
    },
  });
  const [began, start, before] = [cpuMs(), simulation.now, simulation.events];
  cluster.running(changed)!.changeState("participant");
  const done = simulation.run(start + 60_000_000, () => told === nodes);
  if (!done) throw new Error(`${told} of ${nodes} heard of the change in a minute`);
  const virtualMs = (simulation.now - start) / 1000;
  return {
    nodes,
    virtualMs,
    rounds: virtualMs / GOSSIP_INTERVAL_MS,
    cpuMs: cpuMs() - began,
    events: simulation.events - before,
    heapMb: process.memoryUsage().heapUsed / 1e6,
  };
}

function markdown(speeds: readonly Speed[], spreads: readonly Spread[]): string {
  const lines = [
    "# The simulator, measured",
    "",
    `Node ${process.version}, ${process.arch}, one core, ${
      new Date().toISOString().slice(0, 10)
    }. ` +
    "Written by `bench/sim_bench.ts`.",
    "",
    "## Events in a second of one core, 100 nodes at peace for ten virtual minutes",
    "",
    "| settings | events | events/s |",
    "| --- | ---: | ---: |",
    ...speeds.map(({ what, events, eventsPerSecond }) =>
      `| ${what} | ${events} | ${Math.round(eventsPerSecond)} |`
    ),
    "",
    "## One change of state, from its start until the last node knows",
    "",
    "Preset `ckit`: gossip to 3 nodes each 200 ms, and on the back of probes.",
    "",
    "| nodes | virtual ms | rounds | log₂ N | rounds / log₂ N | events | CPU ms | heap MB |",
    "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ...spreads.map(({ nodes, virtualMs, rounds, events, cpuMs, heapMb }) =>
      `| ${nodes} | ${Math.round(virtualMs)} | ${rounds.toFixed(1)} | ${
        Math.log2(nodes).toFixed(1)
      } | ${(rounds / Math.log2(nodes)).toFixed(2)} | ${events} | ${Math.round(cpuMs)} | ${
        Math.round(heapMb)
      } |`
    ),
    "",
  ];
  return lines.join("\n");
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { most: { type: "string", default: "10000" } } });
  const speeds = [
    speed("preset `fast`, no compression", { preset: "fast", compression: false }),
    speed("preset `ckit`, no compression", { preset: "ckit", compression: false }),
    speed("preset `fast`", "fast"),
  ];
  for (const { what, eventsPerSecond } of speeds) {
    console.log(`${what}: ${Math.round(eventsPerSecond)} events/s`);
  }
  const spreads: Spread[] = [];
  for (const nodes of [100, 300, 1000, 3000, 10_000]) {
    if (nodes > Number(values.most)) break;
    const result = await spread(nodes);
    spreads.push(result);
    console.log(JSON.stringify(result));
  }
  await writeFile(new URL("RESULTS-sim.md", import.meta.url), markdown(speeds, spreads));
}
