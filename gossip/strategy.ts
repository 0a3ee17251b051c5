/**
 * The contract between a gossip protocol and the driver that gives it a clock, a network and a name.
 *
 * A {@link GossipStrategy} is chosen when a `Node` is built. It creates a {@link GossipCore}: a pure state machine that takes an
 * {@link GossipInput} and an instant and answers with {@link GossipEffect}s. Effects are performed in array order. The driver keeps
 * one timer, set to {@link GossipCore.deadline}, and re-reads it after every step.
 *
 * A core never throws for what a peer sent: it answers with a `refused` effect and its state is unchanged.
 *
 * @module
 */
import type { Peer, PeerState } from "../shard/peer.ts";

/** A source of randomness: numbers in `[0, 1)`, as `Math.random`. Seeded in the simulator, from `crypto` in a driver. */
export type Prng = () => number;

/** An IP address with a port, as text: `10.0.0.1:8080`, `[2001:db8::1]:8080`. Host names never reach a core. */
export type Address = string;

/** What a core is told. Names the operation or exchange it belongs to by the number that one side chose when it began it. */
export type GossipInput =
  /** The instant is at or after {@link GossipCore.deadline}. Before it, a no-op. */
  | { readonly type: "timeout" }
  /** A best-effort packet arrived. The core may keep `bytes`: immutable after hand-over. */
  | { readonly type: "packet"; readonly bytes: Uint8Array }
  /** A peer opened exchange `exchange` (a number of the driver's) and its whole request was read. */
  | { readonly type: "request"; readonly exchange: number; readonly bytes: Uint8Array }
  /** The reply to an accepted exchange was written and taken by the network, or was not. */
  | { readonly type: "replied"; readonly exchange: number; readonly ok: boolean }
  /** The whole reply to the core's own exchange (a number of the core's) was read. */
  | { readonly type: "response"; readonly exchange: number; readonly bytes: Uint8Array }
  /** The core's own exchange failed before a whole reply was read. */
  | { readonly type: "exchangeFailed"; readonly exchange: number; readonly reason: string }
  /** Join through these addresses. Ends with `done` (how many answered) or `failed` (none did). */
  | { readonly type: "join"; readonly operation: number; readonly addresses: readonly Address[] }
  /** Declare another state of the own node. Ends with `done` once the news left, or `failed` when the change is illegal. */
  | { readonly type: "changeState"; readonly operation: number; readonly state: PeerState }
  /** Tell the others that the node leaves on purpose. Ends with `done` when told, or `failed` when nobody could be told in time. */
  | { readonly type: "leave"; readonly operation: number };

/** Why something that a peer sent, or the own driver could not do, had no effect. Counted; logged at most once a reason and minute. */
export interface Refusal {
  /** A short stable word, used as a metric label: `label`, `crc`, `decode`, `limit`, `version`, `conflict`, … */
  readonly reason: string;
  /** One line for a human. */
  readonly detail: string;
}

/** What a core asks of the world, in this order. */
export type GossipEffect =
  /** Send one best-effort packet. A queued, unsent packet to the same address with the same `replaces` gives way to this one. */
  | {
    readonly type: "send";
    readonly to: Address;
    readonly bytes: Uint8Array;
    readonly replaces?: string;
  }
  /**
   * Open an exchange: dial, write `bytes`, read one whole reply, close, all within `timeoutMs`. Answer with `response` or
   * `exchangeFailed`.
   */
  | {
    readonly type: "exchange";
    readonly exchange: number;
    readonly to: Address;
    readonly bytes: Uint8Array;
    readonly timeoutMs: number;
  }
  /** Answer an accepted exchange and close it. Answer with `replied`. */
  | { readonly type: "reply"; readonly exchange: number; readonly bytes: Uint8Array }
  /** Close an accepted exchange without an answer. No input follows. */
  | { readonly type: "hangUp"; readonly exchange: number }
  /** The whole current view, sorted by name (bytewise), self included. Emitted only when it differs from the last one. */
  | { readonly type: "peers"; readonly peers: readonly Peer[] }
  /** Two live nodes claim one name. */
  | {
    readonly type: "conflict";
    readonly name: string;
    readonly known: Address;
    readonly claimed: Address;
  }
  /** An operation ended well. `count`: for a join, how many addresses answered; `names`: who, where the protocol tells. */
  | {
    readonly type: "done";
    readonly operation: number;
    readonly count: number;
    readonly names?: readonly string[];
  }
  /** An operation ended badly; `error` is a line for the caller. `cause` tells an illegal state change apart. */
  | {
    readonly type: "failed";
    readonly operation: number;
    readonly cause: "unreachable" | "illegalState" | "timeout";
    readonly error: string;
    /** Of a join, what became of each address that was tried, where the protocol tells. */
    readonly failures?: readonly AddressFailure[];
    /** Of a leave, how many peers were tried, where the protocol tells. */
    readonly attempted?: number;
  }
  /** Something was refused; no state changed. */
  | { readonly type: "refused"; readonly refusal: Refusal }
  /** Something happened that only this protocol knows of. */
  | { readonly type: "event"; readonly event: StrategyEvent }
  /** Something worth counting happened. */
  | { readonly type: "counted"; readonly counter: GossipCounter; readonly by: number };

