/**
 * The `bench` request of our peer: how fast keys are placed.
 *
 * @module
 */
import process from "node:process";
import type { Operation, Peer } from "../shard/peer.ts";
import { type Algorithm, multiprobe, rendezvous, ring, sharder } from "../shard/mod.ts";
import { seeded } from "./seeded.ts";

/**
 * The algorithm of a name in the line protocol.
 *
 * @throws {Error} When there is none.
 */
export function algorithm(name: string, tokens = 512): Algorithm {
  switch (name) {
    case "ring":
      return ring({ tokens });
    case "rendezvous":
      return rendezvous();
    case "multiprobe":
      return multiprobe();
    default:
      throw new Error(`unsupported: algorithm ${name}`);
  }
}

/** What a `bench` request asks. */
export interface BenchRequest {
  readonly what?: string;
  readonly algorithm?: string;
  readonly tokens?: number;
  readonly nodes?: number;
  readonly count?: number;
  readonly op?: Operation;
  readonly ms?: number;
}

/** How long one operation took, over how many; `bytes`: memory that one sharder keeps, where the runtime can tell. */
export interface BenchReply {
  readonly ns: number;
  readonly n: number;
  readonly bytes?: number;
}

/** Measures for about `ms` milliseconds, blocking all else. */
export async function bench(request: BenchRequest): Promise<BenchReply> {
  const { nodes = 0, ms = 0 } = request;
  if (!(nodes > 0) || !(ms > 0)) throw new Error("unsupported: bench needs nodes and ms");
  const placed = algorithm(request.algorithm ?? "ring", request.tokens);
  switch (request.what) {
    case "lookup":
      return lookups(placed, request, nodes, ms);
    case "rebuild":
      return { ...rebuilds(placed, nodes, ms), ...await kept(placed, nodes) };
    case "add":
      return { ...adds(placed, nodes, ms), ...await kept(placed, nodes) };
    default:
      throw new Error(`unsupported: bench ${request.what}`);
  }
}

function lookups(placed: Algorithm, request: BenchRequest, nodes: number, ms: number): BenchReply {
  const random = seeded(1);
  const letters = "abcdefghijklmnopqrstuvwxyz0123456789";
  const keys = Array.from(
    { length: 8_192 },
    () =>
      Array.from(
        { length: 1 + Math.floor(random() * 64) },
        () => letters[Math.floor(random() * 36)],
      ).join(""),
  );
  const on = sharder(placed, peers(nodes));
  const { count = 1, op = "readWrite" } = request;
  const run = (limitMs: number): BenchReply => {
    const began = performance.now();
    for (let n = 0;;) {
      for (let i = 0; i < 64; i++, n++) on.lookup(keys[n & 8_191]!, count, op);
      const took = performance.now() - began;
      if (took >= limitMs) return { ns: took * 1e6 / n, n };
    }
  };
  run(ms / 10);
  return run(ms);
}

function rebuilds(placed: Algorithm, nodes: number, ms: number): BenchReply {
  const all = peers(nodes);
  return timed(ms, () => {
    const began = performance.now();
    sharder(placed, all);
    return performance.now() - began;
  });
}

function adds(placed: Algorithm, nodes: number, ms: number): BenchReply {
  const all = peers(nodes + 1);
  const before = sharder(placed, all.slice(0, nodes));
  return timed(ms, () => {
    const began = performance.now();
    before.withPeers(all);
    return performance.now() - began;
  });
}

function timed(ms: number, once: () => number): BenchReply {
  const began = performance.now();
  let took = 0;
  let n = 0;
  do {
    took += once();
    n++;
  } while (performance.now() - began < ms);
  return { ns: took * 1e6 / n, n };
}

async function kept(placed: Algorithm, nodes: number): Promise<{ bytes?: number }> {
  const { gc, Bun } = globalThis as {
    gc?: () => void;
    Bun?: { gc(synchronous: boolean): void };
  };
  const collect = gc ?? (Bun === undefined ? undefined : () => Bun.gc(true));
  if (collect === undefined) return {};
  const used = async () => {
    for (let i = 0; i < 3; i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const all = peers(nodes);
  const before = await used();
  const held = [1, 2, 3].map(() => sharder(placed, all));
  const after = await used();
  return { bytes: Math.max(0, Math.round((after - before) / held.length)) };
}

function peers(count: number): Peer[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `node-${i}`,
    addr: `10.0.${i >> 8}.${i & 255}:8080`,
    self: false,
    state: "participant",
  }));
}
