/**
 * What callers ask of a node, as promises.
 *
 * @module
 */
import { Tally } from "../../membership/stats.ts";
import { isJoint } from "../config.ts";
import type { ConfigChange } from "../contract.ts";
import type { Index, NodeId, SnapshotMeta } from "../entry.ts";
import {
  ProposalError,
  type ProposalFailure,
  type ProposalOutcome,
  ReadError,
  TransferError,
} from "../errors.ts";
import type { CallOptions, ChangeOptions, ProposeOptions } from "../raft_node.ts";
import { SESSION_EXPIRED } from "./applier.ts";
import { BARRIER_DATA, CommandEncoder, encodeCommand } from "./command.ts";
import type { Engine, PendingTransfer } from "./engine.ts";
import type { Committed, Pending, ProposalSink } from "./pending.ts";
import { settle } from "./proposals.ts";
import type { PendingRead } from "./reads.ts";

interface AbortableSink<Result> extends ProposalSink<Result> {
  /** Lets go of the caller's signal. */
  release: (() => void) | undefined;
}

/** The calls of one node. */
export class Calls<Result> {
  /** Proposals committed and answered. */
  committed = 0;
  /** Proposals that failed, by reason. */
  readonly failures: Tally = new Tally();
  readonly #engine: Engine<Result>;
  readonly #encoder = new CommandEncoder();

  constructor(engine: Engine<Result>) {
    this.#engine = engine;
  }

  propose(command: Uint8Array, options: ProposeOptions): Promise<Committed<Result>> {
    return new Promise((resolve, reject) => {
      const { options: { maxCommandBytes }, view, proposals } = this.#engine;
      const sink = this.#sink(resolve, reject);
      if (options.signal?.aborted) return sink.failed("not-proposed", "aborted", "");
      if (command.length > maxCommandBytes) {
        return sink.failed(
          "not-proposed",
          "tooLarge",
          `it must have at most ${maxCommandBytes} bytes: current value is ${command.length}`,
        );
      }
      if (view.role !== "leader") return this.#elsewhere(command, options, sink);
      const data = options.session === undefined
        ? this.#encoder.encode(command)
        : encodeCommand(command, options.session);
      const pending = this.#pending(data, options, sink);
      this.#abortable(pending, sink, options.signal);
      proposals.add(pending);
    });
  }

  async barrier(options: ProposeOptions): Promise<Index> {
    const { view, proposals, down } = this.#engine;
    const { index } = await new Promise<Committed<Result>>((resolve, reject) => {
      const sink = this.#sink(resolve, reject);
      const pending = this.#pending(BARRIER_DATA, options, sink);
      this.#abortable(pending, sink, options.signal);
      if (view.role === "leader") proposals.add(pending);
      else settle(pending, "not-proposed", down ?? "notLeader");
    });
    return index;
  }

  readIndex(options: CallOptions): Promise<Index> {
    const byRound = !this.#engine.options.leaseReads;
    return this.#read(options, { untilApplied: true, byRound, retries: true });
  }

  async verifyLeader(options: CallOptions): Promise<void> {
    const { view } = this.#engine;
    const { term } = view;
    if (view.role !== "leader") throw new ReadError("notLeader", view.hint);
    await this.#read(options, { untilApplied: false, byRound: true, retries: false });
    if (view.role !== "leader" || view.term !== term) throw new ReadError("notLeader", view.hint);
  }

  transfer(to: NodeId | undefined, { signal, timeoutMs }: CallOptions): Promise<void> {
    const engine = this.#engine;
    const { clock, timeoutMs: byDefault } = engine.options;
    return new Promise((resolve, reject) => {
      let cancel = () => {};
      const end = (settle: () => void) => {
        signal?.removeEventListener("abort", abort);
        cancel();
        if (engine.transfer === transfer) engine.transfer = undefined;
        settle();
      };
      const transfer: PendingTransfer = {
        done: () => end(resolve),
        failed: (reason) => end(() => reject(new TransferError(reason))),
      };
      const abort = () => transfer.failed("aborted");
      if (engine.down !== undefined) return transfer.failed(engine.down);
      if (signal?.aborted) return abort();
      engine.transfer?.failed("replaced");
      engine.transfer = transfer;
      signal?.addEventListener("abort", abort, { once: true });
      cancel = clock.setTimer(timeoutMs ?? byDefault, () => transfer.failed("timeout"));
      engine.driver.feed({ type: "transferLeadership", ...(to !== undefined && { to }) });
    });
  }

  snapshot({ signal }: { readonly signal?: AbortSignal }): Promise<SnapshotMeta> {
    const { down, snapshots } = this.#engine;
    return new Promise((resolve, reject) => {
      if (down !== undefined) return reject(new Error(`Cannot take a snapshot (${down})`));
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => reject(signal?.reason);
      signal?.addEventListener("abort", abort, { once: true });
      snapshots.take().then(resolve, reject)
        .finally(() => signal?.removeEventListener("abort", abort));
    });
  }

