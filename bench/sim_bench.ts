// deno-lint-ignore-file no-console
/**
 * Measures the simulator, the spread of news in it, what campaigns play and how they find planted bugs, and writes
 * `bench/RESULTS-sim.md`: `node --max-old-space-size=12000 bench/sim_bench.ts [--sections speed,spread,campaign,planted]
 * [--protocols swim,scuttlebutt,raft] [--most NODES] [--seeds N] [--rounds N] [--resume FILE]`. What is not measured stays in the file as it was. Run it
 * on a quiet machine; times of speed and spread are those of one core.
 *
 * Worlds of thousands of nodes cannot be formed by joins: n nodes hold n² records. So the spread is measured with one table of records
 * for all of them, which a patched copy of the protocol shares (`sharing`); nobody dies in these runs, and all else is as it ships.
 */
import { readFile, writeFile } from "node:fs/promises";
import process from "node:process";
import { parseArgs } from "node:util";
import { availableParallelism } from "node:os";
import type { GossipContext } from "../gossip/strategy.ts";
import { swim } from "../gossip/swim/swim.ts";
import type { Peer } from "../shard/peer.ts";
import { ring } from "../shard/ring.ts";
import { joined } from "../sim/campaign.ts";
import { clusterOf } from "../sim/cluster.ts";
import { patchedSources } from "../sim/planted/load.ts";
import type { Patch } from "../sim/planted/patch.ts";
import type { AnyProtocol } from "../sim/protocol.ts";
import { plantedBugs } from "../sim/planted/all.ts";
import { swim as played } from "../sim/protocols/swim.ts";
import { protocols } from "../sim/protocols/all.ts";
import { reportOf } from "../sim/report.ts";
import { SituationCounter } from "../sim/situations.ts";
import { draw } from "../sim/swarm.ts";
import { world } from "../sim/world.ts";
import { seedJobs, weightOf } from "../tasks/sim_jobs.ts";
import { huntAll, markdownOf, record, summaryOf } from "../tasks/sim_planted.ts";
import { doRest } from "../tasks/sim_kept.ts";

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
  return { what, ...best(() => w.events, () => w.advance(600_000)) };
}

/** The best of three times ten virtual minutes: what else the machine does only ever slows it down. */
function best(count: () => number, tenMinutes: () => void): Omit<Speed, "what"> {
  const runs = Array.from({ length: 3 }, () => {
    const [began, before] = [cpuMs(), count()];
    tenMinutes();
    const events = count() - before;
    return { events, eventsPerSecond: events * 1000 / (cpuMs() - began) };
  });
  return runs.reduce((a, b) => a.eventsPerSecond > b.eventsPerSecond ? a : b);
}

