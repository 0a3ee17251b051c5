/**
 * The metrics of a transport.
 *
 * @module
 */
import type { TransportReading } from "./node_metrics.ts";
import { type Destination, pulled } from "./_pulled.ts";

type Row = readonly [
  kind: "counter" | "gauge",
  name: string,
  help: string,
  read: (stats: TransportReading) => number | undefined,
];

const ROWS: readonly Row[] = [
  ["counter", "rx_packets_total", "Packets received from peers", (s) => s.packetsReceived],
  ["counter", "rx_bytes_total", "Bytes of packets received from peers", (s) => s.bytesReceived],
  [
    "counter",
    "tx_packets_total",
    "Packets sent to peers, also those that did not arrive",
    (s) => s.packetsSent + s.packetsFailed,
  ],
  ["counter", "tx_bytes_total", "Bytes of packets sent to peers", (s) => s.bytesSent],
  [
    "counter",
    "tx_packets_failed_total",
    "Packets that could not be delivered",
    (s) => s.packetsFailed,
  ],
  [
    "gauge",
    "rx_packet_queue_length",
    "Packets received and not yet processed",
    (s) => s.receivedQueue ?? 0,
  ],
  [
    "gauge",
    "tx_packet_queue_length",
    "Packets waiting to be sent",
    (s) => s.queuedPackets,
  ],
  ["gauge", "streams", "Streams open in either direction", (s) => s.openConnections],
  [
    "counter",
    "stream_rx_packets_total",
    "Reads from streams",
    (s) => s.connectionReads,
  ],
  [
    "counter",
    "stream_rx_bytes_total",
    "Bytes read from streams",
    (s) => s.connectionBytesReceived,
  ],
  [
    "counter",
    "stream_rx_packets_failed_total",
    "Reads from streams that failed",
    (s) => s.connectionReadsFailed,
  ],
  [
    "counter",
    "stream_tx_packets_total",
    "Writes to streams",
    (s) => s.connectionWrites,
  ],
  [
    "counter",
    "stream_tx_bytes_total",
    "Bytes written to streams",
    (s) => s.connectionBytesSent,
  ],
  [
    "counter",
    "stream_tx_packets_failed_total",
    "Writes to streams that failed",
    (s) => s.connectionWritesFailed,
  ],
  [
    "counter",
    "tx_packets_dropped_total",
    "Packets dropped unsent as a queue was full",
    (s) => s.packetsDropped,
  ],
  [
    "counter",
    "tx_packets_replaced_total",
    "Packets that newer ones replaced before they were sent",
    (s) => s.packetsReplaced,
  ],
  [
    "counter",
    "requests_refused_total",
    "Requests refused before any packet came of them",
    (s) => s.requestsRefused,
  ],
  [
    "counter",
    "streams_opened_total",
    "Streams that this node opened",
    (s) => s.connectionsOpened,
  ],
  [
    "counter",
    "streams_accepted_total",
    "Streams that peers opened",
    (s) => s.connectionsAccepted,
  ],
];

/** Registers all `cluster_transport_*` metrics. */
export function registerTransport(to: Destination, transport: () => TransportReading): void {
  for (const [kind, name, help, read] of ROWS) {
    pulled(kind, `cluster_transport_${name}`, { ...to, help, read: () => read(transport()) });
  }
}
