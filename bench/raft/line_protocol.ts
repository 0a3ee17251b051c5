/**
 * What `bench/raft.ts` and the nodes that it measures say to each other.
 *
 * A node is a program, one process a node, that takes {@link NodeFlags} and then one JSON object a line on standard input, each with an
 * `id`. It answers each, in any order, with one line on standard output: `{"id":1,"ok":true,…}`, or `{"id":1,"error":"…"}`; an error that
 * begins with `unsupported` says that it never does this, and leaves the row empty instead of failing it. When its input ends without
 * `stop` it dies at once, as if killed. Standard error is for humans.
 *
 * ```text
 * → {"id":1,"do":"status"}
 * ← {"id":1,"ok":true,"role":"leader","leader":"n0","term":2,"lastIndex":3,"commitIndex":3,"appliedIndex":3,…}
 * → {"id":2,"do":"load","concurrency":64,"seconds":4,"warmupSeconds":1,"bytes":256}
 * ← {"id":2,"ok":true,"ops":58123,"seconds":4,"p50Ms":4.1,"p99Ms":8.3,"maxMs":21,"acknowledged":72011,"failed":0,"unknown":0,…}
 * → {"id":3,"do":"applied"}
 * ← {"id":3,"ok":true,"applied":72011,"hash":"5a0c13de","acknowledged":72011,"failed":0,"unknown":0}
 * → {"id":4,"do":"read","concurrency":64,"seconds":4,"warmupSeconds":1,"on":"leader"}
 * ← {"id":4,"ok":true,"ops":311242,"seconds":4,"p50Ms":0.9,"p99Ms":2.2,"maxMs":9,…}
 * → {"id":5,"do":"takeover","term":2,"bytes":256,"timeoutMs":20000}      (to the followers; then their leader is killed)
 * ← {"id":5,"ok":true,"won":true,"term":3,"leaderAtMs":1764040000123.4,"atMs":1764040000123.9}
 * → {"id":6,"do":"stop"}
 * ← {"id":6,"ok":true}
 * ```
 *
 * @module
 */

/**
 * The flags of a node, each as two arguments: `--name n0 --addr 127.0.0.1:7000 --members n0=127.0.0.1:7000,n1=127.0.0.1:7001,…`.
 *
 * A node whose folder holds no state begins as a voter of the cluster of `members`; all are given the same. One that is started again
 * with the folder that it had goes on where it was.
 */
export interface NodeFlags {
  /** Unique name. */
  readonly name: string;
  /** `127.0.0.1:PORT` to listen on. */
  readonly addr: string;
  /** All voters with their addresses, separated by commas. */
  readonly members: string;
  /** A folder of its own; may not exist yet. */
  readonly dir: string;
  /**
   * `memory`: nothing is written. `fsync`: an acknowledged command is synced to disk by a majority. `nosync`: written, never synced.
   */
  readonly store: StoreKind;
  /** Most entries in one message of replication and one batch of the leader. */
  readonly "max-append-entries": number;
  /**
   * Base of the election timeout: a leader is suspected between once and twice this after it was last heard. Without it the node's own
   * defaults hold, for all its times.
   */
  readonly "timeout-ms"?: number;
  /** Entries that stay in the log behind a snapshot. */
  readonly "trailing-entries": number;
  /** Bytes that the state machine keeps besides {@link AppliedReply}, and that each of its snapshots holds. */
  readonly "state-bytes": number;
}

/** Kinds of storage. */
export type StoreKind = "memory" | "fsync" | "nosync";

/** A closed loop: `concurrency` callers, each beginning its next operation when the last one ended. */
export interface Loop {
  /** Callers, at least 1. */
  readonly concurrency: number;
  /** Time measured. Operations that end within it count; all that were begun have ended when the answer comes. */
  readonly seconds: number;
  /** Time before that, which does not count. */
  readonly warmupSeconds: number;
}

