/**
 * What a world tells those who watch it: invariants, counters of situations, recorders.
 *
 * @module
 */
import type { Address, GossipEffect, GossipStats } from "../gossip/strategy.ts";
import type { Peer, PeerState } from "../shard/peer.ts";
import type { Sharder } from "../shard/sharder.ts";

/** One life of one process: what the world knows of it, not what others believe. */
export interface Life {
  /** Which machine it runs on, 0 and up. Faults of the network belong to slots. */
  readonly slot: number;
  /** Unique in the world, in order of start. */
  readonly id: number;
  /** The node's name. */
  readonly name: string;
  /** Where it listens. */
  readonly address: Address;
  /** Its cluster. */
  readonly clusterName: string;
  /** The generation that it started with. It may raise it. */
  readonly generation: number;
  /** `leaving`: says goodbye; `ended`: the process is gone. */
  readonly phase: "running" | "leaving" | "ended";
  /** Whether it sleeps: no timer fires, nothing is read. */
  readonly paused: boolean;
  /** What its monotonic clock reads. */
  readonly localMs: number;
  /** The instant of its start, microseconds. */
  readonly startedAt: number;
  /** The instant of its end; `Infinity` while it lives. */
  readonly endedAt: number;
  /** What it believes. */
  readonly peers: readonly Peer[];
  /** Its own state. */
  readonly state: PeerState;
  /** Who owns what, as it sees it. */
  readonly sharder: Sharder;
  /** Its core's numbers. */
  readonly stats: GossipStats;
  /** What its recording observer was told last. */
  readonly observed: readonly Peer[] | undefined;
  /** Operations begun that have not ended. */
  readonly pendingOperations: number;
}

/** How a life ended. */
export type Ending = "crash" | "leave";

/** A packet on its way. */
export interface Packet {
  /** Who sent it. */
  readonly from: Life;
  /** Where to. */
  readonly to: Address;
  /** What. */
  readonly bytes: Uint8Array;
  /** Whether the network changed or repeated it. */
  readonly tampered: boolean;
}

/** A whole message on a stream. */
export interface Message {
  /** Who wrote it. */
  readonly from: Life;
  /** Whether it opens the exchange or answers it. */
  readonly kind: "request" | "response";
  /** What. */
  readonly bytes: Uint8Array;
}

/** What a life's view lost and gained. */
export interface ViewChange {
  /** The view before. */
  readonly before: readonly Peer[];
  /** The view now. */
  readonly peers: readonly Peer[];
}

/** Watches a world. Whatever it throws ends the run. */
export interface Watcher {
  /** A process began. */
  started?(life: Life): void;
  /** A process ended. */
  ended?(life: Life, how: Ending): void;
  /** A process fell asleep. */
  slept?(life: Life): void;
  /** A process woke up. */
  woke?(life: Life): void;
  /** A process begins to leave. */
  leaving?(life: Life): void;
  /** A view changed; observers were told. */
  viewed?(life: Life, change: ViewChange): void;
  /** A packet was sent. */
  sent?(packet: Packet): void;
  /** A packet was handed to a core. */
  delivered?(life: Life, packet: Packet): void;
  /** A stream message was handed to the network. */
  written?(message: Message): void;
  /** An exchange ended for the one who opened it. */
  exchanged?(life: Life, outcome: "response" | "failed"): void;
  /** An effect that is none of the above. */
  effect?(life: Life, effect: GossipEffect): void;
  /** A packet was dropped as the process that slept had too many waiting. */
  overflowed?(life: Life): void;
  /** A step ended, its effects performed. */
  stepped?(life: Life): void;
}

/** The instant and the facts that watchers may ask for. */
export interface Facts {
  /** Microseconds since the beginning. */
  readonly now: number;
  /** All lives so far, in order of start. */
  readonly lives: readonly Life[];
  /** Those of one name, in any cluster, in order of start. */
  livesOf(name: string): readonly Life[];
  /**
   * The last instant, microseconds, at which something other than the stall of another process could explain that a slot was
   * not heard: its own crash, sleep or clock, or the network. `-Infinity`: never; now: still.
   */
  excusedAt(slot: number): number;
  /** The last instant, microseconds, at which a slot crashed, started, slept, or its clock went wrong; `-Infinity`: never; now: still. */
  upsetAt(slot: number): number;
}