/** Why one address could not be joined. Frozen. */
export interface AddressFailure {
  /** The address, `ip:port`. */
  readonly address: Address;
  /**
   * - `unreachable`: no whole answer in time;
   * - `cluster`: it belongs to another cluster;
   * - `name`: it has the own name;
   * - `overloaded`: it had no time, twice.
   */
  readonly cause: "unreachable" | "cluster" | "name" | "overloaded";
  /** One line for a human. */
  readonly reason: string;
}

/** What a protocol tells beyond what all have: its own events, told apart by `type`. Frozen. */
export interface StrategyEvent {
  /** The protocol's name for it. */
  readonly type: string;
}

/** What a core counts through `counted` effects. The driver turns them into metrics. */
export type GossipCounter =
  /** ckit's `cluster_node_gossip_received_events_total{event}`. */
  | "eventNodeJoin"
  | "eventNodeLeave"
  | "eventNodeUpdate"
  | "eventNodeConflict"
  /** A state message of a peer was received. */
  | "eventStateMessage"
  /** A whole remote state was merged; the own whole state was sent. */
  | "eventRemoteState"
  | "eventLocalState"
  /** A message that this version does not know. */
  | "eventUnknownMessage"
  /** A state message was queued for broadcast: ckit's `cluster_node_gossip_broadcasts_total{event}`. */
  | "broadcast"
  /** Probes begun, probes without any acknowledgement, nacks received, own refutations, suspicions begun, timers that fired late. */
  | "probe"
  | "probeFailed"
  | "nack"
  | "refutation"
  | "suspicion"
  | "lateTimer";

/** Numbers a core offers for metrics, read when scraped. */
export interface GossipStats {
  /** The Lamport clock, as far as a double holds it. */
  readonly lamportTime: number;
  /** Lifeguard health score: 0 is healthy. */
  readonly healthScore: number;
  /** Broadcasts waiting for retransmission. */
  readonly queuedBroadcasts: number;
  /** Members believed alive, the node itself included. */
  readonly alive: number;
  /** Members suspected. */
  readonly suspect: number;
  /** Members declared dead, until collected. */
  readonly dead: number;
  /** Members that left on purpose, until collected. */
  readonly left: number;
}

/** Cuts the bytes of a stream into one whole request or reply. One object a stream. */
export interface MessageReader {
  /**
   * Takes the next bytes.
   *
   * @returns `true` once the message is whole; bytes after it are ignored.
   * @throws {RangeError} When the message exceeds the limits or can never become whole; discard the stream.
   */
  push(chunk: Uint8Array): boolean;
  /** All bytes of the message. Valid once {@link push} returned `true`. */
  readonly bytes: Uint8Array;
}

/** One node's view of a gossip protocol. Equal inputs, instants and random numbers yield equal effects. */
export interface GossipCore {
  /** Instant, in monotonic milliseconds, at which to step with `timeout`. `Infinity` when there is none. Re-read after every step. */
  readonly deadline: number;
  /** The current view: the `peers` of the last `peers` effect. */
  readonly peers: readonly Peer[];
  /** The own state. */
  readonly state: PeerState;
  /** Numbers for metrics. */
  readonly stats: GossipStats;
  /** Takes one input at one instant. `now` never goes back. */
  step(input: GossipInput, now: number): readonly GossipEffect[];
  /** A reader for requests that peers open (`request`) or for replies to own exchanges (`response`). */
  reader(kind: "request" | "response"): MessageReader;
}

/** What a core needs to be created. */
export interface GossipContext {
  /** The node's unique name. */
  readonly name: string;
  /** Where peers reach it. */
  readonly address: Address;
  /** The cluster's name; empty means none. Foreign traffic is refused before anything else. */
  readonly clusterName: string;
  /**
   * Which life of this name this is: start time in milliseconds, or a persisted counter. A larger one evicts a smaller one at once;
   * a core that hears of its own name with a generation at or above its own raises its own above it.
   */
  readonly generation: number;
  /** Randomness. */
  readonly random: Prng;
  /** The first instant, monotonic milliseconds. */
  readonly now: number;
}

/** A gossip protocol, with its settings, ready to make cores. */
export interface GossipStrategy {
  /** For metrics and messages: `swim`, `scuttlebutt`. */
  readonly name: string;
  /** For metrics: the version of the protocol on the wire, where it has one. */
  readonly protocolVersion?: number;
  /** How long a peer may take over its whole request, or over an exchange, unless the node's own limits say otherwise. */
  readonly exchangeTimeoutMs?: number;
  /** Makes a unique name for a node that is given none. Absent: nodes have to be named. */
  newName?(random: Prng): string;
  /**
   * Creates one node's core. Its own first effects (itself as a peer) come with the first step.
   *
   * @throws {RangeError} When a name or setting is outside its range; the message names it.
   */
  create(context: GossipContext): GossipCore;
}
