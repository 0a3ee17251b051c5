/**
 * A member of a Raft group.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { LogThrottle } from "../membership/logger.ts";
import { TypedEventTarget } from "../membership/events.ts";
import { Tally } from "../membership/stats.ts";
import { watch } from "../membership/watch.ts";
import type { ConfigChange, MemberChange, RaftInput } from "./contract.ts";
import { Applier, SESSION_EXPIRED } from "./driver/applier.ts";
import { BARRIER_DATA, type CommandSession, encodeCommand } from "./driver/command.ts";
import { decodeConfig, emptyConfig } from "./config.ts";
import type { RaftCore } from "./core.ts";
import { COMMAND_OVERHEAD_BYTES, createCore, foundation } from "./driver/core_adapter.ts";
import { Forwarding } from "./driver/forwarding.ts";
import type { Committed, Pending, ProposalSink } from "./driver/pending.ts";
import { Proposals, settle } from "./driver/proposals.ts";
import { type PendingRead, Reads } from "./driver/reads.ts";
import { Snapshots } from "./driver/snapshots.ts";
import { type PortedEffect, RaftDriver } from "./driver.ts";
import type { ClusterConfig, Entry, Index, NodeId, SnapshotMeta } from "./entry.ts";
import {
  type LeaderHint,
  ProposalError,
  type ProposalFailure,
  type ProposalOutcome,
  ReadError,
  TransferError,
} from "./errors.ts";
import type { OpenedLog } from "./log_store.ts";
import type { RaftNodeEventMap } from "./node_events.ts";
import {
  type RaftNodeOptions,
  type ResolvedRaftNodeOptions,
  resolveRaftNodeOptions,
} from "./node_options.ts";
import type { RaftNodeStats, RaftNodeStatus } from "./node_status.ts";
import { RaftTransport } from "./transport.ts";
import type { Forwarded } from "./wire/proposal_codec.ts";

/** Options of every call that waits. */
export interface CallOptions {
  /** Ends the waiting. What was asked for may still happen. */
  readonly signal?: AbortSignal;
  /** How long it may take. Default: the node's `timeoutMs`. */
  readonly timeoutMs?: number;
}

/** Options of {@link RaftNode.propose}. */
export interface ProposeOptions extends CallOptions {
  /** How long it may wait to be appended. Default: the node's `enqueueTimeoutMs`. */
  readonly enqueueTimeoutMs?: number;
  /**
   * The command's identity across retries: the group applies it once, whichever member it is proposed on and however often. Needed by whoever
   * tries again after the outcome `unknown`.
   */
  readonly session?: CommandSession;
}

/** Options of {@link RaftNode.changeMembership}. */
export interface ChangeOptions extends CallOptions {
  /** Only if the configuration in force stands at this index: nothing that was decided on an older one is carried out. */
  readonly expectedConfigIndex?: Index;
}

const defer = (callback: () => void) => void setImmediate(callback);

/**
 * One member of a group that agrees on a log of commands and applies them to a state machine (Raft, with pre-vote, joint consensus, learners and
 * linearizable reads).
 *
 * What it promises: a command whose {@link RaftNode.propose} resolved is applied on every member, in the same order, and is never lost as
 * long as a majority of the disks lives. A state that is read after {@link RaftNode.readIndex} holds everything that anybody was told of
 * before the call.
 *
 * @example Usage
 * ```ts
 * import { MemoryLogStore, MemorySnapshotStore, RaftNode, type StateMachine } from "@ck/cluster/raft";
 * import { memoryNetwork } from "@ck/cluster/transport";
 * import { assertEquals } from "@std/assert";
 *
 * class Counter implements StateMachine<number> {
 *   value = 0;
 *   apply = (commands: readonly { command: Uint8Array }[]) => commands.map(({ command }) => this.value += command[0]!);
 *   snapshot = () => [Uint8Array.of(this.value)];
 *   restore = async (chunks: AsyncIterable<Uint8Array>) => {
 *     for await (const [value] of chunks) this.value = value!;
 *   };
 * }
 *
 * await using node = await RaftNode.open({
 *   id: "a",
 *   clusterName: "example",
 *   address: "10.0.0.1:8080",
 *   transport: memoryNetwork().transport("10.0.0.1:8080"), // between processes: http2()
 *   log: new MemoryLogStore(), // that survives: WalLogStore
 *   snapshots: new MemorySnapshotStore(),
 *   stateMachine: new Counter(),
 *   bootstrap: [{ id: "a", address: "10.0.0.1:8080" }],
 *   heartbeatIntervalMs: 5,
 *   electionTimeoutMs: 20,
 * });
 * for await (const { role } of node.watch()) if (role === "leader") break;
 *
 * const { result } = await node.propose(Uint8Array.of(5));
 * assertEquals(result, 5);
 * ```
 */
