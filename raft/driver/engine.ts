/**
 * Puts the parts of a node together: performs the core's effects, and tells the parts what comes of them.
 *
 * @module
 */
import { Tally } from "../../membership/stats.ts";
import { decodeConfig, emptyConfig, isMember } from "../config.ts";
import type { RaftInput } from "../contract.ts";
import type { RaftCore } from "../core.ts";
import { type PortedEffect, RaftDriver } from "../driver.ts";
import type { ClusterConfig, Entry, Index, NodeId, SnapshotMeta } from "../entry.ts";
import type { ProposalFailure } from "../errors.ts";
import type { OpenedLog } from "../log_store.ts";
import type { ResolvedRaftNodeOptions } from "../node_options.ts";
import { RaftTransport } from "../transport.ts";
import type { Forwarded } from "../wire/proposal_codec.ts";
import { Announcer } from "./announcer.ts";
import { Applier, type SESSION_EXPIRED } from "./applier.ts";
import { hasSession } from "./command.ts";
import { COMMAND_OVERHEAD_BYTES, createCore, foundation } from "./core_adapter.ts";
import { Forwarding } from "./forwarding.ts";
import { GroupView } from "./group_view.ts";
import { MemberStorages } from "./member_storages.ts";
import { Proposals } from "./proposals.ts";
import { Reads } from "./reads.ts";
import { Snapshots } from "./snapshots.ts";

/** A leadership transfer that a caller waits for. */
export interface PendingTransfer {
  readonly done: () => void;
  readonly failed: (reason: string) => void;
}

/** The inside of a node. */
export class Engine<Result> {
  readonly options: ResolvedRaftNodeOptions<Result>;
  readonly core: RaftCore;
  readonly view: GroupView;
  readonly announcer: Announcer;
  readonly driver: RaftDriver;
  readonly storages: MemberStorages;
  readonly transport: RaftTransport;
  readonly proposals: Proposals<Result>;
  readonly reads: Reads;
  readonly applier: Applier<Result>;
  readonly snapshots: Snapshots;
  readonly forwarding: Forwarding<Result>;
  /** Changes of the role, by role. */
  readonly roles: Tally = new Tally();
  /** Why the node takes part no more. */
  failure: Error | undefined;
  /** Entries applied. */
  entriesApplied = 0;
  transfer: PendingTransfer | undefined;
  #state: "running" | "halted" | "closed" = "running";
  #token = 0;
  /** In force where the state machine stands. */
  #applied: { readonly config: ClusterConfig; readonly configIndex: Index };
  #closing: Promise<void> | undefined;
  #cancelMeeting: () => void = () => {};

  private constructor(
    options: ResolvedRaftNodeOptions<Result>,
    opened: OpenedLog,
    applier: Applier<Result>,
  ) {
    const { id, clock, random, defer, electionTimeoutMs } = options;
    const feed = (input: RaftInput) => this.driver.feed(input);
    const token = () => ++this.#token;
    this.options = options;
    this.core = createCore(options, opened);
    this.view = new GroupView(this.core.status);
    this.announcer = new Announcer(options);
    this.#applied = opened.snapshot ?? { config: emptyConfig, configIndex: 0 };
    this.storages = new MemberStorages({
      known: opened.knownStorages,
      remember: (storages) => options.log.remember(storages),
      failed: (error) => this.announcer.refuse("storage", `could not be remembered: ${error}`),
    }, this.view);
    this.transport = this.#createTransport(feed, opened.storageId);
    this.driver = new RaftDriver({
      core: this.core,
      clock,
      log: options.log,
      perform: (effect) => this.#perform(effect),
      persisting: ({ truncateFrom }) => {
        if (truncateFrom !== undefined) this.proposals.truncated(truncateFrom);
      },
      persisted: ({ snapshot }) => {
        if (snapshot !== undefined) this.snapshots.marked(snapshot);
      },
      halted: (error) => this.#halt(error),
    });
    this.proposals = new Proposals({ ...options, feed, token });
    this.reads = new Reads({
      clock,
      defer,
      feed,
      token,
      retryMs: electionTimeoutMs,
      maxPending: options.maxPendingReads,
    });
    this.reads.applied(applier.position.index); // what it begins with; more may not come for long
    this.applier = applier;
    this.snapshots = new Snapshots({
      id,
      store: options.snapshots,
      log: options.log,
      applier,
      feed,
      send: (message, read) => this.transport.sendSnapshot(message, read),
      config: () => this.#applied,
      everyEntries: options.snapshotEntries,
      everyBytes: options.snapshotBytes,
      retained: options.retainedSnapshots,
      failed: (what, error) => this.announcer.failed(what, error),
      stored: (meta, from) => this.announcer.tell("snapshot", { meta, from }),
    }, opened.snapshot);
    const word = () => Math.floor(random() * 2 ** 52).toString(36).padStart(11, "0");
    this.forwarding = new Forwarding({
      clock,
      client: () => `~${word()}-${word()}`,
      send: (to, request, data) => this.transport.forward(to, { type: "propose", request, data }),
      append: (pending) => this.proposals.add(pending),
      retryMs: electionTimeoutMs,
      maxPendingBytes: options.maxQueuedBytes,
    });
    this.transport.members(this.view.addresses);
  }

