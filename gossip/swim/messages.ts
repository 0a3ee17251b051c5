/**
 * memberlist's messages as values. Field meanings and limits: memberlist 0.5.3, protocol version 2, as ckit runs it.
 * Type numbers are append-only and live in the codec.
 *
 * @module
 */

/** A direct probe. The ack goes to `sourceAddr`:`sourcePort`; without them nobody can answer over HTTP. */
export interface Ping {
  /** Which message this is. */
  readonly type: "ping";
  /** uint32, echoed by the ack. */
  readonly seqNo: number;
  /** Intended receiver; another node drops the ping. Empty: anybody. */
  readonly node: string;
  /** 4 or 16 bytes; empty when unknown. */
  readonly sourceAddr: Uint8Array;
  /** Port of the sender; 0 when unknown. */
  readonly sourcePort: number;
  /** Name of the sender; empty when unknown. */
  readonly sourceNode: string;
}

/** Asks a helper to ping `node` at `target`:`port` for the sender. */
export interface IndirectPing {
  /** Which message this is. */
  readonly type: "indirectPing";
  /** Which probe this belongs to, uint32. */
  readonly seqNo: number;
  /** IP address to ping, 4 or 16 bytes. */
  readonly target: Uint8Array;
  /** Port that the node listens on. */
  readonly port: number;
  /** The node that it is about. */
  readonly node: string;
  /** Whether the sender wants a nack when the target stays silent. */
  readonly nack: boolean;
  /** IP address of the sender, 4 or 16 bytes; empty when unknown. */
  readonly sourceAddr: Uint8Array;
  /** Port of the sender; 0 when unknown. */
  readonly sourcePort: number;
  /** Name of the sender; empty when unknown. */
  readonly sourceNode: string;
}

/** Answers a ping, directly or relayed. */
export interface Ack {
  /** Which message this is. */
  readonly type: "ack";
  /** Which probe this belongs to, uint32. */
  readonly seqNo: number;
  /** `undefined` is msgpack nil, what ckit sends. */
  readonly payload: Uint8Array | undefined;
}

/** A helper heard nothing from the target. */
export interface Nack {
  /** Which message this is. */
  readonly type: "nack";
  /** Which probe this belongs to, uint32. */
  readonly seqNo: number;
}

/** `from` suspects `node` at `incarnation`. */
export interface Suspect {
  /** Which message this is. */
  readonly type: "suspect";
  /** How often the node refuted before, uint32. */
  readonly incarnation: number;
  /** The node that it is about. */
  readonly node: string;
  /** Who says so. */
  readonly from: string;
}

/** `from` declares `node` dead; `from === node` means that it left on purpose. */
export interface Dead {
  /** Which message this is. */
  readonly type: "dead";
  /** How often the node refuted before, uint32. */
  readonly incarnation: number;
  /** The node that it is about. */
  readonly node: string;
  /** Who says so. */
  readonly from: string;
}

/** `node` is alive at `addr`:`port`. */
export interface Alive {
  /** Which message this is. */
  readonly type: "alive";
  /** How often the node refuted before, uint32. */
  readonly incarnation: number;
  /** The node that it is about. */
  readonly node: string;
  /** IP address, 4 bytes for IPv4, 16 for IPv6. */
  readonly addr: Uint8Array;
  /** Port that the node listens on. */
  readonly port: number;
  /** `undefined` is msgpack nil, what ckit sends; nil and empty are equal. */
  readonly meta: Uint8Array | undefined;
  /** Protocol min, max, current, delegate min, max, current: exactly six bytes from a sane peer, any length from a hostile one. */
  readonly vsn: Uint8Array;
}

/** Opaque bytes for the layer above (ckit's state messages). */
export interface User {
  /** Which message this is. */
  readonly type: "user";
  /** The bytes. */
  readonly payload: Uint8Array;
}

/** What a packet may carry, after compound, compression and CRC are undone. */
export type PacketMessage = Ping | IndirectPing | Ack | Nack | Suspect | Alive | Dead | User;

/** memberlist's node states on the wire, in a push/pull: 0 alive, 1 suspect, 2 dead, 3 left. */
export type NodeState = 0 | 1 | 2 | 3;

/** One node of a push/pull. `state` may hold an unknown number: such an entry is ignored. */
export interface PushNodeState {
  /** The node's name. */
  readonly name: string;
  /** IP address, 4 bytes for IPv4, 16 for IPv6. */
  readonly addr: Uint8Array;
  /** Port that the node listens on. */
  readonly port: number;
  /** Metadata; `undefined` is msgpack nil. */
  readonly meta: Uint8Array | undefined;
  /** How often the node refuted before, uint32. */
  readonly incarnation: number;
  /** A {@link NodeState}, or an unknown number. */
  readonly state: number;
  /** Protocol versions, six bytes. */
  readonly vsn: Uint8Array;
}

/** A whole state, exchanged both ways over a stream. */
export interface PushPull {
  /** Which message this is. */
  readonly type: "pushPull";
  /** Whether the sender is joining. */
  readonly join: boolean;
  /** All nodes that the sender knows. */
  readonly nodes: readonly PushNodeState[];
  /** The layer above's state (ckit's local state); empty: none. */
  readonly userState: Uint8Array;
}

/** The acceptor could not read the request. */
export interface RemoteError {
  /** Which message this is. */
  readonly type: "error";
  /** What went wrong, for a human. */
  readonly error: string;
}

/** What a stream may carry, after label, encryption and compression are undone. */
export type StreamMessage = PushPull | Ping | Ack | User | RemoteError;

/** ckit's state message (a user payload): a node declares its state at a Lamport time. */
export interface StateMessage {
  /** Whose state this is. */
  readonly nodeName: string;
  /** 0 viewer, 1 participant, 2 terminating; unknown values are kept as they are. */
  readonly newState: number;
  /** Lamport time, uint64. */
  readonly time: bigint;
}

/** ckit's local state (a push/pull's user state). */
export interface LocalState {
  /** The sender's Lamport clock. */
  readonly currentTime: bigint;
  /** The states of all peers that the sender knows. */
  readonly nodeStates: readonly StateMessage[];
}
