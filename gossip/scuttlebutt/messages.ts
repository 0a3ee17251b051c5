import type { Entry } from "./model.ts";

/** One line of a digest: what its sender holds of one node. */
export interface DigestEntry {
  /** Which node. */
  readonly id: string;
  /** Which life of it. */
  readonly generation: number;
  /** How often it was heard to live; only grows within a life. */
  readonly heartbeat: number;
  /** The highest version of its entries that is held. */
  readonly version: number;
  /** The node said goodbye. */
  readonly left: boolean;
  /** The sender believes that the node is down: nothing new is to be learnt of it here. */
  readonly down: boolean;
  /** The sender knows nothing of the node and wants all. `heartbeat` and `version` are then 0. */
  readonly want: boolean;
}

/** Entries of one node, in ascending order of version: all its sender has after version `from`, or the first of them. */
export interface Block {
  /** Which node. */
  readonly id: string;
  /** Which life of it. */
  readonly generation: number;
  /** Where it listens. */
  readonly addr: string;
  /** How often it was heard to live; only grows within a life. */
  readonly heartbeat: number;
  /** The node said goodbye. */
  readonly left: boolean;
  /** The sender believes that the node is down. */
  readonly down: boolean;
  /** There is more, and packets are not the way to get it: open a stream. */
  readonly more: boolean;
  /** Where the entries begin: all of them are above this version. */
  readonly from: number;
  /** The entries. */
  readonly entries: readonly Entry[];
}

/** Who sends a message. */
export interface Source {
  /** Which node. */
  readonly id: string;
  /** Which life of it. */
  readonly generation: number;
  /** Where it listens. */
  readonly addr: string;
}

/** What all messages but a refusal begin with. */
export interface Prefix {
  /** The sender. */
  readonly source: Source;
  /** How many nodes the sender would list if they all fitted. */
  readonly known: number;
  /** Chosen by the one who begins, echoed by the other. For tracing. */
  readonly exchange: number;
}

/**
 * Why a peer wants no more: 1 another cluster, 2 another version (`a`…`b` are understood), 3 conflict, 4 overloaded (retry in `a` ms),
 * 5 closed.
 */
export interface Reject {
  /** Which message this is. */
  readonly type: "reject";
  /** The reason. */
  readonly code: number;
  /** What the reason says it is; 0 else. */
  readonly a: number;
  /** What the reason says it is; 0 else. */
  readonly b: number;
}

/** The messages of one exchange by packets, in order. A later one is only sent when it is of use. */
export type Packet =
  | Prefix & { readonly type: "syn"; readonly digest: readonly DigestEntry[] }
  | Prefix & {
    readonly type: "synAck";
    readonly digest: readonly DigestEntry[];
    readonly delta: readonly Block[];
  }
  | Prefix & {
    readonly type: "ack";
    readonly wants: readonly DigestEntry[];
    readonly delta: readonly Block[];
  }
  | Prefix & { readonly type: "fin"; readonly delta: readonly Block[] }
  | Reject;

/** The messages of an exchange by stream. A request or reply is a sequence of them; `last` ends it. */
export type StreamMessage =
  | Prefix & {
    readonly type: "join" | "sync";
    readonly label: string;
    readonly last: boolean;
    readonly digest: readonly DigestEntry[];
    readonly delta: readonly Block[];
  }
  | Prefix & {
    readonly type: "joinReply" | "leave";
    readonly label: string;
    readonly last: boolean;
    readonly delta: readonly Block[];
  }
  | Prefix & { readonly type: "leaveAck" }
  | Reject;

/** Codes of {@link Reject}. */
export const REJECT_CLUSTER = 1;
/** The wire version is not understood. */
export const REJECT_VERSION = 2;
/** The sender claims the receiver's id. */
export const REJECT_CONFLICT = 3;
/** Too many joins at once. */
export const REJECT_OVERLOADED = 4;
/** The node is going away. */
export const REJECT_CLOSED = 5;
