// deno-lint-ignore-file no-console
/**
 * `deno task bench:scuttlebutt [traffic|spread|crash|churn]…`: whole clusters of Scuttlebutt in virtual time, next to the model and, for
 * traffic, next to SWIM. Writes each section into `bench/RESULTS-scuttlebutt.md`. All of them take half an hour or more, most
 * of it for a thousand nodes.
 */
import { churn, crashMs, spreadRounds, traffic } from "../gossip/scuttlebutt/_harness_scale.ts";
import { World } from "../gossip/swim/_harness.ts";
import { swim } from "../gossip/swim/swim.ts";
import { help } from "../tasks/usage.ts";

type Row = readonly (string | number)[];

const SEED = 1;
/** An entry with a key of 12 and a value of 16 bytes, and its block's header. */
const CHANGED_BYTES = 32 + 26;
/** From a node's start until it is quiet, and how long SWIM is then listened to. */
const QUIET_MS = 20_000;
const LISTEN_MS = 30_000;
const INTERVAL_MS = 500;
/** Nodes, the bytes of a packet, and rounds that are measured for each number of keys: many nodes need few rounds. */
const CLUSTERS = [
  [10, 1400, 20],
  [100, 1400, 20],
  [100, 16_384, 20],
  [1000, 1400, 6],
  [1000, 16_384, 6],
] as const;
/** From this heading on the file is kept as it is: what other commands printed. */
const OTHERS = "# Scuttlebutt, by other commands";
/** Keys that change in a round, in the whole cluster. */
const KEYS = [0, 1, 10, 50] as const;

function table(head: readonly string[], rows: readonly Row[]): string {
  const line = (cells: Row): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---:")), ...rows.map(line)].join("\n");
}

/**
 * The specification's model of idle traffic: two messages a round, each with a page. Entries here have an id `n…`, a generation of two
 * bytes, and three of one.
 */
function idleModel(nodes: number, maxPacketBytes: number): number {
  const [entry, header] = [String(nodes - 1).length + 7, 38];
  const page = Math.min(nodes, Math.floor((maxPacketBytes - header) / entry));
  return Math.round(2 * (header + entry * page) + header);
}

function swimBytes(nodes: number): number {
  const w = new World({ seed: SEED, strategy: swim("lan") });
  const lives = w.form(nodes);
  w.run(QUIET_MS);
  const sent = (): number => lives.reduce((sum, { bytesSent }) => sum + bytesSent, 0);
  const before = sent();
  w.run(LISTEN_MS);
  return Math.round((sent() - before) / nodes / (LISTEN_MS / INTERVAL_MS));
}

function trafficTable(): string {
  const rows: Row[] = [];
  const idleSwim = new Map([10, 100, 1000].map((nodes) => [nodes, swimBytes(nodes)]));
  for (const [nodes, maxPacketBytes, rounds] of CLUSTERS) {
    const { metMs, downs, bytes } = traffic({
      nodes,
      maxPacketBytes,
      keys: KEYS,
      rounds,
      seed: SEED,
    });
    console.error(`${nodes} nodes, packets of ${maxPacketBytes}: ${bytes.map(Math.round)}`);
    for (const [i, keys] of KEYS.entries()) {
      // Every node receives each changed key once, in a block of its own.
      const model = idleModel(nodes, maxPacketBytes) + keys * CHANGED_BYTES * (nodes - 1) / nodes;
      rows.push([
        nodes,
        maxPacketBytes,
        keys,
        Math.round(bytes[i]!),
        Math.round(model),
        keys === 0 ? idleSwim.get(nodes)! : "",
        keys === 0 ? (metMs / 1000).toFixed(1) : "",
        keys === 0 ? downs : "",
      ]);
    }
  }
  return table(
    [
      "nodes",
      "packet bytes",
      "keys/round",
      "measured",
      "model",
      "SWIM `lan`, idle",
      "all met after, s",
      "held for down",
    ],
    rows,
  );
}

function spread(): string {
  // The model is of whole digests. By pages of one in fourteen, a write is to be among the first that each page lists.
  const sizes = [
    [10, 65_507, 1000, 2.3],
    [100, 65_507, 100, 4.5],
    [1000, 65_507, 30, 6.3],
    [1000, 1400, 30, 6.3],
  ] as const;
  return table(
    ["nodes", "packet bytes", "writes", "mean", "most", "model, mean"],
    sizes.map(([nodes, maxPacketBytes, writes, model]) => {
      const { mean, most } = spreadRounds({ nodes, writes, seed: SEED, maxPacketBytes });
      console.error(`${nodes} nodes, packets of ${maxPacketBytes}: ${mean.toFixed(2)}`);
      return [nodes, maxPacketBytes, writes, mean.toFixed(2), most.toFixed(2), model];
    }),
  );
}

function crash(): string {
  return table(
    ["nodes", "virtual ms"],
    [10, 100].map((nodes) => [nodes, crashMs({ nodes, seed: SEED })]),
  );
}

function churned(): string {
  return table(
    ["ids", "records", "digest bytes", "most on the way", "graves"],
    [100, 1000, 10_000].map((ids) => {
      const { digestBytes, records, graves, most } = churn({ nodes: 50, ids, seed: SEED });
      return [ids, records, digestBytes, most, graves];
    }),
  );
}

const sections: readonly (readonly [name: string, title: string, run: () => string])[] = [
  ["traffic", "Bytes that a node sends in a round of 500 ms", trafficTable],
  ["spread", "Rounds until all nodes know a write", spread],
  ["crash", "From a crash until all others hold the node for down", crash],
  ["churn", "Ids that came and went through 50 nodes", churned],
];
help(import.meta.url);
const wanted = new Set(Deno.args);
const file = new URL("RESULTS-scuttlebutt.md", import.meta.url);
for (const [name, title, run] of sections) {
  if (wanted.size > 0 && !wanted.has(name)) continue;
  const part = `## ${title}\n\n${run()}\n`;
  console.log(part);
  // Each as soon as it is there: others may be measured at the same time, by processes of their own.
  await Deno.writeTextFile(
    file,
    withPart(await Deno.readTextFile(file).catch(() => ""), title, part),
  );
}

/** The file with one section in place of its older one; all else stays, and what other commands printed comes last. */
function withPart(before: string, title: string, part: string): string {
  const about = `Deno ${Deno.version.deno}, ${Deno.build.arch}, virtual time, seed ${SEED}, ` +
    `${new Date().toISOString().slice(0, 10)}. Written by \`deno task bench:scuttlebutt\`.`;
  const end = before.includes(OTHERS) ? before.indexOf(OTHERS) : before.length;
  const old = before.slice(0, end).split(/^(?=## )/m).slice(1);
  const parts = sections.flatMap(([, each]) =>
    each === title ? [part] : old.filter((one) => one.startsWith(`## ${each}\n`))
  );
  const tables = parts.map((one) => `${one.trimEnd()}\n`).join("\n");
  const others = before.slice(end);
  return `# Scuttlebutt, measured\n\n${about}\n\n${tables}${others === "" ? "" : `\n${others}`}`;
}
