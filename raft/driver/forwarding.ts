/**
 * Commands that are handed on to the leader. Each carries a session, its caller's or this node's own, so that one that is sent twice is
 * applied once; the answer is the own state machine's.
 *
 * @module
 */
import type { Clock } from "../../membership/clock.ts";
import type { Index, NodeId } from "../entry.ts";
import type { ProposalFailure } from "../errors.ts";
import { SESSION_EXPIRED } from "./applier.ts";
import { type CommandSession, decodeCommand, encodeCommand } from "./command.ts";
import { Deadlines, type Pending, type ProposalSink } from "./pending.ts";
import { settle } from "./proposals.ts";

/** Options of {@link Forwarding}. */
export interface ForwardingOptions<Result> {
  readonly clock: Clock;
  /** Gives a name as a client: another one with every call, unique in every life of the node. */
  readonly client: () => string;
  /** Hands a command on. */
  readonly send: (to: NodeId, request: number, data: Uint8Array) => void;
  /** Puts a command into the own log: this node leads. */
  readonly append: (pending: Pending<Result>) => void;
  /** A command is sent again when nothing was heard of it for this long. */
  readonly retryMs: number;
  readonly maxPendingBytes: number;
}

interface Forward<Result> {
  readonly pending: Pending<Result>;
  session: CommandSession;
  /** Whether the session is one of the node's own. */
  readonly own: boolean;
  /** Whether it may have been applied without the own state machine being asked: a snapshot replaced it. */
  clouded: boolean;
  sent: number;
  refused: number;
  retryAt: number;
}

/** What this node has handed on. */
export class Forwarding<Result> {
  readonly #options: ForwardingOptions<Result>;
  readonly #deadlines: Deadlines;
  /** By the number that a refusal names. */
  readonly #pending = new Map<number, Forward<Result>>();
  /** Numbers by session. More than one has the same when its caller asks again. */
  readonly #bySession = new Map<string, Set<number>>();
  #bytes = 0;
  #request = 0;
  /** The own name, and the sequence numbers that are under way with it, ascending. */
  #client: string;
  #sequence = 0;
  readonly #own = new Set<number>();
  /** Whether the group has a session of this client. */
  #known = false;
  #leader: NodeId | undefined;
  #leads = false;

  constructor(options: ForwardingOptions<Result>) {
    this.#options = options;
    this.#client = options.client();
    this.#deadlines = new Deadlines(options.clock, (now) => this.#expire(now));
  }

  /** Commands under way. */
  get pending(): number {
    return this.#pending.size;
  }

  /**
   * Hands a command on, now or once a leader is known.
   *
   * @throws {RangeError} When the caller's session is malformed.
   */
  add(
    command: Uint8Array,
    sink: ProposalSink<Result>,
    { session: callers, ...times }: {
      readonly enqueueBy: number;
      readonly doneBy: number;
      /** The caller's. */
      readonly session?: CommandSession | undefined;
    },
  ): Pending<Result> {
    const { maxPendingBytes } = this.#options;
    const own = callers === undefined;
    const session = callers ?? this.#ownSession();
    const pending: Pending<Result> = {
      data: encodeCommand(command, session),
      sink,
      ...times,
      settled: false,
      appended: false,
    };
    if (this.#bytes > 0 && this.#bytes + pending.data.length > maxPendingBytes) {
      if (own) this.#own.delete(session.sequence);
      settle(pending, "not-proposed", "overloaded");
      return pending;
    }
    const counts = { sent: 0, refused: 0, retryAt: Infinity };
    const forward: Forward<Result> = { pending, session, own, clouded: false, ...counts };
    const request = ++this.#request;
    this.#remember(request, forward);
    this.#deadlines.add(Math.min(times.enqueueBy, times.doneBy));
    this.#send(request, forward);
    return pending;
  }