export class RaftNode<Result = unknown> implements AsyncDisposable {
  /** What happens. */
  readonly events: TypedEventTarget<RaftNodeEventMap> = new TypedEventTarget();

  readonly #options: ResolvedRaftNodeOptions<Result>;
  readonly #core: RaftCore;
  readonly #driver: RaftDriver;
  readonly #transport: RaftTransport;
  readonly #proposals: Proposals<Result>;
  readonly #reads: Reads;
  readonly #applier: Applier<Result>;
  readonly #snapshots: Snapshots;
  readonly #forwarding: Forwarding<Result>;
  readonly #throttle = new LogThrottle(10_000);
  readonly #refused = new Tally();
  readonly #failures = new Tally();
  readonly #roles = new Tally();
  readonly #changes = new Set<() => void>();
  readonly #ends = new Set<() => void>();

  #token = 0;
  #state: "running" | "halted" | "closed" = "running";
  #failure: Error | undefined;
  #role: RaftNodeStatus["role"] = "follower";
  #term: number;
  #leader: NodeId | undefined;
  /** In force. */
  #config: ClusterConfig;
  #configIndex: Index;
  #configCommitted = false;
  #addresses: ReadonlyMap<NodeId, string> = new Map();
  /** In force where the state machine stands. */
  #applied: { readonly config: ClusterConfig; readonly configIndex: Index };
  #committed = 0;
  #entriesApplied = 0;
  #transfer: { resolve: () => void; reject: (error: unknown) => void } | undefined;
  #configWaiters: { readonly after: Index; readonly resolve: () => void }[] = [];
  #closing: Promise<void> | undefined;
  #waking = false;

