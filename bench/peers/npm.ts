/** Answers lookup measurements with other npm packages, on Deno: JSON lines in, JSON lines out. */
import { createInterface } from "node:readline";
import process from "node:process";
import ConsistentHash from "npm:consistent-hash@1.2.2";
import HashRing from "npm:hashring@3.2.0";
import { benchKeys, benchPeers } from "./workload.ts";

const keys = benchKeys();
const made = new Map<string, (key: string) => unknown>();

/** With the package's own number of points a node, or with `points`, a multiple of 4. */
function lookupOf(algorithm: string, nodes: number, points?: number): (key: string) => unknown {
  const names = benchPeers(nodes).map(({ name }) => name);
  if (algorithm === "hashring") {
    // Four points come from each hash of a node.
    const hashring = points === undefined
      ? new HashRing(names)
      : new HashRing(names, "md5", { "vnode count": points / 4 });
    return (key) => hashring.range(key, 3);
  }
  const ring = new ConsistentHash({
    distribution: "uniform",
    // A ring that is large enough for so many points; hashes have 29 bits.
    ...(points === undefined ? {} : { controlPoints: points, range: 2 ** 29 - 3 }),
  });
  for (const name of names) ring.add(name);
  return (key) => ring.get(key, 3);
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, algorithm, nodes, points, ms } = JSON.parse(line);
  const name = `${algorithm}/${nodes}/${points}`;
  const warm = made.has(name);
  const lookup = made.get(name) ?? lookupOf(algorithm, nodes, points);
  made.set(name, lookup);
  let n = 0;
  let at = 0;
  let ns = 0;
  for (const forMs of warm ? [ms] : [300, ms]) {
    const from = performance.now();
    let elapsedMs = 0;
    for (n = 0; elapsedMs < forMs; n += 16, elapsedMs = performance.now() - from) {
      for (let i = 0; i < 16; i++) lookup(keys[at++ & 8_191]!);
    }
    ns = elapsedMs * 1e6 / n;
  }
  process.stdout.write(JSON.stringify({ id, ok: true, ns, n }) + "\n");
}
