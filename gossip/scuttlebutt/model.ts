import type { PeerState } from "../../shard/peer.ts";

/** One key of one node, at one version. Frozen. */
export interface Entry {
  /** At most 255 bytes of UTF-8. */
  readonly key: string;
  /** Empty when deleted. */
  readonly value: string;
  /** 1 or more, unique within the owner's generation. */
  readonly version: number;
  /** Whether the entry carries a fact of the protocol, and is no user's key. */
  readonly internal: boolean;
  /** Whether the entry is a tombstone: the key was deleted at this version. */
  readonly deleted: boolean;
}

/** What one node knows of another, or of itself, apart from the entries. Frozen. */
export interface NodeMetadata {
  /** The unique name. */
  readonly id: string;
  /** Which life of that name. */
  readonly generation: number;
  /** Where it is reached. */
  readonly addr: string;
  /** The greatest version held; 0: known, but nothing held. */
  readonly version: number;
  /** How often the node began a round, as far as it is known here. */
  readonly heartbeat: number;
  /** Whether the node said goodbye. */
  readonly left: boolean;
  /** Whether this node believes that the other one is down. An opinion: others may differ. */
  readonly down: boolean;
  /** The instant (monotonic milliseconds) of the record's removal, unless the process stalls; set while `left` or `down`. */
  readonly expiry: number | undefined;
  /** What the node wants to do in its cluster. */
  readonly state: PeerState;
}

/** A node with its entries, in ascending order of version. Frozen. */
export interface NodeState extends NodeMetadata {
  /** All entries, internal ones and tombstones included. */
  readonly entries: readonly Entry[];
}

/** What a watcher is told. Never about the node itself, but for `conflict`. */
export type ScuttlebuttEvent =
  /**
   * - `join`: a record of another node's life was created, its address being known;
   * - `leave`: it said goodbye, once a life;
   * - `down`, `up`: it fell silent, or was heard again; alternating, `down` first;
   * - `expired`: its record was removed, with all its keys.
   */
  | {
    readonly type: "join" | "leave" | "up" | "down" | "expired";
    readonly id: string;
    readonly generation: number;
  }
  /** A key has a value that it did not have before. */
  | {
    readonly type: "upsertKey";
    readonly id: string;
    readonly generation: number;
    readonly key: string;
    readonly value: string;
  }
  /** A key that had a value has none any more. */
  | {
    readonly type: "deleteKey";
    readonly id: string;
    readonly generation: number;
    readonly key: string;
  }
  /**
   * Somebody else was, or is, this node: the own generation is now `generation`, to be remembered where generations are. `persistent`:
   * it was not raised any more, as two live processes seem to share the id.
   */
  | {
    readonly type: "conflict";
    readonly id: string;
    readonly generation: number;
    readonly persistent: boolean;
  };

/** What a local write did. */
export interface LocalWrite {
  /** The own version after it. */
  readonly version: number;
  /** `false`: the key had that value already, or was absent already. No version was used. */
  readonly changed: boolean;
  /** Whether the value is larger than `warnValueBytes`, which is worth a line in the log. */
  readonly large: boolean;
}

/** Keys with this prefix belong to the protocol. */
export const INTERNAL_PREFIX = "_internal:";
/** The owner left. */
export const LEFT_KEY = "_internal:left";
/** The owner gave all that it keeps versions above the value's number. */
export const COMPACT_KEY = "_internal:compact";
/** The owner's declared state; viewer when absent. */
export const STATE_KEY = "_internal:state";