  /** Opens the stores, restores the state machine and starts. When it fails, stores and transport are closed. */
  static async open<Result>(options: ResolvedRaftNodeOptions<Result>): Promise<Engine<Result>> {
    const { log, snapshots, stateMachine, maxBatchCommands } = options;
    let engine: Engine<Result> | undefined;
    try {
      const opened = await foundation(options, await log.open(() => snapshots.open()));
      const applier = new Applier<Result>({
        stateMachine,
        maxBatchCommands,
        applied: (entries, results) => engine!.#appliedEntries(entries, results),
        restored: (meta) => engine!.#restored(meta),
        answered: (session, index, result) => engine!.forwarding.answered(session, index, result),
        broken: (cause) => engine!.#halt(new Error("The state machine failed", { cause })),
      });
      const { snapshot } = opened;
      if (snapshot !== undefined) {
        await applier.begin(snapshot, () => snapshots.read(snapshot.id));
      }
      engine = new Engine(options, opened, applier);
      engine.transport.serve();
      engine.driver.start();
      engine.#meet();
      return engine;
    } catch (error) {
      await Promise.allSettled([options.transport.close(), log.close(), snapshots.close()]);
      throw error;
    }
  }

  /** Why nothing can be asked of it any more. */
  get down(): "closed" | "halted" | undefined {
    return this.#state === "running" ? undefined : this.#state;
  }

