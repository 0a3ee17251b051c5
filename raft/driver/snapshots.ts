/**
 * When snapshots are taken, where they are sent and where received ones go.
 *
 * @module
 */
import type { RaftEffect, RaftInput } from "../contract.ts";
import type { ClusterConfig, Index, NodeId, SnapshotMeta } from "../entry.ts";
import type { LogStore, SnapshotSource, SnapshotStore } from "../log_store.ts";
import type { SnapshotMessage } from "../message.ts";
import type { SnapshotIntake } from "../transport.ts";
import type { Applier, Captured } from "./applier.ts";

/** Options of {@link Snapshots}. */
export interface SnapshotsOptions {
  readonly id: NodeId;
  readonly store: SnapshotStore;
  readonly log: LogStore;
  readonly applier: Pick<Applier<never>, "capture" | "position">;
  readonly feed: (input: RaftInput) => void;
  readonly send: (
    message: SnapshotMessage,
    read: (offset: number) => Promise<SnapshotSource>,
  ) => Promise<void>;
  /** The configuration in force where the state machine stands. */
  readonly config: () => { readonly config: ClusterConfig; readonly configIndex: Index };
  /** Entries applied since the last one, at which one is taken. */
  readonly everyEntries: number;
  /** Bytes applied since the last one, at which one is taken. */
  readonly everyBytes: number;
  /** How many are kept. */
  readonly retained: number;
  /** Something went wrong that the node survives. */
  readonly failed: (what: string, error: unknown) => void;
  /** One was taken or received. */
  readonly stored: (meta: SnapshotMeta, from: NodeId | undefined) => void;
}

/** The snapshots of one node. */
export class Snapshots {
  readonly #options: SnapshotsOptions;
  #entries = 0;
  #bytes = 0;
  #taking: Promise<SnapshotMeta> | undefined;
  /** Ends the wait for the state machine. */
  #giveUp: (error: Error) => void = () => {};
  #latest: SnapshotMeta | undefined;
  /** The newest that the log durably names. */
  #marked = 0;
  readonly #sending = new Set<NodeId>();
  #closed = false;
  readonly #counts = { taken: 0, received: 0, sent: 0, failed: 0 };

  /** @param latest What the node began with. */
  constructor(options: SnapshotsOptions, latest: SnapshotMeta | undefined) {
    this.#options = options;
    this.#latest = latest;
    this.#marked = latest?.index ?? 0;
  }

  /** Counts. */
  get counts(): Readonly<Record<"taken" | "received" | "sent" | "failed", number>> {
    return this.#counts;
  }

  /** The newest one. */
  get latest(): SnapshotMeta | undefined {
    return this.#latest;
  }

  /** So much was applied. */
  applied(entries: number, bytes: number): void {
    this.#entries += entries;
    this.#bytes += bytes;
    const { everyEntries, everyBytes } = this.#options;
    if (this.#taking !== undefined || this.#closed) return;
    if (this.#entries < everyEntries && this.#bytes < everyBytes) return;
    this.take().catch(() => {}); // reported
  }

  /** Takes one now, or waits for the one that is being taken. @throws {Error} When it cannot be stored; the node goes on. */
  take(): Promise<SnapshotMeta> {
    this.#taking ??= this.#take().finally(() => {
      this.#taking = undefined;
    });
    return this.#taking;
  }

  /** Performs the effect. */
  async send({ to, term, atLeast }: Extract<RaftEffect, { type: "sendSnapshot" }>): Promise<void> {
    if (this.#sending.has(to)) return; // its end will be told
    this.#sending.add(to);
    const { id, store, send, feed, failed } = this.#options;
    let ok = false;
    try {
      const meta = store.latest(atLeast) ?? await this.take();
      if (meta.index < atLeast) throw new Error(`There is no snapshot at or after ${atLeast}`);
      const message: SnapshotMessage = { type: "snapshot", from: id, to, term, meta };
      await send(message, (offset) => store.read(meta.id, { offset }));
      this.#counts.sent++;
      ok = true;
    } catch (error) {
      this.#counts.failed++;
      if (!this.#closed) failed(`could not send a snapshot to ${to}`, error);
    }
    this.#sending.delete(to);
    if (!this.#closed) feed({ type: "snapshotSent", node: to, ok });
  }

  /** Decides where one that arrives goes. */
  async begin({ from, term, meta }: SnapshotMessage): Promise<SnapshotIntake> {
    const { store, applier } = this.#options;
    if (this.#closed) return { type: "refused", detail: "The node is closed" };
    if (meta.index <= applier.position.index || store.latest(meta.index)?.id === meta.id) {
      return { type: "held" };
    }
    return { type: "sink", sink: await store.receive(meta, { leader: from, term }) };
  }

  /** One is durable. */
  received(message: SnapshotMessage): void {
    if (this.#closed) return;
    this.#counts.received++;
    this.#options.stored(message.meta, message.from);
    this.#options.feed({ type: "snapshotReceived", message });
  }

  /** The state machine was replaced by one. */
  restored(meta: SnapshotMeta): void {
    this.#latest = meta;
    this.#entries = 0;
    this.#bytes = 0;
  }

  /** The log durably names one. */
  marked(meta: SnapshotMeta): void {
    this.#marked = Math.max(this.#marked, meta.index);
  }

  /** Performs the effect: what no snapshot and no follower needs is dropped. */
  async compact(through: Index): Promise<void> {
    const { log, store, retained, failed } = this.#options;
    try {
      await log.compact(through);
      await store.retain(retained, this.#marked);
    } catch (error) {
      if (!this.#closed) failed("could not compact the log", error);
    }
  }

  /** Takes and sends none any more. */
  close(): void {
    this.#closed = true;
    this.#giveUp(new Error("Cannot take a snapshot as the node takes part no more"));
  }

  async #take(): Promise<SnapshotMeta> {
    const { applier, config, store, feed, failed, stored } = this.#options;
    const { captured, meta } = await new Promise<{ captured: Captured; meta: SnapshotMeta }>(
      (resolve, reject) => {
        this.#giveUp = reject;
        applier.capture((captured) => {
          const { index, term } = captured;
          const id = `${index.toString(16).padStart(14, "0")}-${term.toString(16)}`;
          resolve({ captured, meta: Object.freeze({ index, term, id, ...config() }) });
        });
      },
    );
    this.#entries = 0;
    this.#bytes = 0;
    if (this.#latest?.index === meta.index) return this.#latest;
    try {
      const sink = await store.create(meta);
      try {
        await sink.write(captured.head);
        for await (const chunk of captured.chunks) await sink.write(chunk);
        await sink.commit();
      } catch (error) {
        await sink.abort();
        throw error;
      }
    } catch (error) {
      this.#counts.failed++;
      if (!this.#closed) failed("could not take a snapshot", error);
      throw error;
    }
    this.#counts.taken++;
    // One from a leader may have come in the meantime.
    if ((this.#latest?.index ?? 0) < meta.index) this.#latest = meta;
    if (!this.#closed) {
      stored(meta, undefined);
      feed({ type: "snapshotTaken", meta });
    }
    return meta;
  }
}