  async change(change: ConfigChange, options: ChangeOptions): Promise<Index> {
    const { expectedConfigIndex } = options;
    const { view, proposals, down } = this.#engine;
    const { index } = await new Promise<Committed<Result>>((resolve, reject) => {
      const sink = this.#sink(resolve, reject);
      const patient = { ...options, enqueueTimeoutMs: Infinity };
      const pending = this.#pending(new Uint8Array(0), patient, sink);
      this.#abortable(pending, sink, options.signal);
      if (pending.settled) return;
      if (down !== undefined) return settle(pending, "not-proposed", down);
      proposals.handOver(pending, (proposal) => ({
        type: "changeConfig",
        proposal,
        change,
        ...(expectedConfigIndex !== undefined && { expectedConfigIndex }),
      }));
    });
    if (isJoint(view.config) && this.#engine.down === undefined) {
      await this.#leftJoint(index, options);
    }
    return view.configIndex;
  }

  #read(
    options: CallOptions,
    kind: Pick<PendingRead, "untilApplied" | "byRound" | "retries">,
  ): Promise<Index> {
    const { reads, view, options: { clock, timeoutMs } } = this.#engine;
    const { signal } = options;
    return new Promise((resolve, reject) => {
      const fail = (reason: ReadError["reason"], cause: unknown) =>
        reject(new ReadError(reason, view.hint, { cause }));
      if (signal?.aborted) return fail("aborted", signal.reason);
      const abort = () => {
        reads.forget(read);
        fail("aborted", signal?.reason);
      };
      const read: PendingRead = {
        ...kind,
        doneBy: clock.now() + (options.timeoutMs ?? timeoutMs),
        settled: false,
        done: (index) => {
          signal?.removeEventListener("abort", abort);
          resolve(index);
        },
        failed: (reason) => {
          signal?.removeEventListener("abort", abort);
          fail(reason, this.#engine.failure);
        },
      };
      signal?.addEventListener("abort", abort, { once: true });
      reads.add(read);
    });
  }

  /** Proposes where this node does not lead. */
  #elsewhere(command: Uint8Array, options: ProposeOptions, sink: AbortableSink<Result>): void {
    const { down, forwarding, options: { forwardProposals } } = this.#engine;
    if (down !== undefined) return sink.failed("not-proposed", down, "");
    if (!forwardProposals) return sink.failed("not-proposed", "notLeader", "");
    const { session } = options;
    const pending = forwarding.add(command, sink, { ...this.#times(options), session });
    this.#abortable(pending, sink, options.signal);
  }

  #times(options: ProposeOptions): { enqueueBy: number; doneBy: number } {
    const { clock, enqueueTimeoutMs, timeoutMs } = this.#engine.options;
    const now = clock.now();
    return {
      enqueueBy: now + (options.enqueueTimeoutMs ?? enqueueTimeoutMs),
      doneBy: now + (options.timeoutMs ?? timeoutMs),
    };
  }

  #pending(
    data: Uint8Array,
    options: ProposeOptions,
    sink: ProposalSink<Result>,
  ): Pending<Result> {
    return { data, sink, ...this.#times(options), settled: false, appended: false };
  }

  /** What tells a caller, and lets go of its signal. */
  #sink(
    resolve: (committed: Committed<Result>) => void,
    reject: (error: unknown) => void,
  ): AbortableSink<Result> {
    const sink: AbortableSink<Result> = {
      release: undefined,
      committed: (index, result) => {
        sink.release?.();
        if ((result as unknown) === SESSION_EXPIRED) {
          return reject(this.#error("unknown", "sessionExpired", ""));
        }
        this.committed++;
        resolve({ index, result });
      },
      failed: (outcome, reason, detail) => {
        sink.release?.();
        reject(this.#error(outcome, reason, detail));
      },
    };
    return sink;
  }

  #error(outcome: ProposalOutcome, reason: ProposalFailure, detail: string): ProposalError {
    this.failures.add(reason);
    const { view, failure } = this.#engine;
    return new ProposalError({ outcome, reason, detail, leader: view.hint, cause: failure });
  }

  #abortable(
    pending: Pending<Result>,
    sink: AbortableSink<Result>,
    signal: AbortSignal | undefined,
  ): void {
    if (signal === undefined || pending.settled) return;
    const abort = () => settle(pending, pending.appended ? "unknown" : "not-proposed", "aborted");
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    // A signal may outlive a million calls.
    sink.release = () => signal.removeEventListener("abort", abort);
  }

  /** Waits until a joint phase that began at `index` is over. */
  #leftJoint(index: Index, { signal, timeoutMs }: CallOptions): Promise<void> {
    const { view, options } = this.#engine;
    return new Promise((resolve, reject) => {
      const end = (reason?: ProposalFailure) => {
        forget();
        cancel();
        signal?.removeEventListener("abort", abort);
        if (reason === undefined) resolve();
        else reject(this.#error("unknown", reason, "the joint phase is committed, its end is not"));
      };
      const abort = () => end("aborted");
      const forget = view.whenLeftJoint(index, () => end(this.#engine.down));
      const cancel = options.clock.setTimer(timeoutMs ?? options.timeoutMs, () => end("timeout"));
      signal?.addEventListener("abort", abort, { once: true });
    });
  }
}
