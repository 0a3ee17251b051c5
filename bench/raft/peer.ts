/**
 * A node of `@ck/cluster/raft` that `bench/raft.ts` measures: speaks `line_protocol.ts` on Deno, Bun and Node, load generator inside.
 * `deno task bench:raft --peer "deno=deno run -A bench/raft/peer.ts" --peer "bun=bun bench/raft/peer.ts" --peer "node=node bench/raft/peer.ts"`.
 *
 * @module
 */
import process from "node:process";
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import {
  type AppliedCommand,
  FileLogStore,
  FileSnapshotStore,
  type LogStore,
  MemoryLogStore,
  MemorySnapshotStore,
  ProposalError,
  RaftNode,
  type SnapshotStore,
  type StateMachine,
} from "@ck/cluster/raft";
import { http2, listen } from "@ck/cluster/transport";
import type { FileSystem } from "../../raft/wal/file_system.ts";
import { nodeFileSystem } from "../../raft/wal/node_file_system.ts";
import { crc32 } from "../../raft/wire/crc32.ts";
import { readU32, writeU32 } from "../../raft/wire/byte_writer.ts";
import type { Loop, NodeRequest } from "./line_protocol.ts";

const text = { type: "string" } as const;
const { values: flags } = parseArgs({
  options: {
    name: { ...text, default: "n0" },
    addr: { ...text, default: "127.0.0.1:7000" },
    members: { ...text, default: "n0=127.0.0.1:7000" },
    dir: { ...text, default: "." },
    store: { ...text, default: "memory" },
    "max-append-entries": { ...text, default: "1024" },
    "timeout-ms": text,
    "trailing-entries": { ...text, default: "8192" },
    "state-bytes": { ...text, default: "0" },
  },
});

/** Counts and sums up all commands, and keeps so many bytes beside that. */
class Sum implements StateMachine<number> {
  applied = 0;
  hash = 0;
  #state: Uint8Array;

  constructor(stateBytes: number) {
    this.#state = new Uint8Array(stateBytes);
  }

  apply(commands: readonly AppliedCommand[]): readonly number[] {
    const results = new Array<number>(commands.length);
    for (let i = 0; i < commands.length; i++) {
      this.hash = crc32(commands[i]!.command, this.hash);
      results[i] = ++this.applied;
    }
    return results;
  }

  snapshot(): Iterable<Uint8Array> {
    const head = new Uint8Array(12);
    writeU32(head, 0, this.applied % 2 ** 32);
    writeU32(head, 4, this.applied / 2 ** 32);
    writeU32(head, 8, this.hash);
    const state = this.#state;
    return captured();
    function* captured(): Generator<Uint8Array> {
      yield head;
      for (let at = 0; at < state.length; at += 262_144) yield state.subarray(at, at + 262_144);
    }
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    this.applied = readU32(bytes, 0) + readU32(bytes, 4) * 2 ** 32;
    this.hash = readU32(bytes, 8);
    this.#state = bytes.slice(12);
  }
}

/** The machine's files, without waiting for the disk. */
const unsynced: FileSystem = {
  ...nodeFileSystem,
  open: async (path, mode) => {
    const file = await nodeFileSystem.open(path, mode);
    return {
      sizeBytes: () => file.sizeBytes(),
      read: (buffer, offset) => file.read(buffer, offset),
      write: (bytes, offset) => file.write(bytes, offset),
      sync: () => Promise.resolve(),
      writeInline: (bytes, offset) => file.writeInline!(bytes, offset),
      syncInline: () => {},
      close: () => file.close(),
    };
  },
  syncDirectory: () => Promise.resolve(),
};

function stores(): { readonly log: LogStore; readonly snapshots: SnapshotStore } {
  if (flags.store === "memory") {
    return { log: new MemoryLogStore(), snapshots: new MemorySnapshotStore() };
  }
  const files = flags.store === "nosync" ? { files: unsynced } : {};
  const directory = flags.dir;
  return {
    log: new FileLogStore({ directory, cluster: "bench", nodeId: flags.name, ...files }),
    snapshots: new FileSnapshotStore({ directory: `${directory}/snap`, ...files }),
  };
}

const sum = new Sum(Number(flags["state-bytes"]));
const founders = flags.members.split(",").map((member) => {
  const at = member.indexOf("=");
  return { id: member.slice(0, at), address: member.slice(at + 1) };
});
const timeoutMs = flags["timeout-ms"] === undefined ? undefined : Number(flags["timeout-ms"]);
const transport = http2();
const port = Number(flags.addr.slice(flags.addr.lastIndexOf(":") + 1));
const server = await listen({ hostname: "127.0.0.1", port, fetch: transport.fetch });
const node = await RaftNode.open<number>({
  id: flags.name,
  clusterName: "bench",
  address: flags.addr,
  transport,
  ...stores(),
  stateMachine: sum,
  bootstrap: founders,
  maxBatchCommands: Number(flags["max-append-entries"]),
  trailingEntries: Number(flags["trailing-entries"]),
  ...(timeoutMs !== undefined && {
    electionTimeoutMs: timeoutMs,
    heartbeatIntervalMs: timeoutMs / 10,
  }),
});

const outcomes = { acknowledged: 0, failed: 0, unknown: 0 };
const nowMs = () => performance.timeOrigin + performance.now();
const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const tag = randomBytes(8);
let numbered = 0;

