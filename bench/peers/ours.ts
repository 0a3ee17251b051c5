/**
 * Answers the `bench` requests of the line protocol with this library: JSON lines in, JSON lines out, until the input ends. Runs on Deno, Bun
 * and Node, one request at a time.
 */
import { createInterface } from "node:readline";
import process from "node:process";
import {
  type Algorithm,
  multiprobe,
  rendezvous,
  ring,
  type RingPlacement,
  type Sharder,
  sharder,
} from "../../shard/mod.ts";
import { benchKeys, benchPeers } from "./workload.ts";

/** A request for a measurement. */
export interface BenchRequest {
  /** Number that the reply repeats. */
  readonly id?: number;
  /** What to measure. */
  readonly what: "lookup" | "rebuild" | "add";
  /** `ring`, `rendezvous` or `multiprobe`. */
  readonly algorithm: string;
  /** Tokens of a node of a ring. */
  readonly tokens: number;
  /** How many nodes. */
  readonly nodes: number;
  /** Owners a lookup. */
  readonly count?: number;
  /** How many different keys, a power of two. @default {8_192} */
  readonly distinct?: number;
  /** For how long, in milliseconds. */
  readonly ms: number;
}

/** A measurement. */
export interface BenchReply {
  /** Mean time of one, in nanoseconds. */
  readonly ns: number;
  /** How many were measured. */
  readonly n: number;
  /** Bytes that the token table keeps. */
  readonly bytes?: number;
}

function algorithmOf({ algorithm, tokens }: BenchRequest): Algorithm {
  if (algorithm === "ring") return ring({ tokens });
  if (algorithm === "rendezvous") return rendezvous();
  if (algorithm === "multiprobe") return multiprobe();
  throw new RangeError(`Cannot measure as 'algorithm' is unknown: current value is ${algorithm}`);
}

const pools = new Map<number, readonly string[]>();
/** Made once and warmed up once: JIT compilation is not what is measured. */
const sharders = new Map<string, Sharder>();

function lookups(request: BenchRequest): BenchReply {
  const { algorithm, tokens, nodes, count = 3, ms, distinct = 8_192 } = request;
  if (!pools.has(distinct)) pools.set(distinct, benchKeys(distinct));
  const keys = pools.get(distinct)!;
  const name = `${algorithm}/${tokens}/${nodes}`;
  let owners = sharders.get(name);
  let at = 0;
  let found = 0;
  const run = (sharded: Sharder, forMs: number): BenchReply => {
    const from = performance.now();
    let n = 0;
    let elapsedMs = 0;
    while (elapsedMs < forMs) {
      for (let i = 0; i < 64; i++) {
        found += sharded.lookup(keys[at & (distinct - 1)]!, count).length;
        at++;
      }
      n += 64;
      elapsedMs = performance.now() - from;
    }
    return { ns: elapsedMs * 1e6 / n, n };
  };
  if (owners === undefined) {
    owners = sharder(algorithmOf(request), benchPeers(nodes));
    sharders.set(name, owners);
    run(owners, 500);
  }
  const reply = run(owners, ms);
  if (found === 0) throw new Error("nothing was looked up");
  return reply;
}

function changes(request: BenchRequest): BenchReply {
  const { what, nodes, ms } = request;
  const algorithm = algorithmOf(request);
  const peers = benchPeers(nodes + 1);
  const few = peers.slice(0, nodes);
  const before = sharder(algorithm, few);
  const table = algorithm.place(few.map(({ name }) => name)) as RingPlacement;
  let n = 0;
  let spentMs = 0;
  const started = performance.now();
  while (n < 3 || performance.now() - started < ms) {
    const from = performance.now();
    if (what === "rebuild") sharder(algorithm, few);
    else before.withPeers(peers);
    // The first two compile.
    if (n++ >= 2) spentMs += performance.now() - from;
  }
  return { ns: spentMs * 1e6 / (n - 2), n: n - 2, bytes: table.tableBytes };
}

/** Measures. */
export function measure(request: BenchRequest): BenchReply {
  return request.what === "lookup" ? lookups(request) : changes(request);
}

if (import.meta.main ?? process.argv[1]?.endsWith("ours.ts")) {
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as BenchRequest;
    process.stdout.write(JSON.stringify({ id: request.id, ok: true, ...measure(request) }) + "\n");
  }
}
