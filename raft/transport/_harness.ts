/**
 * Transports with ears, for tests.
 *
 * @module
 */
import { systemClock } from "../../membership/clock.ts";
import type { Transport } from "../../transport/transport.ts";
import type { SnapshotMeta } from "../entry.ts";
import type { Message, SnapshotMessage } from "../message.ts";
import { MemorySnapshotStore } from "../snapshot/memory_snapshot_store.ts";
import { RaftTransport, type RaftTransportLimits, type SnapshotIntake } from "../transport.ts";

/** A heartbeat from `a` to `b`. */
export const heartbeat = (term: number): Message => ({
  type: "heartbeat",
  from: "a",
  to: "b",
  term,
  commit: 0,
  round: 0,
});

/** One node's end. */
export interface End {
  readonly raft: RaftTransport;
  readonly snapshots: MemorySnapshotStore;
  /** What was heard, as `type` or `type detail`. */
  readonly heard: string[];
  /** Every message in full. */
  readonly messages: unknown[];
  /** Resolves once something heard satisfies `wanted`. */
  until(wanted: (line: string) => boolean): Promise<string>;
  /** What a snapshot that arrives is answered with; by default it goes to `snapshots`. */
  intake: ((message: SnapshotMessage) => Promise<SnapshotIntake>) | undefined;
  /** Whether its disk has enough to write. */
  full: boolean;
}

/** Options of {@link end}. */
export interface EndOptions {
  readonly transport: Transport;
  readonly id: string;
  readonly address: string;
  readonly cluster?: string;
  readonly limits?: RaftTransportLimits;
  readonly defer?: (callback: () => void) => void;
}

/** Creates a transport that serves. */
export function end(options: EndOptions): End {
  const heard: string[] = [];
  const messages: unknown[] = [];
  const waiting: { wanted: (line: string) => boolean; resolve: (line: string) => void }[] = [];
  const hear = (line: string) => {
    heard.push(line);
    for (const one of [...waiting]) {
      if (!one.wanted(line)) continue;
      waiting.splice(waiting.indexOf(one), 1);
      one.resolve(line);
    }
  };
  const snapshots = new MemorySnapshotStore();
  const self: End = {
    heard,
    messages,
    snapshots,
    intake: undefined,
    full: false,
    until: (wanted) => {
      const line = heard.find(wanted);
      if (line !== undefined) return Promise.resolve(line);
      return new Promise((resolve) => waiting.push({ wanted, resolve }));
    },
    raft: new RaftTransport({
      transport: options.transport,
      clock: systemClock(),
      random: () => 0.5,
      cluster: options.cluster ?? "test",
      id: options.id,
      address: options.address,
      ...(options.limits && { limits: options.limits }),
      ...(options.defer && { defer: options.defer }),
      handlers: {
        message: (message) => {
          messages.push(message);
          hear(`${message.type} ${message.term}`);
        },
        forwarded: (from, forwarded) => {
          messages.push(forwarded);
          hear(`${forwarded.type} ${forwarded.request} from ${from}`);
        },
        snapshot: async (message): Promise<SnapshotIntake> =>
          self.intake?.(message) ?? {
            type: "sink",
            sink: await snapshots.receive(message.meta, {
              leader: message.from,
              term: message.term,
            }),
          },
        snapshotTaken: ({ meta }) => hear(`taken ${meta.id}`),
        unreachable: (node) => hear(`unreachable ${node}`),
        refused: (reason, detail) => hear(`refused ${reason} ${detail}`),
        full: () => self.full,
      },
    }),
  };
  self.raft.serve();
  return self;
}

/** Puts a state of this many bytes into an end's store. */
export async function stored(store: MemorySnapshotStore, bytes: number): Promise<SnapshotMeta> {
  const meta: SnapshotMeta = {
    index: 7,
    term: 2,
    configIndex: 0,
    id: "7-2",
    config: {
      voters: ["a", "b"],
      votersOutgoing: [],
      learners: [],
      learnersNext: [],
      autoLeave: false,
      addresses: [["a", "a:1"], ["b", "b:1"]],
    },
  };
  const sink = await store.create(meta);
  for (let at = 0; at < bytes; at += 100_000) {
    await sink.write(new Uint8Array(Math.min(100_000, bytes - at)).fill(at / 100_000));
  }
  await sink.commit();
  return meta;
}

/** The state of a stored snapshot. */
export async function bytesOf(store: MemorySnapshotStore, id: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await store.read(id)) chunks.push(chunk);
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
