/** `deno bench -A bench/shard_bench.ts`: placement, by number of nodes. Keys are texts, hash included. */
import {
  type Algorithm,
  bounded,
  jump,
  maglev,
  multiprobe,
  type Peer,
  rendezvous,
  ring,
  sharder,
  stringKey,
} from "../shard/mod.ts";
import { benchKeys, benchPeers } from "./peers/workload.ts";

const keys = benchKeys();
const names = benchPeers(1_001).map(({ name }) => name);

let next = 0;
function key(): string {
  return keys[next++ & 8_191]!;
}

Deno.bench("stringKey()", { group: "keys", baseline: true }, () => void stringKey(key()));

for (const nodes of [10, 100, 1_000]) {
  const group = `lookup() 3 owners, ${nodes} nodes`;
  const peers: readonly Peer[] = benchPeers(nodes);
  const algorithms: readonly Algorithm[] = [
    ring(),
    rendezvous(),
    multiprobe(),
    jump(),
    maglev(),
    bounded(),
  ];
  for (const [i, algorithm] of algorithms.entries()) {
    const owners = sharder(algorithm, peers);
    Deno.bench(`${algorithm.name}() ${nodes} nodes`, { group, baseline: i === 0 }, () => {
      owners.lookup(key(), 3);
    });
  }
}

for (const nodes of [10, 100, 1_000]) {
  const group = `ring() of 512 tokens, ${nodes} nodes`;
  const placement = ring().place(names.slice(0, nodes));
  Deno.bench(`rebuild ${nodes} nodes`, { group, baseline: true }, () => {
    ring().place(names.slice(0, nodes));
  });
  Deno.bench(`add one to ${nodes} nodes`, { group }, () => void placement.with(names[nodes]!));
  Deno.bench(`remove one of ${nodes} nodes`, { group }, () => void placement.without(names[0]!));
}
