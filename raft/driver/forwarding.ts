/**
 * Commands that are handed on to the leader. Each carries a session of this node's, so that one that is sent twice is applied once; the
 * answer is the own state machine's. The own log, while this node leads, is one more place to send to: that it did not take a command says nothing of
 * what others did with it.
 *
 * @module
 */
import type { Clock } from "../../membership/clock.ts";
import type { Index, NodeId } from "../entry.ts";
import { SESSION_EXPIRED } from "./applier.ts";
import { type CommandSession, encodeCommand } from "./command.ts";
import type { ProposalFailure } from "../errors.ts";
import { Deadlines, type Pending, type ProposalSink } from "./pending.ts";
import { settle } from "./proposals.ts";

/** Options of {@link Forwarding}. */
export interface ForwardingOptions<Result> {
  readonly clock: Clock;
  /** The own name as a client: unique in every life of the node. */
  readonly client: string;
  /** Hands a command on. */
  readonly send: (to: NodeId, request: number, data: Uint8Array) => void;
  /** Proposes a command for the own log. */
  readonly propose: (pending: Pending<Result>) => void;
  /** A command is sent again when nothing was heard of it for this long. */
  readonly retryMs: number;
  readonly maxPendingBytes: number;
}

interface Forward<Result> {
  readonly client: string;
  readonly pending: Pending<Result>;
  sent: number;
  refused: number;
  retryAt: number;
}

/** What this node has handed on. */
export class Forwarding<Result> {
  readonly #options: ForwardingOptions<Result>;
  readonly #deadlines: Deadlines;
  readonly #pending = new Map<number, Forward<Result>>();
  #bytes = 0;
  #sequence = 0;
  #client: string;
  /** Sessions of this node that the group has forgotten. */
  #forgotten = 0;
  /** Whether the group has a session of this client. */
  #known = false;
  #leader: NodeId | undefined;
  #leads = false;

  constructor(options: ForwardingOptions<Result>) {
    this.#options = options;
    this.#client = options.client;
    this.#deadlines = new Deadlines(options.clock, (now) => this.#expire(now));
  }

  /** Commands under way. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Hands a command on, now or once a leader is known. */
  add(
    command: Uint8Array,
    sink: ProposalSink<Result>,
    times: { readonly enqueueBy: number; readonly doneBy: number },
  ): Pending<Result> {
    const sequence = ++this.#sequence;
    // A group that never heard of this client must take its first command for new, whichever that is.
    const lowestPending: number = this.#known ? this.#pending.keys().next().value ?? sequence : 1;
    const client = this.#client;
    const { maxPendingBytes } = this.#options;
    const pending: Pending<Result> = {
      data: encodeCommand(command, { client, sequence, lowestPending }),
      sink,
      ...times,
      settled: false,
      appended: false,
    };
    if (this.#bytes > 0 && this.#bytes + pending.data.length > maxPendingBytes) {
      settle(pending, "not-proposed", "overloaded");
      return pending;
    }
    this.#bytes += pending.data.length;
    const forward = { client, pending, sent: 0, refused: 0, retryAt: Infinity };
    this.#pending.set(sequence, forward);
    this.#deadlines.add(Math.min(times.enqueueBy, times.doneBy));
    this.#send(sequence, forward);
    return pending;
  }

  /** Somebody else leads, or nobody: what is under way goes there as well. */
  leader(leader: NodeId | undefined): void {
    if (leader === this.#leader && !this.#leads) return;
    this.#leads = false;
    this.#leader = leader;
    for (const [sequence, forward] of this.#pending) this.#send(sequence, forward);
  }

  /** This node leads: what is under way goes into its own log. */
  leads(): void {
    this.#leads = true;
    this.#leader = undefined;
    for (const [sequence, forward] of this.#pending) this.#send(sequence, forward);
  }

  /** A member did not append one. */
  refused(sequence: number, reason: ProposalFailure): void {
    const forward = this.#pending.get(sequence);
    if (forward === undefined) return;
    forward.refused++;
    forward.pending.appended = forward.sent > forward.refused;
    if (reason === "tooLarge") {
      settle(forward.pending, forward.pending.appended ? "unknown" : "not-proposed", "tooLarge");
      this.#forget(sequence);
      return;
    }
    forward.retryAt = this.#options.clock.now() + this.#options.retryMs / 8;
    this.#deadlines.add(forward.retryAt);
  }

  /** A command with a session was applied here; perhaps one of these. */
  answered(
    { client, sequence }: CommandSession,
    index: Index,
    result: Result | typeof SESSION_EXPIRED | undefined,
  ): void {
    const forward = this.#pending.get(sequence);
    const waits = forward?.client === client;
    if (client === this.#client) {
      if (result !== SESSION_EXPIRED) this.#known = true;
      else if (waits) {
        // So many others were heard since that this client is a stranger, and would be for good.
        this.#client = `${this.#options.client}-${++this.#forgotten}`;
        this.#known = false;
      }
    }
    if (forward === undefined || !waits) return;
    this.#forget(sequence);
    const { pending } = forward;
    if (pending.settled) return;
    pending.settled = true;
    pending.sink.committed(index, result as Result);
  }

  /** Ends everything. */
  close(reason: "closed" | "halted"): void {
    this.#deadlines.stop();
    for (const { pending } of this.#pending.values()) {
      settle(pending, pending.appended ? "unknown" : "not-proposed", reason);
    }
    this.#pending.clear();
    this.#bytes = 0;
  }

  #send(sequence: number, forward: Forward<Result>): void {
    forward.retryAt = Infinity;
    const { pending } = forward;
    if ((this.#leader === undefined && !this.#leads) || pending.settled) return;
    const { data, doneBy } = pending;
    const enqueueBy = pending.appended ? doneBy : pending.enqueueBy;
    forward.sent++;
    pending.appended = true; // for all that is known
    if (this.#leader !== undefined) {
      forward.retryAt = this.#options.clock.now() + this.#options.retryMs;
      this.#deadlines.add(forward.retryAt);
      return this.#options.send(this.#leader, sequence, data);
    }
    const sink: ProposalSink<Result> = {
      committed: () => {}, // answered already, as it was applied
      failed: (outcome, reason) => {
        if (outcome !== "unknown") this.refused(sequence, reason);
      },
    };
    this.#options.propose({ data, sink, enqueueBy, doneBy, settled: false, appended: false });
  }

  #forget(sequence: number): void {
    this.#bytes -= this.#pending.get(sequence)?.pending.data.length ?? 0;
    this.#pending.delete(sequence);
  }

  #expire(now: number): number {
    let next = Infinity;
    for (const [sequence, forward] of this.#pending) {
      const { pending } = forward;
      if (!pending.settled) {
        if (pending.doneBy <= now) {
          settle(pending, pending.appended ? "unknown" : "not-proposed", "timeout");
        } else if (!pending.appended && pending.enqueueBy <= now) {
          settle(pending, "not-proposed", "enqueueTimeout");
        } else {
          if (forward.retryAt <= now) this.#send(sequence, forward);
          next = Math.min(next, pending.doneBy, forward.retryAt);
          if (!pending.appended) next = Math.min(next, pending.enqueueBy);
        }
      }
      if (pending.settled) this.#forget(sequence);
    }
    return next;
  }
}
