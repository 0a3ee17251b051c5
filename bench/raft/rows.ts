/** What is measured of a cluster, one function a kind of row. */
import { type Contender, VoidError, withCluster } from "./cluster.ts";
import type { LoopReply, StoreKind } from "./line_protocol.ts";

/** How long and how large. */
export interface Scale {
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** Bytes of a command. */
  readonly bytes: number;
  /** Commands that a follower misses. */
  readonly missed: number;
}

/** One row of the results: the same question to everybody. */
export interface Row {
  /** Unique. */
  readonly name: string;
  readonly section: "writes" | "failover" | "reads" | "catch-up";
  /** What the number is. */
  readonly unit: "ops/s" | "ms";
  /** How often it is asked in a run of so many rounds. */
  readonly times: (rounds: number, trials: number) => number;
  /** Measures once. */
  readonly measure: (contender: Contender, scale: Scale) => Promise<Measured>;
  /** What ours is to reach; one of the two is enough. */
  readonly target?: Target;
}

/** A goal: more is better for `ops/s`, less for `ms`. */
export interface Target {
  /** In the row's unit. */
  readonly value?: number;
  /** Ours ÷ hashicorp's in the same run. */
  readonly ratio?: number;
}

/** One measurement. */
export interface Measured {
  readonly value: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  /** Processor microseconds of all nodes for one operation. */
  readonly cpuUs?: number;
  /** Version that the nodes report. */
  readonly version: string;
}

const defaults = {
  store: "memory" as StoreKind,
  "max-append-entries": 64,
  "trailing-entries": 10_240,
  "state-bytes": 0,
};
/** Of clusters in which nothing is elected while they are measured: it only shortens the start. */
const QUICK_TIMEOUT_MS = 500;
const TAKEOVER_MS = 60_000;
const SETTLE_MS = 500;
const BALLAST_BYTES = 32 * 1024 * 1024;

function fromLoop(reply: LoopReply, cpuSeconds: number, all: number, version: string): Measured {
  return {
    value: reply.ops / reply.seconds,
    p50Ms: reply.p50Ms,
    p99Ms: reply.p99Ms,
    ...(all > 0 ? { cpuUs: cpuSeconds * 1e6 / all } : {}),
    version,
  };
}

function writes(
  store: StoreKind,
  concurrency: number,
  batch: number,
): Row {
  const durable: Readonly<Record<number, number>> = { 1: 3_000, 64: 30_000, 1024: 70_000 };
  const ratios: Readonly<Record<number, number>> = { 1: 3, 64: 2, 1024: 1 };
  const target = store === "fsync" && concurrency in durable
    ? { value: durable[concurrency]!, ratio: ratios[concurrency]! }
    : store === "memory" && concurrency >= 256
    ? { ratio: 0.5 }
    : undefined;
  return {
    name: `${store}, ${concurrency} callers, batch ${batch}`,
    section: "writes",
    unit: "ops/s",
    times: (rounds) => rounds,
    ...(target === undefined ? {} : { target }),
    measure: (contender, scale) =>
      withCluster(contender, {
        ...defaults,
        store,
        "max-append-entries": batch,
        "timeout-ms": QUICK_TIMEOUT_MS,
      }, async (cluster) => {
        const { node, status } = await cluster.leader();
        const cpu = async () => {
          const all = await Promise.all(cluster.nodes.map((one) => one.ask({ do: "status" })));
          return all.reduce((sum, one) => sum + one.cpuSeconds, 0);
        };
        const before = await cpu();
        const { seconds, warmupSeconds, bytes } = scale;
        const reply = await node.ask({ do: "load", concurrency, seconds, warmupSeconds, bytes });
        const spent = await cpu() - before;
        await cluster.gate();
        return fromLoop(reply, spent, reply.acknowledged, status.version);
      }),
  };
}