  /** Somebody else leads, or nobody: what is under way goes there as well. */
  leader(leader: NodeId | undefined): void {
    this.#leads = false;
    if (leader === this.#leader) return;
    this.#leader = leader;
    for (const [request, forward] of this.#pending) this.#send(request, forward);
  }

  /** This node leads: what is under way goes into its own log. */
  leads(): void {
    this.#leader = undefined;
    this.#leads = true;
    for (const [request, forward] of this.#pending) this.#send(request, forward);
  }

  /** A member did not append one, or this node: that copy is in no log. */
  refused(request: number, reason: ProposalFailure): void {
    const forward = this.#pending.get(request);
    if (forward === undefined || forward.pending.settled) return;
    forward.refused++;
    forward.pending.appended = forward.sent > forward.refused;
    if (reason === "tooLarge") {
      settle(forward.pending, forward.pending.appended ? "unknown" : "not-proposed", "tooLarge");
      this.#forget(request);
      return;
    }
    this.#retrySoon(forward);
  }

  /** A command with a session was applied here; perhaps one of these. */
  answered(
    session: CommandSession,
    index: Index,
    result: Result | typeof SESSION_EXPIRED,
  ): void {
    const expired = result === SESSION_EXPIRED;
    if (session.client === this.#client && !expired) this.#known = true;
    if (this.#pending.size === 0) return;
    for (const request of [...this.#bySession.get(keyOf(session)) ?? []]) {
      const forward = this.#pending.get(request)!;
      const { pending } = forward;
      this.#forget(request);
      if (pending.settled) continue;
      if (expired && forward.own && !forward.clouded) this.#renew(request, forward);
      else {
        pending.settled = true;
        pending.sink.committed(index, result as Result);
      }
    }
  }

  /** A snapshot replaced the own state machine: what is in it was not seen here. */
  restored(): void {
    for (const forward of this.#pending.values()) forward.clouded = true;
  }

  /**
   * The group forgot the own name, as this node handed nothing on for long, and refused the command. No copy of it was applied: this state
   * machine would have answered, and none will be. So it begins anew, under a new name.
   */
  #renew(request: number, forward: Forward<Result>): void {
    if (forward.session.client === this.#client) {
      this.#client = this.#options.client();
      this.#sequence = 0;
      this.#own.clear();
      this.#known = false;
    }
    const { pending } = forward;
    const { command } = decodeCommand(pending.data) as { readonly command: Uint8Array };
    forward.session = this.#ownSession();
    pending.data = encodeCommand(command, forward.session);
    pending.appended = false;
    forward.sent = forward.refused = 0;
    this.#remember(request, forward);
    this.#send(request, forward);
  }

  /** Ends everything. */
  close(reason: "closed" | "halted"): void {
    this.#deadlines.stop();
    for (const { pending } of this.#pending.values()) {
      settle(pending, pending.appended ? "unknown" : "not-proposed", reason);
    }
    this.#pending.clear();
    this.#bySession.clear();
    this.#own.clear();
    this.#bytes = 0;
  }

  #ownSession(): CommandSession {
    const sequence = ++this.#sequence;
    // A group that never heard of this client must take its first command for new, whichever that is.
    const lowestPending = this.#known ? this.#own.values().next().value ?? sequence : 1;
    this.#own.add(sequence);
    return { client: this.#client, sequence, lowestPending };
  }

  #remember(request: number, forward: Forward<Result>): void {
    this.#bytes += forward.pending.data.length;
    this.#pending.set(request, forward);
    const key = keyOf(forward.session);
    const same = this.#bySession.get(key);
    if (same === undefined) this.#bySession.set(key, new Set([request]));
    else same.add(request);
  }

  #send(request: number, forward: Forward<Result>): void {
    const { pending } = forward;
    forward.retryAt = Infinity;
    if (pending.settled || (this.#leader === undefined && !this.#leads)) return;
    forward.sent++;
    pending.appended = true; // for all that is known
    if (this.#leads) return this.#append(request, forward);
    forward.retryAt = this.#options.clock.now() + this.#options.retryMs;
    this.#deadlines.add(forward.retryAt);
    this.#options.send(this.#leader!, request, pending.data);
  }

  /** What becomes of the copy in the own log says nothing of those that were sent before, which may be in another's. */
  #append(request: number, forward: Forward<Result>): void {
    const { data, enqueueBy, doneBy } = forward.pending;
    this.#options.append({
      data,
      enqueueBy,
      doneBy,
      settled: false,
      appended: false,
      sink: {
        committed: () => {}, // `answered` tells
        failed: (outcome, reason) => {
          if (outcome !== "unknown") this.refused(request, reason);
          else if (reason === "snapshot") this.#retrySoon(forward);
        },
      },
    });
  }

  #retrySoon(forward: Forward<Result>): void {
    forward.retryAt = this.#options.clock.now() + this.#options.retryMs / 8;
    this.#deadlines.add(forward.retryAt);
  }

  #forget(request: number): void {
    const forward = this.#pending.get(request);
    if (forward === undefined) return;
    const { pending, session } = forward;
    this.#bytes -= pending.data.length;
    this.#pending.delete(request);
    if (session.client === this.#client) this.#own.delete(session.sequence);
    const key = keyOf(session);
    const same = this.#bySession.get(key);
    same?.delete(request);
    if (same?.size === 0) this.#bySession.delete(key);
  }

  #expire(now: number): number {
    let next = Infinity;
    for (const [request, forward] of this.#pending) {
      const { pending } = forward;
      if (!pending.settled) {
        if (pending.doneBy <= now) {
          settle(pending, pending.appended ? "unknown" : "not-proposed", "timeout");
        } else if (!pending.appended && pending.enqueueBy <= now) {
          settle(pending, "not-proposed", "enqueueTimeout");
        } else {
          if (forward.retryAt <= now) this.#send(request, forward);
          next = Math.min(next, pending.doneBy, forward.retryAt);
          if (!pending.appended) next = Math.min(next, pending.enqueueBy);
        }
      }
      if (pending.settled) this.#forget(request);
    }
    return next;
  }
}

function keyOf({ client, sequence }: CommandSession): string {
  return `${sequence} ${client}`;
}