/** A command unlike any other. */
function command(bytes: number): Uint8Array {
  const made = new Uint8Array(bytes);
  made.set(tag.subarray(0, bytes));
  if (bytes >= 16) {
    writeU32(made, 8, ++numbered);
    writeU32(made, 12, numbered / 2 ** 32);
  }
  return made;
}

async function commit(bytes: number): Promise<boolean> {
  try {
    await node.propose(command(bytes), { timeoutMs: 30_000 });
    outcomes.acknowledged++;
    return true;
  } catch (error) {
    if (error instanceof ProposalError && error.outcome !== "unknown") outcomes.failed++;
    else outcomes.unknown++;
    return false;
  }
}

/** Runs callers until their time is over, or `count` operations were begun. */
async function loop(
  { concurrency, seconds, warmupSeconds, count }: Loop & { readonly count?: number },
  operation: () => Promise<boolean>,
) {
  const cpu = cpuSeconds();
  const began = performance.now();
  const from = count === undefined ? began + warmupSeconds * 1_000 : began;
  const until = count === undefined ? from + seconds * 1_000 : Infinity;
  let begun = 0;
  let latencies = new Float64Array(65_536);
  let ops = 0;
  const caller = async () => {
    for (;;) {
      const start = performance.now();
      if (start >= until || (count !== undefined && begun >= count)) return;
      begun++;
      const ok = await operation();
      const end = performance.now();
      if (!ok || end < from || end > until) continue;
      if (ops === latencies.length) {
        const grown = new Float64Array(ops * 2);
        grown.set(latencies);
        latencies = grown;
      }
      latencies[ops++] = end - start;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  const sorted = latencies.subarray(0, ops).sort();
  const at = (q: number) => sorted[Math.min(ops - 1, Math.floor(ops * q))] ?? 0;
  return {
    ops,
    seconds: count === undefined ? seconds : (performance.now() - began) / 1_000,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
    cpuSeconds: cpuSeconds() - cpu,
    ...outcomes,
  };
}

/** Looks again and again, often enough for a measurement in milliseconds. */
async function until<T>(timeoutMs: number, look: () => T | undefined): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const seen = look();
    if (seen !== undefined) return seen;
    if (performance.now() > end) throw new Error(`Nothing was seen within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function takeover(term: number, bytes: number, timeoutMs: number) {
  const seen = await new Promise<{ won: boolean; term: number; atMs: number }>(
    (resolve, reject) => {
      const late = setTimeout(() => reject(new Error("Nobody took over")), timeoutMs);
      const look = () => {
        const { role, term: now, leader } = node.status;
        if (now <= term || (role !== "leader" && leader === undefined)) return;
        clearTimeout(late);
        node.events.removeEventListener("role", look);
        resolve({ won: role === "leader", term: now, atMs: nowMs() });
      };
      node.events.addEventListener("role", look);
      look();
    },
  );
  if (!seen.won) return seen;
  if (!await commit(bytes)) throw new Error("The command of the new leader was not committed");
  return { won: true, term: seen.term, leaderAtMs: seen.atMs, atMs: nowMs() };
}

async function answer(request: NodeRequest): Promise<object> {
  switch (request.do) {
    case "status": {
      const { role, term, leader, lastIndex, commitIndex, appliedIndex } = node.status;
      return {
        role,
        leader: role === "leader" ? flags.name : leader?.id ?? "",
        term,
        lastIndex,
        commitIndex,
        appliedIndex,
        cpuSeconds: cpuSeconds(),
        rssBytes: process.memoryUsage().rss,
        version: `@ck/cluster/raft, ${runtimeName()}`,
      };
    }
    case "load":
      return await loop(request, () => commit(request.bytes));
    case "read":
      return await loop(request, async () => {
        try {
          await node.readIndex();
          return sum.applied >= 0;
        } catch {
          return false;
        }
      });
    case "applied":
      return {
        applied: sum.applied,
        hash: (sum.hash >>> 0).toString(16).padStart(8, "0"),
        ...outcomes,
      };
    case "barrier":
      await node.barrier();
      return {};
    case "awaitApplied":
      return await until(
        request.timeoutMs,
        () => node.status.appliedIndex >= request.index ? { atMs: nowMs() } : undefined,
      );
    case "takeover":
      return await takeover(request.term, request.bytes, request.timeoutMs);
    case "snapshot":
      await node.snapshot();
      return {};
    case "stop":
      return {};
  }
}

function runtimeName(): string {
  const { Deno, Bun } = globalThis as {
    Deno?: { version: { deno: string } };
    Bun?: { version: string };
  };
  if (Deno !== undefined) return `Deno ${Deno.version.deno}`;
  return Bun === undefined ? `Node ${process.version}` : `Bun ${Bun.version}`;
}

const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
let stopping = false;
for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === "") continue;
  const request = JSON.parse(line) as NodeRequest & { readonly id: number };
  const { id } = request;
  answer(request).then(async (reply) => {
    if (request.do === "stop") {
      stopping = true;
      await node.close();
      await server.close();
    }
    say({ id, ok: true, ...reply });
    if (stopping) process.exit(0);
  }).catch((error) => say({ id, error: error instanceof Error ? error.message : String(error) }));
}
if (!stopping) process.kill(process.pid, "SIGKILL");