function failover(given: number | undefined): Row {
  const timeoutMs = given ?? 1_000;
  const flags = { ...defaults, ...(given === undefined ? {} : { "timeout-ms": given }) };
  return {
    name: `leader killed, ${
      given === undefined ? "everybody's defaults" : `timeouts of ${given} ms`
    }`,
    section: "failover",
    unit: "ms",
    times: (_, trials) => trials,
    target: given === undefined ? { value: 1_000 } : { ratio: 1.2 },
    measure: (contender, { bytes }) =>
      withCluster(contender, flags, async (cluster) => {
        const first = await cluster.leader();
        await first.node.ask({
          do: "load",
          concurrency: 1,
          seconds: 0.1,
          warmupSeconds: 0.1,
          bytes,
        });
        // The kill falls anywhere between two heartbeats.
        await new Promise((resolve) => setTimeout(resolve, SETTLE_MS + Math.random() * timeoutMs));
        const { node, status } = await cluster.leader();
        const { acknowledged } = await node.ask({ do: "applied" });
        const survivors = cluster.nodes.filter((one) => one !== node);
        const takeovers = survivors.map((one) =>
          one.ask({ do: "takeover", term: status.term, bytes, timeoutMs: TAKEOVER_MS })
        );
        const killedAtMs = performance.timeOrigin + performance.now();
        await cluster.kill(node);
        const winner = (await Promise.all(takeovers)).filter(({ won }) => won)
          .sort((a, b) => a.atMs - b.atMs)[0];
        if (winner === undefined || winner.leaderAtMs! < killedAtMs) {
          throw new VoidError("the leader had lost the lead when it was killed");
        }
        await cluster.gate(acknowledged);
        return { value: winner.atMs - killedAtMs, version: status.version };
      }),
  };
}

function reads(on: "leader" | "follower", concurrency: number): Row {
  return {
    name: `linearizable reads on a ${on}, ${concurrency} callers`,
    section: "reads",
    unit: "ops/s",
    times: (rounds) => rounds,
    measure: (contender, { seconds, warmupSeconds, bytes }) =>
      withCluster(contender, { ...defaults, "timeout-ms": QUICK_TIMEOUT_MS }, async (cluster) => {
        const { node, status } = await cluster.leader();
        await node.ask({ do: "load", concurrency: 16, seconds: 0.2, warmupSeconds: 0, bytes });
        const reader = on === "leader" ? node : cluster.nodes.find((one) => one !== node)!;
        const reply = await reader.ask({ do: "read", on, concurrency, seconds, warmupSeconds });
        await cluster.gate();
        return fromLoop(reply, 0, 0, status.version);
      }),
  };
}

function catchUp(by: "log" | "snapshot"): Row {
  return {
    name: `a follower catches up by ${by}`,
    section: "catch-up",
    unit: "ms",
    times: (rounds) => rounds,
    measure: (contender, { missed, bytes }) =>
      withCluster(contender, {
        ...defaults,
        store: "fsync",
        "max-append-entries": 1_024,
        "timeout-ms": QUICK_TIMEOUT_MS,
        "trailing-entries": by === "log" ? missed * 2 : 128,
        "state-bytes": by === "log" ? 0 : BALLAST_BYTES,
      }, async (cluster) => {
        const { node, status } = await cluster.leader();
        const follower = cluster.nodes.find((one) => one !== node)!;
        await cluster.kill(follower);
        await node.ask({
          do: "load",
          concurrency: 1_024,
          count: missed,
          seconds: 0,
          warmupSeconds: 0,
          bytes,
        });
        if (by === "snapshot") await node.ask({ do: "snapshot" });
        const { appliedIndex } = await node.ask({ do: "status" });
        const startedAtMs = performance.timeOrigin + performance.now();
        const again = cluster.start(follower.name);
        const { atMs } = await again.ask({
          do: "awaitApplied",
          index: appliedIndex,
          timeoutMs: TAKEOVER_MS,
        });
        await cluster.gate();
        return { value: atMs - startedAtMs, version: status.version };
      }),
  };
}

/** All rows, in the order of the results. */
export const rows: readonly Row[] = [
  ...(["memory", "fsync", "nosync"] as const).flatMap((store) =>
    [64, 1_024].flatMap((batch) =>
      [1, 16, 64, 256, 1_024].filter((concurrency) => batch === 64 || concurrency > 64)
        .map((concurrency) => writes(store, concurrency, batch))
    )
  ),
  ...[50, 200, 1_000, undefined].map(failover),
  ...(["leader", "follower"] as const).flatMap((on) =>
    [1, 64, 1_024].map((concurrency) => reads(on, concurrency))
  ),
  catchUp("log"),
  catchUp("snapshot"),
];
