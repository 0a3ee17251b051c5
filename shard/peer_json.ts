import type { Peer, PeerState } from "./peer.ts";

/** A peer as ckit writes it in JSON. */
export interface PeerJson {
  /** See {@link Peer.name}. */
  readonly name: string;
  /** See {@link Peer.addr}. */
  readonly addr: string;
  /** See {@link Peer.self}. */
  readonly isSelf: boolean;
  /** See {@link Peer.state}. */
  readonly state: PeerState;
}

/**
 * The JSON form of a peer, the same as ckit's, so that a status page reads alike from Go and TypeScript nodes.
 *
 * @example Usage
 * ```ts
 * import { peerJson } from "@ck/cluster/shard";
 * import { assertEquals } from "@std/assert";
 *
 * const peer = { name: "a", addr: "10.0.0.1:80", self: true, state: "participant" } as const;
 *
 * assertEquals(
 *   JSON.stringify(peerJson(peer)),
 *   `{"name":"a","addr":"10.0.0.1:80","isSelf":true,"state":"participant"}`,
 * );
 * ```
 *
 * @param peer The peer.
 * @returns A frozen object with ckit's field names, in ckit's order.
 */
export function peerJson({ name, addr, self, state }: Peer): PeerJson {
  return Object.freeze({ name, addr, isSelf: self, state });
}