/** The same with all that a campaign watches: invariants after every step, situations. */
function checkedSpeed(what: string): Speed {
  const settings = { preset: "fast", compression: false };
  const cluster = clusterOf({
    seed: 1,
    strategy: played.strategy(settings),
    algorithm: ring({ tokens: 8 }),
    latencyMs: [0.2, 2],
    rejoinIntervalMs: 60_000,
  });
  const situations = new SituationCounter(cluster);
  cluster.watch(situations);
  for (const watcher of played.watch({ cluster, settings, situations })) cluster.watch(watcher);
  const { simulation } = cluster;
  for (let i = 0; i < 100; i++) {
    cluster.slot({ name: `n${String(i).padStart(2, "0")}`, clusterName: "sim" });
    cluster.start(i).start(i === 0 ? [] : [cluster.slots[0]!.address]);
  }
  simulation.run(60_000_000);
  const tenMinutes = () => void simulation.run(simulation.now + 600_000_000);
  return { what, ...best(() => simulation.events, tenMinutes) };
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

const TITLES = {
  speed: "Events in a second of one core, 100 nodes at peace for ten virtual minutes",
  spread: "One change of state, from its start until the last node knows",
} as const;
const CAMPAIGN = "A campaign";
/** Where the ranges of sizes begin that are counted. */
const SIZES = [0, 21, 61, 101, 300, 600, 900] as const;
const PLANTED = "Seeds until a planted bug is found";

function speedSection(): string {
  const measured = [
    speed("preset `fast`, no compression", { preset: "fast", compression: false }),
    checkedSpeed("preset `fast`, no compression, every invariant after every step"),
    speed("preset `ckit`, no compression", { preset: "ckit", compression: false }),
    speed("preset `fast`", "fast"),
  ];
  return [
    "CPU time, the best of three.",
    "",
    "| settings | events | events/s |",
    "| --- | ---: | ---: |",
    ...measured.map(({ what, events, eventsPerSecond }) =>
      `| ${what} | ${events} | ${Math.round(eventsPerSecond)} |`
    ),
  ].join("\n");
}

async function spreadSection(most: number): Promise<string> {
  const lines = [
    "Preset `ckit`: gossip to 3 nodes each 200 ms, and on the back of probes.",
    "",
    "| nodes | virtual ms | rounds | log₂ N | rounds / log₂ N | events | CPU ms | heap MB |",
    "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
  ];
  for (const nodes of [100, 300, 1000, 3000, 10_000]) {
    if (nodes > most) break;
    const { virtualMs, rounds, events, cpuMs, heapMb } = await spread(nodes);
    const bound = Math.log2(nodes);
    lines.push(
      `| ${nodes} | ${Math.round(virtualMs)} | ${rounds.toFixed(1)} | ${bound.toFixed(1)} | ${
        (rounds / bound).toFixed(2)
      } | ${events} | ${Math.round(cpuMs)} | ${Math.round(heapMb)} |`,
    );
  }
  return lines.join("\n");
}

async function campaignSection(
  protocol: AnyProtocol,
  count: number,
  file: string | undefined,
): Promise<string> {
  const { name } = protocol;
  const workers = availableParallelism();
  const seeds = { kind: "seeds", protocol: name, announced: false, from: 1, count } as const;
  const done = await doRest(seedJobs(seeds, workers), {
    workers,
    weight: weightOf,
    say: console.log,
    file,
  });
  const sum = (times: readonly number[]): number => times.reduce((a, b) => a + b, 0);
  const report = reportOf(
    protocol,
    joined(protocol, done.map(({ campaign }) => campaign!)),
    sum(done.map(({ elapsedMs }) => elapsedMs)),
  );
  const cpuMinutes = sum(done.map((job) => job.cpuMs)) / 60_000;
  // Of the whole process so far, kilobytes.
  const mostGb = process.resourceUsage().maxRSS / 1e6;
  const sizes = Array.from({ length: count }, (_, i) => draw(protocol, { seed: 1 + i }).nodes);
  const { events, virtualHours, elapsedMs, worstRecoveryMs, failures } = report;
  return [
    `\`deno task sim --protocol ${name} --from 1 --seeds ${count}\`: ${failures.length} failed. ` +
    `${events} events in ${Math.round(virtualHours)} virtual hours; the slowest recovery took ${
      Math.round(worstRecoveryMs / 1000)
    } s of them. Played in ${cpuMinutes.toFixed(1)} minutes of CPU time, ${
      (elapsedMs / 60_000).toFixed(1)
    } minutes of a thread of a machine with other work, by ${workers} threads with ${
      mostGb.toFixed(1)
    } GB at most.`,
    ...failures.map(({ seed, kind, invariant, detail }) =>
      `Seed ${seed}: ${invariant} (${kind}), ${detail}.`
    ),
    "",
    ...sizesTable(sizes),
    "",
    "| what occurred | in runs | times |",
    "| --- | ---: | ---: |",
    ...report.situations.map(({ situation, runs, hits }) => `| ${situation} | ${runs} | ${hits} |`),
  ].join("\n");
}

/** How many worlds there were of which sizes. */
function sizesTable(sizes: readonly number[]): readonly string[] {
  const least = [...SIZES].filter((from) => sizes.some((size) => size >= from));
  const [smallest, largest] = [Math.min(...sizes), Math.max(...sizes)];
  return [
    "| nodes | worlds |",
    "| ---: | ---: |",
    ...least.map((from, i) => {
      const below = least[i + 1] ?? Infinity;
      const worlds = sizes.filter((size) => size >= from && size < below).length;
      return `| ${Math.max(from, smallest)} to ${Math.min(below - 1, largest)} | ${worlds} |`;
    }),
  ];
}

async function plantedSection(
  protocol: AnyProtocol,
  rounds: number,
  file: string | undefined,
): Promise<string> {
  const { name } = protocol;
  const bugs = plantedBugs.get(name) ?? [];
  const found = await huntAll(protocol, bugs, { from: 1, rounds, say: console.log, file });
  await record(protocol, found);
  const [median] = summaryOf(found);
  return [
    `\`deno task sim --protocol ${name} --planted --rounds ${rounds}\`: each round begins with other seeds. The ${median}.`,
    "",
    markdownOf(bugs, found),
  ].join("\n").trimEnd();
}

/** The sections of a file, by title. */
function sectionsOf(text: string): Map<string, string> {
  const sections = new Map<string, string>();
  for (const section of text.split(/^## /m).slice(1)) {
    const end = section.indexOf("\n");
    sections.set(section.slice(0, end), section.slice(end).trim());
  }
  return sections;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      most: { type: "string", default: "10000" },
      seeds: { type: "string", default: "500" },
      rounds: { type: "string", default: "5" },
      resume: { type: "string" },
      sections: { type: "string", default: "speed,spread,campaign,planted" },
      protocols: { type: "string", default: [...protocols.keys()].join(",") },
    },
  });
  const file = new URL("RESULTS-sim.md", import.meta.url);
  const { deno } = process.versions;
  const runtime = deno === undefined ? `Node ${process.version}` : `Deno ${deno}`;
  const measuredNow = new Map<string, string>();
  // In the order in which they stand in the file.
  const measures = new Map<string, () => string | Promise<string>>([
    [TITLES.speed, speedSection],
    [TITLES.spread, () => spreadSection(Number(values.most))],
    ...[...protocols].map(([name, protocol]) =>
      [
        `${CAMPAIGN}: ${name}`,
        () => campaignSection(protocol, Number(values.seeds), values.resume),
      ] as const
    ),
    ...[...protocols].map(([name, protocol]) =>
      [
        `${PLANTED}: ${name}`,
        () => plantedSection(protocol, Number(values.rounds), values.resume),
      ] as const
    ),
  ]);
  const wanted = new Set<string>();
  for (const section of values.sections.split(",")) {
    if (section === "speed" || section === "spread") wanted.add(TITLES[section]);
    for (const name of values.protocols.split(",")) {
      if (section === "campaign") wanted.add(`${CAMPAIGN}: ${name}`);
      else if (section === "planted") wanted.add(`${PLANTED}: ${name}`);
    }
  }
  for (const [title, measure] of measures) {
    if (!wanted.has(title)) continue;
    const measured = await measure();
    console.log(measured);
    const made = `${runtime}, ${process.arch}, ${new Date().toISOString().slice(0, 10)}.`;
    measuredNow.set(title, `${made}\n\n${measured}`);
  }
  // Read only now: another run may have measured another section meanwhile.
  const sections = sectionsOf(await readFile(file, "utf8").catch(() => ""));
  for (const [title, section] of measuredNow) sections.set(title, section);
  const text = [...measures.keys()].filter((title) => sections.has(title))
    .map((title) => `## ${title}\n\n${sections.get(title)}\n`).join("\n");
  await writeFile(
    file,
    `# The simulator, measured\n\nWritten by \`bench/sim_bench.ts\`.\n\n${text}`,
  );
}
