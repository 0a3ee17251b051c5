/**
 * The counters behind {@link TransportStats}.
 *
 * @module
 */
import type { TransportStats } from "../transport.ts";

/** Counters, to be changed in place. */
export type Counters = { -readonly [K in keyof TransportStats]: number };

/** Creates counters at zero. */
export function counters(): Counters {
  return {
    packetsSent: 0,
    packetsReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    packetsFailed: 0,
    packetsDropped: 0,
    packetsReplaced: 0,
    requestsRefused: 0,
    queuedPackets: 0,
    connectionsOpened: 0,
    connectionsAccepted: 0,
    openConnections: 0,
    connectionBytesSent: 0,
    connectionBytesReceived: 0,
  };
}