/** What a node is asked. */
export type NodeRequest =
  | { readonly do: "status" }
  /**
   * Of the leader: commits commands of `bytes` bytes, no two alike, and waits until each is applied here. With `count` it is that many
   * commands, as fast as they go, and `seconds` and `warmupSeconds` are not looked at.
   */
  | ({ readonly do: "load"; readonly bytes: number; readonly count?: number } & Loop)
  /**
   * Linearizable reads of the state machine's count without writing to the log (ReadIndex, VerifyLeader). `on` repeats what the node is
   * asked as.
   */
  | ({ readonly do: "read"; readonly on: "leader" | "follower" } & Loop)
  /** What the state machine holds. */
  | { readonly do: "applied" }
  /** Of the leader: returns when everything committed so far, in earlier terms too, is applied here. */
  | { readonly do: "barrier" }
  /** Returns when the node has applied the log up to an index. */
  | { readonly do: "awaitApplied"; readonly index: number; readonly timeoutMs: number }
  /**
   * Returns when a later term than `term` has a leader. If that is the node itself, it first commits one command of `bytes` bytes, which
   * counts as acknowledged.
   */
  | {
    readonly do: "takeover";
    readonly term: number;
    readonly bytes: number;
    readonly timeoutMs: number;
  }
  /** Takes a snapshot now, and drops the log behind it but for `trailing-entries`. */
  | { readonly do: "snapshot" }
  /** Answers, and ends with status 0. */
  | { readonly do: "stop" };

/** Answers `status`. */
export interface StatusReply {
  /** `leader`, `follower` or `candidate`; others may be said, and count as none of them. */
  readonly role: string;
  /** Name of the leader, or empty. */
  readonly leader: string;
  /** Current term. */
  readonly term: number;
  /** Index of the last entry in the log. */
  readonly lastIndex: number;
  /** Index of the last entry known to be committed. */
  readonly commitIndex: number;
  /** Index of the last entry applied. */
  readonly appliedIndex: number;
  /** Processor time of the process so far, user and system. */
  readonly cpuSeconds: number;
  /** Resident memory. */
  readonly rssBytes: number;
  /** Names and versions of what was measured: `hashicorp/raft v1.7.3, go1.26`. */
  readonly version: string;
}

/** How the commands went that this process began, since its start. */
export interface Outcomes {
  /** Committed and applied. */
  readonly acknowledged: number;
  /** Certainly not, and never will be. */
  readonly failed: number;
  /** Nobody knows. */
  readonly unknown: number;
}

/** Answers `load` and `read`. */
export interface LoopReply extends Outcomes {
  /** Operations that ended within the time measured. */
  readonly ops: number;
  /** The time measured. */
  readonly seconds: number;
  /** Median latency. */
  readonly p50Ms: number;
  /** 99th percentile of the latency. */
  readonly p99Ms: number;
  /** Longest latency. */
  readonly maxMs: number;
  /** Processor time of the process, warm-up included. */
  readonly cpuSeconds: number;
}

/** Answers `applied`. */
export interface AppliedReply extends Outcomes {
  /** Commands applied, since the beginning of the log. */
  readonly applied: number;
  /**
   * CRC-32 (IEEE, as of gzip) over the bytes of all commands applied, one after the other, as 8 hexadecimal digits. Snapshots keep it.
   */
  readonly hash: string;
}

/** Answers `awaitApplied`. */
export interface AwaitAppliedReply {
  /** When it was so: Unix time in milliseconds, with fractions. */
  readonly atMs: number;
}

/** Answers `takeover`. */
export interface TakeoverReply {
  /** Whether the node itself took over. */
  readonly won: boolean;
  /** The later term. */
  readonly term: number;
  /** When the node won: Unix time in milliseconds, with fractions. */
  readonly leaderAtMs?: number;
  /** When its command was committed and applied, or when it heard of the other leader. */
  readonly atMs: number;
}

/** The answer to a request. */
export type ReplyTo<R extends NodeRequest> = R["do"] extends "status" ? StatusReply
  : R["do"] extends "load" | "read" ? LoopReply
  : R["do"] extends "applied" ? AppliedReply
  : R["do"] extends "awaitApplied" ? AwaitAppliedReply
  : R["do"] extends "takeover" ? TakeoverReply
  : Record<never, never>;
