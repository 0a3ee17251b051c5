/**
 * What a node wants to do in its cluster.
 *
 * - `viewer`: reads the cluster, owns nothing;
 * - `participant`: owns keys for reads and writes;
 * - `terminating`: about to leave: still owns keys for reads, takes no new writes.
 */
export type PeerState = "viewer" | "participant" | "terminating";

/** Which owners are asked for: those who may still answer (`read`), or those who take new work (`readWrite`). */
export type Operation = "read" | "readWrite";

/** One member of the cluster, as a node sees it. Frozen. */
export interface Peer {
  /** Unique name. Identity is the name; the address may change. */
  readonly name: string;
  /** Where the peer listens, `host:port`, IPv6 in brackets. */
  readonly addr: string;
  /** Whether this is the node that reports it. */
  readonly self: boolean;
  /** What the peer declared last. */
  readonly state: PeerState;
}

/** Whether two peers are the same in all that is said of them. */
export function samePeer(a: Peer, b: Peer): boolean {
  return a === b ||
    a.name === b.name && a.addr === b.addr && a.state === b.state && a.self === b.self;
}
