/**
 * `deno run -A bench/wal_bench.ts [directory]`, and the same with `bun` and `node`: how many batches a second the log makes durable, one at
 * a time, and with 64 and 1,024 waiting.
 *
 * Each batch holds one entry of 256 bytes. The directory must be on the disk that is meant: a temporary one may be in memory.
 */
import { mkdtemp, rm } from "node:fs/promises";
import process from "node:process";
import type { Persist } from "../raft/log_store.ts";
import { FileLogStore } from "../raft/wal/file_log_store.ts";
import { MemoryLogStore } from "../raft/wal/memory_log_store.ts";
import type { LogStore } from "../raft/log_store.ts";

const ENTRY_BYTES = 256;
const SECONDS = 3;
const data = new Uint8Array(ENTRY_BYTES).fill(7);

interface Load {
  readonly waiting: number;
  readonly perBatch: number;
}

/** Keeps `waiting` batches under way for some seconds. @returns Milliseconds that each took. */
async function load(
  store: LogStore,
  { waiting, perBatch }: Load,
  seconds: number,
): Promise<number[]> {
  const until = performance.now() + 1000 * seconds;
  const took: number[] = [];
  let index = store.stats.lastIndex + 1;
  const chain = async () => {
    while (performance.now() < until) {
      const entries: Persist["entries"] = Array.from(
        { length: perBatch },
        () => ({ index: index++, term: 1, kind: "command", data }) as const,
      );
      const begun = performance.now();
      await store.persist({ type: "persist", token: index, entries, sync: true });
      took.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: waiting }, chain));
  return took;
}

async function measure(name: string, open: () => Promise<LogStore>, what: Load): Promise<void> {
  const store = await open();
  await load(store, what, 0.5);
  const before = store.stats;
  const begun = performance.now();
  const took = (await load(store, what, SECONDS)).sort((a, b) => a - b);
  const seconds = (performance.now() - begun) / 1000;
  const syncs = store.stats.syncs - before.syncs;
  await store.close();
  const at = (part: number) => took[Math.floor(part * (took.length - 1))]!.toFixed(3);
  console.log(
    [
      name.padEnd(8),
      `${what.waiting} waiting`.padStart(13),
      `${what.perBatch} a batch`.padStart(12),
      `${Math.round(took.length / seconds)} batches/s`.padStart(19),
      `${Math.round(took.length * what.perBatch / seconds)} entries/s`.padStart(20),
      `${Math.round(syncs / seconds)} syncs/s`.padStart(14),
      `p50 ${at(0.5)} ms`.padStart(14),
      `p99 ${at(0.99)} ms`.padStart(14),
    ].join(" "),
  );
}

const parent = process.argv[2] ?? ".";
const directory = await mkdtemp(`${parent}/.wal-bench-`);
let count = 0;
const onDisk = async () => {
  const options = { directory: `${directory}/${count++}`, cluster: "bench", nodeId: "a" };
  const store = new FileLogStore(options);
  await store.open();
  return store;
};
const inMemory = async () => {
  const store = new MemoryLogStore();
  await store.open();
  return store;
};
try {
  for (const waiting of [1, 64, 1024]) await measure("file", onDisk, { waiting, perBatch: 1 });
  await measure("file", onDisk, { waiting: 4, perBatch: 256 });
  await measure("memory", inMemory, { waiting: 64, perBatch: 1 });
} finally {
  await rm(directory, { recursive: true });
}