  /** Ends the node. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#state === "running") this.#stop("closed");
    this.view.end("closed");
    this.announcer.end();
    const { log, snapshots } = this.options;
    const results = await Promise.allSettled([this.transport.close(), log.close()]);
    results.push(...await Promise.allSettled([snapshots.close()]));
    if (this.failure !== undefined) return; // the store says again what it said before
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  /** Ends whatever waits. Nothing is acknowledged after it. */
  #stop(reason: "closed" | "halted"): void {
    this.#state = reason;
    this.#cancelMeeting();
    this.driver.stop();
    this.applier.close();
    this.snapshots.close();
    this.proposals.close(reason);
    this.forwarding.close(reason);
    this.reads.close(reason);
    this.transfer?.failed(reason);
    this.view.end(reason);
  }

  #halt(error: Error): void {
    if (this.#state !== "running") return;
    this.failure = error;
    this.#stop("halted");
    this.options.logger.error("the node takes part no more", { id: this.options.id, error });
    void this.transport.close().catch(() => {});
    this.announcer.tell("halted", error);
    this.announcer.end();
  }

  /** Dials members until each was met once: only who was met can be told from who was wiped, later. */
  #meet(): void {
    this.#cancelMeeting();
    const { id, clock, electionTimeoutMs } = this.options;
    if (this.#state !== "running" || this.storages.unmet(id).length === 0) return;
    this.transport.members(this.view.addresses);
    this.#cancelMeeting = clock.setTimer(electionTimeoutMs, () => this.#meet());
  }

  #createTransport(feed: (input: RaftInput) => void, storage: string): RaftTransport {
    const { options } = this;
    return new RaftTransport({
      transport: options.transport,
      clock: options.clock,
      random: options.random,
      defer: options.defer,
      cluster: options.clusterName,
      id: options.id,
      address: options.address,
      storage,
      limits: {
        maxEntryBytes: options.maxCommandBytes + COMMAND_OVERHEAD_BYTES,
        ...options.transportLimits,
      },
      handlers: {
        message: (message) => feed({ type: "message", message }),
        forwarded: (from, forwarded) => this.#forwarded(from, forwarded),
        snapshot: (message) => this.snapshots.begin(message),
        snapshotTaken: (message) => this.snapshots.received(message),
        unreachable: (node) => feed({ type: "unreachable", node }),
        admit: (id, storageId) => this.storages.admit(id, storageId),
        refused: (reason, detail) => this.announcer.refuse(reason, detail),
        full: () => this.driver.full,
      },
    });
  }

  #perform(effect: PortedEffect): void {
    switch (effect.type) {
      case "send":
        this.transport.send(effect.message);
        break;
      case "apply":
        this.applier.push(effect.entries);
        break;
      case "restore":
        this.applier.restore(effect.meta, () => this.options.snapshots.read(effect.meta.id));
        break;
      case "sendSnapshot":
        void this.snapshots.send(effect);
        break;
      case "compact":
        void this.snapshots.compact(effect.through);
        break;
      case "proposed":
        this.proposals.proposed(effect.proposal, effect.firstIndex, effect.term);
        break;
      case "rejected":
        this.proposals.rejected(effect.proposal, effect.reason, effect.detail);
        break;
      case "readReady":
        this.reads.ready(effect.read, effect.index);
        break;
      case "readFailed":
        this.reads.refused(effect.read, effect.reason);
        break;
      case "role":
        this.#changeRole(effect);
        break;
      case "config":
        this.view.changeConfig(effect);
        this.storages.changed(effect.config, effect.index, this.transport.storages());
        this.#meet();
        this.transport.members(this.view.addresses);
        this.announcer.tell("config", effect);
        break;
      case "transferEnded":
        if (effect.ok) this.transfer?.done();
        // One that a newer wish replaced was told so already.
        else if (effect.reason !== "replaced") this.transfer?.failed(effect.reason);
        break;
      case "refused":
        this.announcer.refuse(effect.reason, effect.detail);
        break;
      default:
        effect satisfies never;
    }
  }

  #changeRole(effect: Extract<PortedEffect, { type: "role" }>): void {
    const { role, term, leader } = effect;
    if (role !== this.view.role) this.roles.add(role);
    this.view.changeRole(effect);
    if (role === "leader") {
      this.forwarding.leads();
    } else this.forwarding.leader(leader);
    if (leader !== undefined) this.reads.leaderKnown();
    this.options.logger.debug("role", { id: this.options.id, role, term, leader });
    this.announcer.tell("role", { role, term, leader });
  }

  #appliedEntries(
    entries: readonly Entry[],
    results: readonly (Result | typeof SESSION_EXPIRED | undefined)[],
  ): void {
    if (this.#state !== "running") return;
    const last = entries[entries.length - 1]!.index;
    let bytes = 0;
    for (const { kind, data, index } of entries) {
      bytes += data.length;
      if (kind !== "config") continue;
      this.#applied = { config: decodeConfig(data), configIndex: index };
      this.storages.applied(this.#applied.config, index);
    }
    this.entriesApplied += entries.length;
    this.driver.feed({ type: "applied", index: last });
    this.proposals.applied(entries, results as readonly (Result | undefined)[]);
    this.reads.applied(last);
    this.snapshots.applied(entries.length, bytes);
  }

  #restored(meta: SnapshotMeta): void {
    if (this.#state !== "running") return;
    this.#applied = { config: meta.config, configIndex: meta.configIndex };
    this.storages.applied(meta.config, meta.configIndex);
    this.snapshots.restored(meta);
    this.driver.feed({ type: "restored", index: meta.index });
    this.proposals.restored(meta.index);
    this.forwarding.restored();
    this.reads.applied(meta.index);
    this.announcer.wake();
  }

  /** A member hands a command on, or did not append one of this node's. */
  #forwarded(from: NodeId, forwarded: Forwarded): void {
    if (this.#state !== "running") return;
    if (forwarded.type === "proposeReply") {
      return this.forwarding.refused(forwarded.request, forwarded.reason);
    }
    const { request, data } = forwarded;
    const refuse = (reason: ProposalFailure) => {
      const known = reason === "tooLarge" || reason === "transferring" || reason === "notLeader";
      this.transport.forward(from, {
        type: "proposeReply",
        request,
        reason: known ? reason : "overloaded",
        leader: this.view.leader ?? "",
      });
    };
    if (!hasSession(data)) {
      return this.announcer.refuse("forwarded", `${from} handed on no command`);
    }
    if (this.view.role !== "leader") return refuse("notLeader");
    if (!isMember(this.view.config, from)) {
      this.announcer.refuse("forwarded", `${from} handed a command on and is no member`);
      return refuse("notLeader");
    }
    if (data.length > this.options.maxCommandBytes + COMMAND_OVERHEAD_BYTES) {
      return refuse("tooLarge");
    }
    const now = this.options.clock.now();
    this.proposals.add({
      data,
      enqueueBy: now + this.options.enqueueTimeoutMs,
      doneBy: now + this.options.timeoutMs,
      settled: false,
      appended: false,
      sink: {
        committed: () => {}, // the asker sees it applied
        failed: (outcome, reason) => {
          if (outcome === "not-proposed") refuse(reason);
        },
      },
    });
  }
}
