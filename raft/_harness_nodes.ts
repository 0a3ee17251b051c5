/**
 * Groups of real nodes in one process: memory network with partitions, stores that outlive their nodes, virtual time.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { Clock } from "../membership/clock.ts";
import { memoryNetwork } from "../transport/memory.ts";
import {
  type Conn,
  type DialOptions,
  type Transport,
  type TransportHandlers,
  UnreachableError,
} from "../transport/transport.ts";
import type { LogStore, SnapshotStore } from "./log_store.ts";
import type { Founder, RaftNodeOptions } from "./node_options.ts";
import { RaftNode } from "./raft_node.ts";
import { MemorySnapshotStore } from "./snapshot/memory_snapshot_store.ts";
import type { AppliedCommand, StateMachine } from "./state_machine.ts";
import { MemoryLogStore } from "./wal/memory_log_store.ts";

/** One turn of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Time that passes when nothing else is left to do. */
export class VirtualTime implements Clock {
  #now = 0;
  readonly #timers = new Set<{ readonly at: number; readonly fire: () => void }>();

  now(): number {
    return this.#now;
  }

  setTimer(afterMs: number, fire: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, afterMs), fire };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets everything happen until `seen` gives something. @throws {Error} After a minute of this time. */
  async until<T>(what: string, seen: () => T | undefined | false): Promise<T> {
    const end = this.#now + 60_000;
    for (let stuck = 0;;) {
      for (let turns = 0; turns < 12; turns++) {
        const value = seen();
        if (value !== undefined && value !== false) return value;
        await turn();
      }
      const next = [...this.#timers].reduce<number>(
        (least, { at }) => Math.min(least, at),
        Infinity,
      );
      if (next > end) throw new Error(`It did not happen: ${what}`);
      stuck = next > this.#now ? 0 : stuck + 1;
      if (stuck > 1000) throw new Error(`Timers fire without end: ${what}`);
      this.#now = Math.max(this.#now, next);
      for (const timer of [...this.#timers]) {
        if (timer.at > this.#now || !this.#timers.delete(timer)) continue;
        timer.fire();
      }
    }
  }

  /** Waits for a promise while time passes; gives what it rejects with as a value. */
  async settled<T>(promise: Promise<T>): Promise<{ value?: T; error?: unknown }> {
    let outcome: { value?: T; error?: unknown } | undefined;
    promise.then((value) => outcome = { value }, (error) => outcome = { error });
    return await this.until("a promise settles", () => outcome);
  }

  /** Waits for a promise while time passes. */
  async value<T>(promise: Promise<T>): Promise<T> {
    const outcome = await this.settled(promise);
    if ("error" in outcome) throw outcome.error;
    return outcome.value as T;
  }

  /** Lets this much time pass. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    this.setTimer(ms, () => {});
    await this.until("time passes", () => this.#now >= end);
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A list of texts; the result of a command is its place in the list. */
export class Journal implements StateMachine<number> {
  lines: readonly string[] = [];
  /** What `apply` waits for. */
  gate: Promise<void> | undefined;

  apply(commands: readonly AppliedCommand[]): readonly number[] | Promise<readonly number[]> {
    const run = () => {
      const before = this.lines.length;
      this.lines = this.lines.concat(commands.map(({ command }) => decoder.decode(command)));
      return commands.map((_, i) => before + i + 1);
    };
    return this.gate === undefined ? run() : this.gate.then(run);
  }

  snapshot(): Iterable<Uint8Array> {
    const text = JSON.stringify(this.lines);
    return [encoder.encode(text.slice(0, 5)), encoder.encode(text.slice(5))];
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const stream = new TextDecoder();
    let text = "";
    for await (const chunk of chunks) text += stream.decode(chunk, { stream: true });
    this.lines = JSON.parse(text + stream.decode());
  }
}

/** A text as a command. */
export const line = (text: string): Uint8Array => encoder.encode(text);

/** One member, in all its lives. */
export interface Member {
  readonly id: string;
  readonly address: string;
  readonly log: MemoryLogStore;
  readonly snapshots: MemorySnapshotStore;
  journal: Journal;
  node: RaftNode<number> | undefined;
}

/** What a member is started with, beside the defaults. */
export type MemberOptions = Partial<RaftNodeOptions<number>> & {
  /** Puts something in front of a store. */
  readonly wrapLog?: (log: LogStore) => LogStore;
  readonly wrapSnapshots?: (snapshots: SnapshotStore) => SnapshotStore;
};

/** A group. */
export class Group {
  readonly time: VirtualTime = new VirtualTime();
  readonly members: Map<string, Member> = new Map();
  readonly #network = memoryNetwork();
  readonly #conns = new Set<{ readonly from: string; readonly to: string; readonly conn: Conn }>();
  readonly #cut = new Set<string>();
  #seed = 1;

  /** Opens or reopens a member. */
  async start(id: string, options: MemberOptions = {}): Promise<RaftNode<number>> {
    const before = this.members.get(id);
    const log = new MemoryLogStore(before?.log);
    const snapshots = new MemorySnapshotStore(before?.snapshots);
    const address = `${id}:1`;
    const journal = new Journal();
    const { wrapLog, wrapSnapshots, ...rest } = options;
    const member: Member = { id, address, log, snapshots, journal, node: undefined };
    this.members.set(id, member);
    const node = await RaftNode.open<number>({
      id,
      clusterName: "test",
      address,
      transport: this.transport(address),
      log: wrapLog?.(log) ?? log,
      snapshots: wrapSnapshots?.(snapshots) ?? snapshots,
      stateMachine: journal,
      heartbeatIntervalMs: 10,
      electionTimeoutMs: 100,
      clock: this.time,
      random: this.#prng(),
      transportLimits: { minBackoffMs: 5, maxBackoffMs: 20 },
      ...rest,
    });
    member.node = node;
    return node;
  }

  /** Founds a group of these members. */
  async found(ids: readonly string[], options: MemberOptions = {}): Promise<void> {
    const bootstrap = founders(ids);
    for (const id of ids) await this.start(id, { bootstrap, ...options });
  }

  /** The node of a member that runs. */
  node(id: string): RaftNode<number> {
    return this.members.get(id)!.node!;
  }

  /** Nodes that run. */
  get nodes(): RaftNode<number>[] {
    return [...this.members.values()].flatMap(({ node }) => node ?? []);
  }

  /** Closes a member; its stores stay. */
  async stop(id: string): Promise<void> {
    const member = this.members.get(id)!;
    const node = member.node;
    member.node = undefined;
    await node?.close();
  }

  /** Takes a stopped member's disk away: it starts again with an empty one. */
  wipe(id: string): void {
    this.members.delete(id);
  }

  /** Closes all. */
  async close(): Promise<void> {
    for (const id of this.members.keys()) await this.stop(id);
  }

  /** Waits for a leader that a majority of `among` follows. */
  async leader(among: readonly string[] = [...this.members.keys()]): Promise<RaftNode<number>> {
    return await this.time.until("somebody leads", () => {
      const nodes = among.flatMap((id) => this.members.get(id)?.node ?? []);
      return nodes.find((node) =>
        node.status.role === "leader" &&
        nodes.filter(({ status }) =>
            status.term === node.status.term && (status.leader?.id ?? status.id) === node.id
          ).length > among.length / 2
      );
    });
  }

  /** Members that do not lead. */
  others(leader: RaftNode<number>): RaftNode<number>[] {
    return this.nodes.filter((node) => node !== leader);
  }

  /** Waits until all of these hold these lines. */
  async agree(
    lines: readonly string[],
    ids: readonly string[] = [...this.members.keys()],
  ): Promise<void> {
    const wanted = JSON.stringify(lines);
    await this.time.until(
      `everybody holds ${wanted.slice(0, 200)}`,
      () => ids.every((id) => JSON.stringify(this.members.get(id)!.journal.lines) === wanted),
    );
  }

  /** Cuts a member off from the others. */
  isolate(id: string): void {
    const address = `${id}:1`;
    this.#cut.add(address);
    for (const { from, to, conn } of [...this.#conns]) {
      if (from === address || to === address) conn.abort(new Error("cut"));
    }
  }

  /** Ends that. */
  heal(id: string): void {
    this.#cut.delete(`${id}:1`);
  }

  /** The network as it is at an address. */
  transport(address: string): Transport {
    const inner = this.#network.transport(address);
    return {
      get stats() {
        return inner.stats;
      },
      serve: (handlers: TransportHandlers) => inner.serve(handlers),
      send: () => {},
      dial: async (to: string, options?: DialOptions) => {
        if (this.#cut.has(address) || this.#cut.has(to)) {
          throw new UnreachableError(to, "The network is cut");
        }
        const conn = await inner.dial(to, options);
        this.#conns.add({ from: address, to, conn });
        return conn;
      },
      close: () => inner.close(),
      [Symbol.asyncDispose]: () => inner.close(),
    };
  }

  #prng(): () => number {
    let state = (this.#seed++ * 0x9e37_79b9) >>> 0;
    return () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) / 2 ** 32;
    };
  }
}

/** Founders of these names. */
export function founders(ids: readonly string[]): readonly Founder[] {
  return ids.map((id) => ({ id, address: `${id}:1` }));
}

/** Something that is as another thing is, but for some of it. */
export function wrapped<T extends object>(target: T, over: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(over, name) ?? Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
