/**
 * What a cluster costs that does nothing: bytes, packets, processor time and memory of each node; and how fast news travels in it. Run by
 * hand, on a quiet machine.
 *
 * @module
 */
import { delay } from "@std/async";
import type { Cluster, Member } from "./cluster.ts";
import type { PeerKind } from "./kinds.ts";
import { type Lab, participate, type Scenario } from "./scenario.ts";

/** How long a cluster is left alone before it is measured. */
const settleSeconds = 30;

/** What one node of a kind costs. */
interface Cost {
  readonly kind: string;
  readonly processes: number;
  readonly bytesPerSecond: number;
  readonly packetsPerSecond: number;
  readonly cpuMsPerSecond: number;
  readonly residentMegabytes: number;
  readonly stateChangeSeconds: number;
  readonly crashSeconds: number;
}

/** Idle clusters of Go and of ours beside each other. */
export const idle: Scenario = {
  name: "idle",
  about: "what each of many idle nodes costs, Go and ours beside each other",
  processes: Infinity,
  byHand: true,
  async run(lab) {
    const costs: Cost[] = [];
    for (const kind of [lab.go(0), ...lab.ours]) costs.push(await costOf(lab, kind));
    return `${lab.idleNodes} nodes of each kind, measured for ${idleSeconds(lab)} s\n${
      table(costs)
    }`;
  },
};

function idleSeconds({ seconds = 60 }: Lab): number {
  return seconds;
}

async function costOf(lab: Lab, kind: PeerKind): Promise<Cost> {
  const netns = `ck-idle-${kind.name}-${Deno.pid}`;
  await ip("netns", "add", netns);
  lab.defer(() => ip("netns", "del", netns));
  await ip("netns", "exec", netns, "ip", "link", "set", "lo", "up");
  const cluster = lab.cluster({ netns });
  try {
    const members = await populate(lab, cluster, kind);
    const pids = [...new Set(members.map((member) => member.program.pid))];
    await delay(settleSeconds * 1_000);
    const before = sample(pids);
    await delay(idleSeconds(lab) * 1_000);
    const after = sample(pids);
    const seconds = (after.at - before.at) / 1_000;
    const per = (total: number) => total / seconds / members.length;

    // The one that changes and the one that crashes have a process each.
    const [changing, crashing] = [members[1]!, members[2]!];
    const changed = Date.now();
    await cluster.state(changing, "terminating");
    const told = await cluster.agree({ withinMs: 60_000, keys: 0 });
    const stateChangeSeconds = ((told.at || Date.now()) - changed) / 1_000;
    const crashed = Date.now();
    await cluster.kill(crashing);
    const noticed = await cluster.agree({ withinMs: 300_000, keys: 0 });
    const crashSeconds = ((noticed.at || Date.now()) - crashed) / 1_000;
    return {
      kind: kind.name,
      processes: pids.length,
      bytesPerSecond: per(after.bytes - before.bytes),
      packetsPerSecond: per(after.packets - before.packets),
      cpuMsPerSecond: per(after.cpuMs - before.cpuMs),
      residentMegabytes: after.residentBytes / members.length / 1e6,
      stateChangeSeconds,
      crashSeconds,
    };
  } finally {
    await cluster.close();
  }
}

async function populate(lab: Lab, cluster: Cluster, kind: PeerKind): Promise<Member[]> {
  const seed = await cluster.add(kind, "node-seed");
  const members = [seed];
  // Few at a time, and told before the next come: a machine that forms it all at once thinks half of them dead.
  const batch = 4;
  while (members.length < lab.idleNodes) {
    const names = Array.from(
      { length: Math.min(batch, lab.idleNodes - members.length) },
      (_, i) => `node-${members.length + i}`,
    );
    const added = names.map((name) => cluster.spawn(kind, name));
    // A process that still starts up would not be through with its join in time.
    await Promise.all(added.map((member) => member.program.request({ do: "peers" })));
    for (const member of added) await joinAtLast(cluster, member, seed);
    await participate(cluster, added);
    members.push(...added);
  }
  await participate(cluster, [seed]);
  await cluster.agree({ withinMs: 400_000, keys: 0 });
  return members;
}

/** Joins, however long the machine needs for it: only what comes after is measured. */
async function joinAtLast(cluster: Cluster, member: Member, seed: Member): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await cluster.join(member, [seed]);
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}

interface Sample {
  readonly at: number;
  readonly bytes: number;
  readonly packets: number;
  readonly cpuMs: number;
  readonly residentBytes: number;
}

/** Counts of the namespace's loopback interface, where everything sent is received once, and of the processes. */
function sample(pids: readonly number[]): Sample {
  const lines = Deno.readTextFileSync(`/proc/${pids[0]}/net/dev`).split("\n");
  const loopback = lines.find((line) => line.trim().startsWith("lo:"))!;
  const received = loopback.split(":")[1]!.trim().split(/\s+/).map(Number);
  let cpuMs = 0;
  let residentBytes = 0;
  for (const pid of pids) {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ");
    // Clock ticks are hundredths of a second on Linux.
    cpuMs += (Number(stat[11]) + Number(stat[12])) * 10;
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    residentBytes += Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1_024;
  }
  return {
    at: performance.now(),
    bytes: received[0]!,
    packets: received[1]!,
    cpuMs,
    residentBytes,
  };
}

async function ip(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("ip", { args, stderr: "piped" }).output();
  if (!success) {
    throw new Error(
      `Cannot measure without a network namespace of one's own: ip ${args.join(" ")}: ${
        new TextDecoder().decode(stderr).trim()
      }`,
    );
  }
}

function table(costs: readonly Cost[]): string {
  const row = (name: string, value: (cost: Cost) => string) =>
    `| ${name} | ${costs.map(value).join(" | ")} |`;
  return [
    row("each node", (cost) => cost.kind),
    `| --- |${" ---: |".repeat(costs.length)}`,
    row("processes in all", (cost) => `${cost.processes}`),
    row("bytes sent a second", (cost) => cost.bytesPerSecond.toFixed(0)),
    row("IP packets sent a second", (cost) => cost.packetsPerSecond.toFixed(1)),
    row("CPU, ms a second", (cost) => cost.cpuMsPerSecond.toFixed(2)),
    row("resident memory, MB", (cost) => cost.residentMegabytes.toFixed(1)),
    row("state change known everywhere, s", (cost) => cost.stateChangeSeconds.toFixed(2)),
    row("crash known everywhere, s", (cost) => cost.crashSeconds.toFixed(1)),
  ].join("\n");
}
