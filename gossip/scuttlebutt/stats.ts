/** What a core counts, and holds, beyond what all gossip protocols have. Read when scraped. Counts are since creation. */
export interface ScuttlebuttStats {
  /** Rounds begun. */
  readonly rounds: number;
  /** Packets sent. */
  readonly packetsOutbound: number;
  /** Packets received, refused ones included. */
  readonly packetsInbound: number;
  /** Bytes of packets sent: Kite's `packet_bytes_outbound_total`. */
  readonly packetBytesOutbound: number;
  /** Bytes of packets received: Kite's `packet_bytes_inbound_total`. */
  readonly packetBytesInbound: number;
  /** Exchanges by stream begun: Kite's `connections_outbound_total`. */
  readonly streamsOutbound: number;
  /** Exchanges by stream accepted: Kite's `connections_inbound_total`. */
  readonly streamsInbound: number;
  /** Bytes of requests and replies sent: Kite's `stream_bytes_outbound_total`. */
  readonly streamBytesOutbound: number;
  /** Bytes of requests and replies received: Kite's `stream_bytes_inbound_total`. */
  readonly streamBytesInbound: number;
  /** Lines of digests written. */
  readonly digestEntriesOutbound: number;
  /** Lines of digests read. */
  readonly digestEntriesInbound: number;
  /** Entries in deltas written. */
  readonly deltaEntriesOutbound: number;
  /** Entries in deltas read. */
  readonly deltaEntriesInbound: number;
  /** Bytes of a digest of all nodes: above `maxPacketBytes` it goes by pages. */
  readonly digestBytes: number;
  /** Bytes of all entries of all nodes. */
  readonly stateBytes: number;
  /** Entries held that have a value. */
  readonly liveEntries: number;
  /** Entries held that were deleted. */
  readonly tombstones: number;
  /** Entries held that are the library's own. */
  readonly internalEntries: number;
  /** Nodes held that are up, the node itself included unless it left. */
  readonly nodesUp: number;
  /** Nodes held that are believed down. */
  readonly nodesDown: number;
  /** Nodes held that said goodbye. */
  readonly nodesLeft: number;
  /** Removed lives that are remembered. */
  readonly graves: number;
  /** Own compactions. */
  readonly compactions: number;
  /** About the largest number of bytes that did not fit into a message since the last round. */
  readonly backlogBytes: number;
  /** The greatest score `t/μ` among peers that are up. */
  readonly worstSuspicion: number;
  /** Milliseconds of silence that were held against nobody, as this process slept. */
  readonly stalledMs: number;
}

/** The counts among {@link ScuttlebuttStats}, as they grow. */
export type Counts = {
  -readonly [Name in Extract<keyof ScuttlebuttStats, `${string}bound`>]: number;
};

/** Counts, all 0. */
export function counts(): Counts {
  return {
    packetsOutbound: 0,
    packetsInbound: 0,
    packetBytesOutbound: 0,
    packetBytesInbound: 0,
    streamsOutbound: 0,
    streamsInbound: 0,
    streamBytesOutbound: 0,
    streamBytesInbound: 0,
    digestEntriesOutbound: 0,
    digestEntriesInbound: 0,
    deltaEntriesOutbound: 0,
    deltaEntriesInbound: 0,
  };
}

/** How many nodes are believed to be what. */
export function populationOf(
  records: Iterable<{ readonly left: boolean; readonly down: boolean }>,
): Pick<ScuttlebuttStats, "nodesUp" | "nodesDown" | "nodesLeft"> {
  let nodesUp = 0;
  let nodesDown = 0;
  let nodesLeft = 0;
  for (const { left, down } of records) {
    if (left) nodesLeft++;
    else if (down) nodesDown++;
    else nodesUp++;
  }
  return { nodesUp, nodesDown, nodesLeft };
}
