/**
 * `deno run -A bench/scuttlebutt.ts [traffic|spread|crash|churn]…`: whole clusters of Scuttlebutt in virtual time, next to the model and, for traffic, next
 * to SWIM. The large ones take minutes.
 */
import {
  churn,
  crashMs,
  spreadRounds,
  trafficBytes,
} from "../gossip/scuttlebutt/_harness_scale.ts";
import { World } from "../gossip/swim/_harness.ts";
import { swim } from "../gossip/swim/swim.ts";

const wanted = new Set(Deno.args);
const chosen = (name: string): boolean => wanted.size === 0 || wanted.has(name);
const pad = (value: string | number, width = 10): string => String(value).padStart(width);

/** The specification's model of idle traffic: two messages a round, each with a page. Entries here have an id `n…`, a generation of two bytes, and three of one. */
function idleModel(nodes: number, maxPacketBytes: number): number {
  const [entry, header] = [String(nodes - 1).length + 7, 38];
  const page = Math.min(nodes, Math.floor((maxPacketBytes - header) / entry));
  return Math.round(2 * (header + entry * page) + header);
}

if (chosen("traffic")) {
  console.log("bytes sent by a node in a round of 500 ms");
  console.log("  nodes  packet   keys/round   measured      model     SWIM(lan)");
  for (const [nodes, maxPacketBytes] of [[10, 1400], [100, 1400], [100, 16_384]] as const) {
    const w = new World({ seed: 1, strategy: swim("lan") });
    const lives = w.form(nodes);
    w.run(20_000);
    const before = lives.reduce((sum, { bytesSent }) => sum + bytesSent, 0);
    w.run(30_000);
    const swimBytes = Math.round(
      (lives.reduce((sum, { bytesSent }) => sum + bytesSent, 0) - before) / nodes / 60,
    );
    for (const keys of [0, 1, 10, 50]) {
      const bytes = trafficBytes({ nodes, maxPacketBytes, keys, rounds: 20, seed: 1 });
      // Every node receives each changed key once, in a block of its own.
      const model = idleModel(nodes, maxPacketBytes) + keys * (32 + 26) * (nodes - 1) / nodes;
      console.log(
        pad(nodes, 7),
        pad(maxPacketBytes, 7),
        pad(keys, 12),
        pad(Math.round(bytes)),
        pad(Math.round(model)),
        keys === 0 ? pad(swimBytes, 13) : "",
      );
    }
  }
}
if (chosen("spread")) {
  console.log("rounds until all know a write");
  console.log("  nodes    writes     mean     most    model");
  for (
    const [nodes, writes, model] of [[10, 1000, 2.3], [100, 60, 4.5], [1000, 10, 6.3]] as const
  ) {
    const { mean, most } = spreadRounds({ nodes, writes, seed: 1, maxPacketBytes: 65_507 });
    console.log(
      pad(nodes, 7),
      pad(writes, 9),
      ...[mean, most, model].map((x) => pad(x.toFixed(2), 8)),
    );
  }
}
if (chosen("crash")) {
  for (const nodes of [10, 100]) {
    console.log(
      `a crash is known to all of ${nodes} nodes after ${crashMs({ nodes, seed: 1 })} ms`,
    );
  }
}
if (chosen("churn")) {
  for (const ids of [100, 1000, 10_000]) {
    const { digestBytes, records, graves, most } = churn({ nodes: 50, ids, seed: 1 });
    console.log(
      `${ids} ids through 50 nodes: ${records} records, ${digestBytes} bytes of digest (${most} at most), ${graves} graves`,
    );
  }
}