  private constructor(
    options: ResolvedRaftNodeOptions<Result>,
    opened: OpenedLog,
    applier: Applier<Result>,
  ) {
    const { clock, random, defer, logger } = options;
    this.#options = options;
    this.#core = createCore(options, opened);
    const initial = this.#core.status;
    this.#term = initial.term;
    this.#config = initial.config;
    this.#configIndex = initial.configIndex;
    const { snapshot } = opened;
    this.#applied = snapshot ?? { config: emptyConfig, configIndex: 0 };
    this.#configCommitted = initial.isConfigCommitted;
    const feed = (input: RaftInput) => this.#driver.feed(input);
    const token = () => ++this.#token;
    this.#transport = new RaftTransport({
      transport: options.transport,
      clock,
      random,
      cluster: options.clusterName,
      id: options.id,
      address: options.address,
      limits: {
        maxEntryBytes: options.maxCommandBytes + COMMAND_OVERHEAD_BYTES,
        ...options.transportLimits,
      },
      handlers: {
        message: (message) => feed({ type: "message", message }),
        forwarded: (from, forwarded) => this.#forwarded(from, forwarded),
        snapshot: (message) => this.#snapshots.begin(message),
        snapshotTaken: (message) => this.#snapshots.received(message),
        unreachable: (node) => feed({ type: "unreachable", node }),
        refused: (reason, detail) => this.#refuse(reason, detail),
        ready: () => this.#driver.ready(),
      },
    });
    this.#driver = new RaftDriver({
      core: this.#core,
      clock,
      log: options.log,
      perform: (effect) => this.#perform(effect),
      persisting: ({ truncateFrom, snapshot }) => {
        if (truncateFrom !== undefined) this.#proposals.truncated(truncateFrom);
        if (snapshot !== undefined) this.#snapshots.marking(snapshot);
      },
      halted: (error) => this.#halt(error),
    });
    this.#proposals = new Proposals({ ...options, clock, defer, feed, token });
    this.#reads = new Reads({
      clock,
      defer,
      feed,
      token,
      retryMs: options.electionTimeoutMs,
      maxPending: options.maxPendingReads,
    });
    this.#applier = applier;
    this.#snapshots = new Snapshots({
      id: options.id,
      store: options.snapshots,
      log: options.log,
      applier: this.#applier,
      feed,
      send: (message, read) => this.#transport.sendSnapshot(message, read),
      config: () => this.#applied,
      everyEntries: options.snapshotEntries,
      everyBytes: options.snapshotBytes,
      retained: options.retainedSnapshots,
      failed: (what, error) => {
        logger.warn(what, { id: options.id, error });
        this.#tell("refused", { reason: "snapshot", detail: `${what}: ${error}` });
      },
      stored: (meta, from) => this.#tell("snapshot", { meta, from }),
    }, snapshot);
    this.#forwarding = new Forwarding({
      clock,
      client: `${options.id.slice(0, 60)}/${Math.floor(random() * 2 ** 52).toString(36)}`,
      send: (to, request, data) => this.#transport.forward(to, { type: "propose", request, data }),
      retryMs: options.electionTimeoutMs,
      maxPendingBytes: options.maxQueuedBytes,
    });
    this.#members(initial.config);
  }

  /**
   * Opens the stores, restores the state machine and starts to take part. When it fails, the stores and the transport are closed.
   *
   * @throws {TypeError} When an option is none.
   * @throws {RangeError} When an option is out of range.
   * @throws {AlreadyBootstrappedError} When the stores were founded with another list. Nothing changed.
   * @throws {Error} What the stores refuse with: damage, another process, another node's directory.
   */
  static async open<Result = unknown>(
    options: RaftNodeOptions<Result>,
  ): Promise<RaftNode<Result>> {
    const resolved = resolveRaftNodeOptions(options, defer);
    const { log, snapshots, stateMachine } = resolved;
    let node: RaftNode<Result> | undefined;
    try {
      const metas = await snapshots.open();
      const opened = await foundation(resolved, await log.open(metas));
      const applier = new Applier<Result>({
        stateMachine,
        maxBatchCommands: resolved.maxBatchCommands,
        applied: (entries, results) => node!.#appliedEntries(entries, results),
        restored: (meta) => node!.#restored(meta),
        answered: (session, index, result) => node!.#answered(session, index, result),
        broken: (error) => node!.#broken(error),
      });
      const { snapshot } = opened;
      if (snapshot !== undefined) {
        await applier.begin(snapshot, () => snapshots.read(snapshot.id));
      }
      node = new RaftNode(resolved, opened, applier);
      node.#transport.serve();
      node.#driver.start();
      return node;
    } catch (error) {
      await Promise.allSettled([resolved.transport.close(), log.close(), snapshots.close()]);
      throw error;
    }
  }

  /** The own name. */
  get id(): NodeId {
    return this.#options.id;
  }

  /** Why the node takes part no more; `undefined` as long as it does. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** The node as it is now. */
  get status(): RaftNodeStatus {
    const core = this.#core.status;
    return Object.freeze({
      id: this.#options.id,
      role: this.#role,
      term: this.#term,
      leader: this.#hint(),
      config: this.#config,
      configIndex: this.#configIndex,
      configCommitted: this.#configCommitted,
      lastIndex: core.lastIndex,
      commitIndex: core.commitIndex,
      appliedIndex: this.#applier.position.index,
      snapshot: this.#snapshots.latest,
      peers: core.progress,
    });
  }

  /** Counts and gauges. */
  get stats(): RaftNodeStats {
    return Object.freeze({
      driver: this.#driver.stats,
      transport: this.#transport.stats,
      log: this.#options.log.stats,
      proposalsCommitted: this.#committed,
      proposalsFailed: this.#failures.counts,
      proposalsQueued: this.#proposals.queued,
      unappliedBytes: this.#proposals.unappliedBytes,
      forwarded: this.#forwarding.pending,
      readsPending: this.#reads.pending,
      entriesApplied: this.#entriesApplied,
      entriesWaiting: this.#applier.waiting,
      sessions: this.#applier.sessions,
      roles: this.#roles.counts,
      snapshots: Object.freeze({ ...this.#snapshots.counts }),
      refused: this.#refused.counts,
    });
  }

  /**
   * Iterates over the node's status, beginning with the current one; who is slow gets the latest. A step of the role, the leader, the
   * configuration or the snapshot is a change; a growing log is none.
   */
  watch(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<RaftNodeStatus> {
    return watch({
      current: () => this.status,
      subscribe: (change, end) => {
        if (this.#state !== "running") end();
        this.#changes.add(change);
        this.#ends.add(end);
        return () => {
          this.#changes.delete(change);
          this.#ends.delete(end);
        };
      },
    }, options);
  }

  /**
   * Has a command committed, and applied here. The bytes are copied.
   *
   * @returns Where it stands and what the state machine said.
   * @throws {ProposalError} When it was not; its `outcome` says whether anything may have happened.
   * @throws {RangeError} When the session is malformed. Nothing happened.
   */
  propose(command: Uint8Array, options: ProposeOptions = {}): Promise<Committed<Result>> {
    return new Promise((resolve, reject) => {
      const sink = this.#sink(resolve, reject);
      if (command.length > this.#options.maxCommandBytes) {
        return sink.failed(
          "not-proposed",
          "tooLarge",
          `it must have at most ${this.#options.maxCommandBytes} bytes: current value is ${command.length}`,
        );
      }
      if (this.#role === "leader") {
        const pending = this.#pending(encodeCommand(command, options.session), options, sink);
        this.#abortable(pending, options.signal);
        this.#proposals.add(pending);
      } else this.#elsewhere(command, options, sink);
    });
  }

  /**
   * Gives an index at which the state machine may be read: it holds every command that was committed, anywhere, before the call. Resolves
   * once the own state machine has got there. Works on every member.
   *
   * @throws {ReadError} When no leader could be asked in time.
   */
  readIndex(options: CallOptions = {}): Promise<Index> {
    return this.#read(options, { untilApplied: true, retries: true });
  }

  /**
   * Checks that this node leads, by a round of heartbeats that begins after the call.
   *
   * @throws {ReadError} When it does not, or a majority does not answer in time.
   */
  async verifyLeader(options: CallOptions = {}): Promise<void> {
    if (this.#role !== "leader") throw new ReadError("notLeader", this.#hint());
    const term = this.#term;
    await this.#read(options, { untilApplied: false, retries: false });
    if (this.#role !== "leader" || this.#term !== term) {
      throw new ReadError("notLeader", this.#hint());
    }
  }

  /**
   * Waits until everything that was proposed before, anywhere, is applied here: commits an empty entry. Only the leader can.
   *
   * @throws {ProposalError} When it was not committed.
   */
  async barrier(options: ProposeOptions = {}): Promise<Index> {
    const { index } = await new Promise<Committed<Result>>((resolve, reject) => {
      const pending = this.#pending(BARRIER_DATA, options, this.#sink(resolve, reject));
      this.#abortable(pending, options.signal);
      if (this.#role === "leader") this.#proposals.add(pending);
      else settle(pending, "not-proposed", this.#down() ?? "notLeader");
    });
    return index;
  }

  /**
   * Hands leadership to another voter, or to the most caught-up one. Proposals are refused meanwhile. Resolves once another leads.
   *
   * @throws {TransferError} When it was not handed over; then this node goes on, if it led.
   */
  transferLeadership(to?: NodeId, options: CallOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (reason: string) => reject(new TransferError(reason));
      const down = this.#down();
      if (down !== undefined) return fail(down);
      this.#transfer?.reject(new TransferError("replaced"));
      const transfer = { resolve, reject };
      this.#transfer = transfer;
      const abort = () => {
        if (this.#transfer === transfer) this.#transfer = undefined;
        fail("aborted");
      };
      options.signal?.addEventListener("abort", abort, { once: true });
      this.#driver.feed({ type: "transferLeadership", ...(to !== undefined && { to }) });
    });
  }

  /** Adds a member without a vote: it gets the log, and may be promoted later. @throws {ProposalError} When it was not committed. */
  addLearner(id: NodeId, address: string, options: ChangeOptions = {}): Promise<Index> {
    return this.changeMembership([{ type: "addLearner", id, address }], options);
  }

  /**
   * Gives a learner a vote. Look first whether it has caught up, or leave it to the autopilot: a voter that lags makes every majority wait.
   *
   * @throws {ProposalError} When it was not committed, also when there is no such member.
   */
  promote(id: NodeId, options: ChangeOptions = {}): Promise<Index> {
    const address = this.#addresses.get(id);
    if (address === undefined) {
      return Promise.reject(
        new ProposalError({
          outcome: "not-proposed",
          reason: "configIllegal",
          detail: `there is no member ${id}`,
        }),
      );
    }
    return this.changeMembership([{ type: "addVoter", id, address }], options);
  }

  /** Takes a member out. @throws {ProposalError} When it was not committed. */
  remove(id: NodeId, options: ChangeOptions = {}): Promise<Index> {
    return this.changeMembership([{ type: "remove", id }], options);
  }

  /**
   * Changes who belongs to the group, as one step: a voter can be replaced without ever having one less. More than one voter at a time goes
   * through a joint phase, which ends by itself. Only the leader can.
   *
   * @returns Where the new configuration stands, once it is committed and no longer joint.
   * @throws {ProposalError} When it was not committed; its `outcome` says whether it may be.
   */
  async changeMembership(
    changes: readonly MemberChange[],
    options: ChangeOptions = {},
  ): Promise<Index> {
    const change: ConfigChange = { type: "change", changes, transition: "auto" };
    const { expectedConfigIndex } = options;
    const { index } = await new Promise<Committed<Result>>((resolve, reject) => {
      const pending = this.#pending(
        new Uint8Array(0),
        { ...options, enqueueTimeoutMs: Infinity },
        this.#sink(resolve, reject),
      );
      this.#abortable(pending, options.signal);
      this.#proposals.handOver(pending, (proposal) => ({
        type: "changeConfig",
        proposal,
        change,
        ...(expectedConfigIndex !== undefined && { expectedConfigIndex }),
      }));
    });
    if (this.#config.votersOutgoing.length > 0 && this.#state === "running") {
      await this.#leftJoint(index, options);
    }
    return this.#configIndex;
  }

  /**
   * Takes a snapshot of the state machine and cuts the log. Happens by itself; see `snapshotEntries` and `snapshotBytes`.
   *
   * @throws {Error} When it cannot be stored. The node goes on with the one before.
   */
  snapshot(): Promise<SnapshotMeta> {
    const down = this.#down();
    if (down !== undefined) return Promise.reject(new Error(`Cannot take a snapshot (${down})`));
    return this.#snapshots.take();
  }

  /** Begins an election now, as if the leader had been silent. */
  campaign(): void {
    this.#driver.feed({ type: "campaign" });
  }

  /** Tells the node that its leader is gone, as another failure detector knows: the group may elect one sooner. */
  forgetLeader(): void {
    this.#driver.feed({ type: "forgetLeader" });
  }

  /**
   * Leaves without a word and closes the stores and the transport: the others elect a leader after their timeout, if this one led; see
   * {@link RaftNode.transferLeadership}. What is pending fails; what may be committed later fails as `unknown`. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The same as {@link RaftNode.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    if (this.#state === "running") this.#stop("closed");
    this.#role = "closed";
    for (const end of [...this.#ends]) end();
    const { log, snapshots } = this.#options;
    const results = await Promise.allSettled([this.#transport.close(), log.close()]);
    results.push(...await Promise.allSettled([snapshots.close()]));
    if (this.#failure !== undefined) return; // the store says again what it said before
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  /** Ends whatever waits. Nothing is acknowledged after it. */
  #stop(reason: "closed" | "halted"): void {
    this.#state = reason;
    this.#driver.stop();
    this.#applier.close();
    this.#snapshots.close();
    this.#proposals.close(reason);
    this.#forwarding.close(reason);
    this.#reads.close(reason);
    this.#transfer?.reject(new TransferError(reason));
    this.#transfer = undefined;
    for (const { resolve } of this.#configWaiters.splice(0)) resolve();
  }

  #halt(error: Error): void {
    if (this.#state !== "running") return;
    this.#failure = error;
    this.#role = "halted";
    this.#leader = undefined;
    this.#stop("halted");
    this.#options.logger.error("the node takes part no more", { id: this.#options.id, error });
    void this.#transport.close().catch(() => {});
    this.#tell("halted", error);
  }

  #broken(error: unknown): void {
    this.#halt(new Error("The state machine failed", { cause: error }));
  }

  #down(): "closed" | "halted" | undefined {
    return this.#state === "running" ? undefined : this.#state;
  }

  #perform(effect: PortedEffect): void {
    switch (effect.type) {
      case "send":
        this.#transport.send(effect.message);
        break;
      case "apply":
        this.#applier.push(effect.entries);
        break;
      case "restore":
        this.#applier.restore(
          effect.meta,
          () => this.#options.snapshots.read(effect.meta.id),
        );
        break;
      case "sendSnapshot":
        void this.#snapshots.send(effect);
        break;
      case "compact":
        void this.#snapshots.compact(effect.through);
        break;
      case "proposed":
        this.#proposals.proposed(effect.proposal, effect.firstIndex, effect.term);
        break;
      case "rejected":
        this.#proposals.rejected(effect.proposal, effect.reason, effect.detail);
        break;
      case "readReady":
        this.#reads.ready(effect.read, effect.index);
        break;
      case "readFailed":
        this.#reads.refused(effect.read, effect.reason);
        break;
      case "role":
        this.#changeRole(effect);
        break;
      case "config":
        this.#config = effect.config;
        this.#configIndex = effect.index;
        this.#configCommitted = effect.committed;
        this.#members(effect.config);
        this.#settleConfigWaiters();
        this.#tell("config", effect);
        break;
      case "transferEnded": {
        const transfer = this.#transfer;
        this.#transfer = undefined;
        if (effect.ok) transfer?.resolve();
        else transfer?.reject(new TransferError(effect.reason));
        break;
      }
      case "refused":
        this.#refuse(effect.reason, effect.detail);
        break;
      default:
        effect satisfies never;
    }
  }

  #changeRole({ role, term, leader }: Extract<PortedEffect, { type: "role" }>): void {
    if (role !== this.#role) this.#roles.add(role);
    this.#role = role;
    this.#term = term;
    this.#leader = leader;
    if (role === "leader") {
      for (const pending of this.#forwarding.own()) this.#proposals.add(pending);
    } else this.#forwarding.leader(leader);
    if (leader !== undefined) this.#reads.leaderKnown();
    this.#options.logger.debug("role", { id: this.#options.id, role, term, leader });
    this.#tell("role", { role, term, leader });
  }

  #appliedEntries(
    entries: readonly Entry[],
    results: readonly (Result | typeof SESSION_EXPIRED | undefined)[],
  ): void {
    if (this.#state !== "running") return;
    const last = entries[entries.length - 1]!;
    let bytes = 0;
    for (const { kind, data, index } of entries) {
      bytes += data.length;
      if (kind === "config") {
        this.#applied = { config: decodeConfig(data), configIndex: index };
      }
    }
    this.#entriesApplied += entries.length;
    this.#driver.feed({ type: "applied", index: last.index });
    this.#proposals.applied(entries, results as readonly (Result | undefined)[]);
    this.#reads.applied(last.index);
    this.#snapshots.applied(entries.length, bytes);
  }

  #restored(meta: SnapshotMeta): void {
    if (this.#state !== "running") return;
    this.#applied = { config: meta.config, configIndex: meta.configIndex };
    this.#snapshots.restored(meta);
    this.#driver.feed({ type: "restored", index: meta.index });
    this.#proposals.restored(meta.index);
    this.#reads.applied(meta.index);
    this.#wake();
  }

  #answered(
    session: CommandSession,
    index: Index,
    result: Result | typeof SESSION_EXPIRED,
  ): void {
    if (this.#state !== "running") return;
    this.#forwarding.answered(session, index, result as Result);
  }

  /** A member hands a command on, or did not append one of this node's. */
  #forwarded(from: NodeId, forwarded: Forwarded): void {
    if (this.#state !== "running") return;
    if (forwarded.type === "proposeReply") {
      return this.#forwarding.refused(forwarded.request, forwarded.reason);
    }
    const { request, data } = forwarded;
    const refuse = (reason: ProposalFailure) => {
      const known = reason === "tooLarge" || reason === "transferring" || reason === "notLeader";
      this.#transport.forward(from, {
        type: "proposeReply",
        request,
        reason: known ? reason : "overloaded",
        leader: this.#leader ?? "",
      });
    };
    if (data[0] !== 1) return this.#refuse("forwarded", `${from} handed on no command`);
    if (this.#role !== "leader") return refuse("notLeader");
    if (data.length > this.#options.maxCommandBytes + COMMAND_OVERHEAD_BYTES) {
      return refuse("tooLarge");
    }
    this.#proposals.add(this.#pending(data, {}, {
      committed: () => {}, // the asker sees it applied
      failed: (outcome, reason) => {
        if (outcome === "not-proposed") refuse(reason);
      },
    }));
  }

  /** Proposes where this node does not lead. */
  #elsewhere(
    command: Uint8Array,
    options: ProposeOptions,
    sink: ProposalSink<Result>,
  ): void {
    const down = this.#down();
    if (down !== undefined) return sink.failed("not-proposed", down, "");
    if (!this.#options.forwardProposals || options.session !== undefined) {
      // A command with its caller's session is its caller's to retry.
      return sink.failed("not-proposed", "notLeader", "");
    }
    const pending = this.#forwarding.add(command, sink, this.#times(options));
    this.#abortable(pending, options.signal);
  }

  #times(options: ProposeOptions): { enqueueBy: number; doneBy: number } {
    const now = this.#options.clock.now();
    return {
      enqueueBy: now + (options.enqueueTimeoutMs ?? this.#options.enqueueTimeoutMs),
      doneBy: now + (options.timeoutMs ?? this.#options.timeoutMs),
    };
  }

  #pending(
    data: Uint8Array,
    options: ProposeOptions,
    sink: ProposalSink<Result>,
  ): Pending<Result> {
    return { data, sink, ...this.#times(options), settled: false, appended: false };
  }

  #sink(
    resolve: (committed: Committed<Result>) => void,
    reject: (error: unknown) => void,
  ): ProposalSink<Result> {
    return {
      committed: (index, result) => {
        if ((result as unknown) === SESSION_EXPIRED) {
          this.#failures.add("sessionExpired");
          return reject(new ProposalError({ outcome: "unknown", reason: "sessionExpired" }));
        }
        this.#committed++;
        resolve({ index, result });
      },
      failed: (outcome, reason, detail) => reject(this.#proposalError(outcome, reason, detail)),
    };
  }

  #proposalError(
    outcome: ProposalOutcome,
    reason: ProposalFailure,
    detail: string,
  ): ProposalError {
    this.#failures.add(reason);
    return new ProposalError({
      outcome,
      reason,
      detail,
      leader: this.#hint(),
      cause: this.#failure,
    });
  }

  #abortable(pending: Pending<Result>, signal: AbortSignal | undefined): void {
    if (signal === undefined || pending.settled) return;
    const abort = () => settle(pending, pending.appended ? "unknown" : "not-proposed", "aborted");
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  }

  #read(
    options: CallOptions,
    kind: { readonly untilApplied: boolean; readonly retries: boolean },
  ): Promise<Index> {
    const { signal, timeoutMs = this.#options.timeoutMs } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        return reject(new ReadError("aborted", undefined, { cause: signal.reason }));
      }
      const abort = () => {
        this.#reads.forget(read);
        reject(new ReadError("aborted", undefined, { cause: signal?.reason }));
      };
      const read: PendingRead = {
        ...kind,
        doneBy: this.#options.clock.now() + timeoutMs,
        settled: false,
        done: (index) => {
          signal?.removeEventListener("abort", abort);
          resolve(index);
        },
        failed: (reason) => {
          signal?.removeEventListener("abort", abort);
          reject(new ReadError(reason, this.#hint(), { cause: this.#failure }));
        },
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.#reads.add(read);
    });
  }

  /** Waits until a joint phase that began at `index` is over. */
  #leftJoint(index: Index, { signal, timeoutMs }: CallOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = () => {
        this.#configWaiters = this.#configWaiters.filter((one) => one !== waiter);
        reject(
          new ProposalError({
            outcome: "unknown",
            reason: signal?.aborted ? "aborted" : "timeout",
            detail: "the joint phase is committed, its end is not",
          }),
        );
      };
      const cancel = this.#options.clock.setTimer(timeoutMs ?? this.#options.timeoutMs, late);
      signal?.addEventListener("abort", late, { once: true });
      const waiter = {
        after: index,
        resolve: () => {
          cancel();
          signal?.removeEventListener("abort", late);
          if (this.#state === "running") resolve();
          else late();
        },
      };
      this.#configWaiters.push(waiter);
    });
  }

  #settleConfigWaiters(): void {
    if (!this.#configCommitted || this.#config.votersOutgoing.length > 0) return;
    const done = this.#configWaiters.filter(({ after }) => this.#configIndex > after);
    this.#configWaiters = this.#configWaiters.filter(({ after }) => this.#configIndex <= after);
    for (const { resolve } of done) resolve();
  }

  #members(config: ClusterConfig): void {
    this.#addresses = new Map(config.addresses);
    this.#transport.members(this.#addresses);
  }

  #hint(): LeaderHint | undefined {
    const id = this.#leader;
    return id === undefined || id === this.#options.id
      ? undefined
      : Object.freeze({ id, address: this.#addresses.get(id) });
  }

  #refuse(reason: string, detail: string): void {
    this.#refused.add(reason);
    const { clock, logger, id } = this.#options;
    const held = this.#throttle.pass(reason, clock.now());
    if (held !== undefined) logger.warn("refused", { id, reason, detail, held });
    this.events.dispatchEvent(new CustomEvent("refused", { detail: { reason, detail } }));
  }

  #tell<Type extends keyof RaftNodeEventMap>(type: Type, detail: RaftNodeEventMap[Type]): void {
    this.events.dispatchEvent(new CustomEvent(type, { detail }));
    this.#wake();
  }

  /** Tells the watchers, once a turn. */
  #wake(): void {
    if (this.#waking) return;
    this.#waking = true;
    queueMicrotask(() => {
      this.#waking = false;
      for (const change of [...this.#changes]) change();
      if (this.#state !== "running") { for (const end of [...this.#ends]) end(); }
    });
  }
}
