/**
 * A member of a Raft group.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { TypedEventTarget } from "../membership/events.ts";
import { watch } from "../membership/watch.ts";
import type { MemberChange } from "./contract.ts";
import { Calls } from "./driver/calls.ts";
import type { CommandSession } from "./driver/command.ts";
import { Engine } from "./driver/engine.ts";
import type { Committed } from "./driver/pending.ts";
import type { Index, NodeId, SnapshotMeta } from "./entry.ts";
import { ProposalError } from "./errors.ts";
import type { RaftNodeEventMap } from "./node_events.ts";
import { type RaftNodeOptions, resolveRaftNodeOptions } from "./node_options.ts";
import type { RaftNodeStats, RaftNodeStatus } from "./node_status.ts";

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
   * The command's identity across retries: the group applies it once, whichever member it is proposed on and however often. Needed by
   * whoever tries again after the outcome `unknown`.
   */
  readonly session?: CommandSession;
}

/** Options of {@link RaftNode.changeMembership}. */
export interface ChangeOptions extends CallOptions {
  /** Only if the configuration in force stands at this index: nothing that was decided on an older one is carried out. */
  readonly expectedConfigIndex?: Index;
}

/**
 * One member of a group that agrees on a log of commands and applies them to a state machine (Raft, with pre-vote, joint consensus,
 * learners and linearizable reads).
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
 *   log: new MemoryLogStore(), // that survives: FileLogStore
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
  readonly events: TypedEventTarget<RaftNodeEventMap>;
  readonly #engine: Engine<Result>;
  readonly #calls: Calls<Result>;

  private constructor(engine: Engine<Result>) {
    this.#engine = engine;
    this.#calls = new Calls(engine);
    this.events = engine.announcer.events;
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
    const resolved = resolveRaftNodeOptions(options, (callback) => void setImmediate(callback));
    return new RaftNode(await Engine.open(resolved));
  }

  /** The own name. */
  get id(): NodeId {
    return this.#engine.options.id;
  }

  /** Why the node takes part no more; `undefined` as long as it does. */
  get failure(): Error | undefined {
    return this.#engine.failure;
  }

  /** The node as it is now. */
  get status(): RaftNodeStatus {
    const { core, view, applier, snapshots, options } = this.#engine;
    const { lastIndex, commitIndex, progress } = core.status;
    return Object.freeze({
      id: options.id,
      role: view.role,
      term: view.term,
      leader: view.hint,
      config: view.config,
      configIndex: view.configIndex,
      configCommitted: view.configCommitted,
      lastIndex,
      commitIndex,
      appliedIndex: applier.position.index,
      snapshot: snapshots.latest,
      peers: progress,
    });
  }

  /** Counts and gauges. */
  get stats(): RaftNodeStats {
    const engine = this.#engine;
    return Object.freeze({
      driver: engine.driver.stats,
      transport: engine.transport.stats,
      log: engine.options.log.stats,
      proposalsCommitted: this.#calls.committed,
      proposalsFailed: this.#calls.failures.counts,
      proposalsQueued: engine.proposals.queued,
      unappliedBytes: engine.proposals.unappliedBytes,
      forwarded: engine.forwarding.pending,
      readsPending: engine.reads.pending,
      entriesApplied: engine.entriesApplied,
      entriesWaiting: engine.applier.waiting,
      sessions: engine.applier.sessions,
      roles: engine.roles.counts,
      snapshots: Object.freeze({ ...engine.snapshots.counts }),
      refused: engine.announcer.refusals.counts,
    });
  }

  /**
   * Iterates over the node's status, beginning with the current one; who is slow gets the latest. A step of the role, the leader, the
   * configuration or the snapshot is a change; a growing log is none.
   */
  watch(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<RaftNodeStatus> {
    return watch({
      current: () => this.status,
      subscribe: (change, end) => this.#engine.announcer.subscribe(change, end),
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
    return this.#calls.propose(command, options);
  }

  /**
   * Gives an index at which the state machine may be read: it holds every command that was committed, anywhere, before the call. Resolves
   * once the own state machine has got there. Works on every member. The leader has it confirmed by a round of heartbeats, or by its lease:
   * see {@link RaftNodeOptions.leaseReads}.
   *
   * @throws {ReadError} When no leader could be asked in time.
   */
  readIndex(options: CallOptions = {}): Promise<Index> {
    return this.#calls.readIndex(options);
  }

  /**
   * Checks that this node leads, by a round of heartbeats that begins after the call, whatever lease it has.
   *
   * @throws {ReadError} When it does not, or a majority does not answer in time.
   */
  verifyLeader(options: CallOptions = {}): Promise<void> {
    return this.#calls.verifyLeader(options);
  }

  /**
   * Waits until everything that was proposed before, anywhere, is applied here: commits an empty entry. Only the leader can.
   *
   * @throws {ProposalError} When it was not committed.
   */
  barrier(options: ProposeOptions = {}): Promise<Index> {
    return this.#calls.barrier(options);
  }

  /**
   * Hands leadership to another voter, or to the most caught-up one. Proposals are refused meanwhile. Resolves once another leads.
   *
   * @throws {TransferError} When it was not handed over; then this node goes on, if it led.
   */
  transferLeadership(to?: NodeId, options: CallOptions = {}): Promise<void> {
    return this.#calls.transfer(to, options);
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
    const address = this.#engine.view.addresses.get(id);
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
  changeMembership(
    changes: readonly MemberChange[],
    options: ChangeOptions = {},
  ): Promise<Index> {
    return this.#calls.change({ type: "change", changes, transition: "auto" }, options);
  }

  /**
   * Takes a snapshot of the state machine and cuts the log. Happens by itself; see `snapshotEntries` and `snapshotBytes`.
   *
   * @param options.signal Ends the waiting; the snapshot is taken all the same.
   * @throws {Error} When it cannot be stored. The node goes on with the one before.
   */
  snapshot(options: { readonly signal?: AbortSignal } = {}): Promise<SnapshotMeta> {
    return this.#calls.snapshot(options);
  }

  /** Begins an election now, as if the leader had been silent. With `leaseReads` only where the voters' promise to the leader is over. */
  campaign(): void {
    this.#engine.driver.feed({ type: "campaign" });
  }

  /**
   * Tells the node that its leader is gone, as another failure detector knows: the group may elect one sooner. With `leaseReads` it changes
   * nothing: the leader may be alive, and read by the lease that this node gave it.
   */
  forgetLeader(): void {
    this.#engine.driver.feed({ type: "forgetLeader" });
  }

  /**
   * Leaves without a word and closes the stores and the transport: the others elect a leader after their timeout, if this one led; see
   * {@link RaftNode.transferLeadership}. What is pending fails; what may be committed later fails as `unknown`. Idempotent.
   */
  close(): Promise<void> {
    return this.#engine.close();
  }

  /** The same as {@link RaftNode.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
