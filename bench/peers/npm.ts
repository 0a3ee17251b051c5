/** Answers lookup measurements with other npm packages, on Deno: JSON lines in, JSON lines out. */
import { createInterface } from "node:readline";
import process from "node:process";
import ConsistentHash from "npm:consistent-hash@1.2.2";
import HashRing from "npm:hashring@3.2.0";
import { benchKeys, benchPeers } from "./workload.ts";

const keys = benchKeys();
const made = new Map<string, (key: string) => unknown>();

function lookupOf(algorithm: string, nodes: number): (key: string) => unknown {
  const names = benchPeers(nodes).map(({ name }) => name);
  if (algorithm === "hashring") {
    const hashring = new HashRing(names);
    return (key) => hashring.range(key, 3);
  }
  const ring = new ConsistentHash({ distribution: "uniform" });
  for (const name of names) ring.add(name);
  return (key) => ring.get(key, 3);
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, algorithm, nodes, ms } = JSON.parse(line);
  const name = `${algorithm}/${nodes}`;
  const warm = made.has(name);
  const lookup = made.get(name) ?? lookupOf(algorithm, nodes);
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
