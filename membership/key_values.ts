/**
 * The keys that nodes own, for a node whose gossip protocol carries them.
 *
 * @module
 */
import type { GossipCore, StrategyEvent } from "../gossip/strategy.ts";
import type {
  LocalWrite,
  NodeMetadata,
  NodeState,
  ScuttlebuttCore,
  ScuttlebuttEvent,
} from "../gossip/scuttlebutt/mod.ts";
import type { Clock } from "./clock.ts";
import type { NodeEventMap } from "./events.ts";
import type { Reports } from "./reports.ts";
import { watch } from "./watch.ts";
import type { WatchOptions } from "./watch.ts";

/** A core whose nodes own keys: what there is of `ScuttlebuttCore` beyond any gossip core. */
export type KeyValueCore =
  & GossipCore
  & Pick<
    ScuttlebuttCore,
    "localNode" | "node" | "nodes" | "upsertLocal" | "deleteLocal" | "phi" | "scuttlebuttStats"
  >;

/** What {@link KeyValues} works with. */
export interface KeyValuesOptions {
  readonly core: GossipCore;
  /** The name of the protocol, for messages. */
  readonly protocol: string;
  readonly clock: Clock;
  readonly reports: Reports;
  /** Whether the node is being stopped, and nobody is told of anything any more. */
  readonly silent: () => boolean;
  readonly dispatch: (event: CustomEvent) => void;
}

interface Watcher {
  readonly change: () => void;
  readonly end: () => void;
}

/** Reads and writes keys, passes the protocol's events on, and serves those who watch all of it. */
export class KeyValues {
  readonly #options: KeyValuesOptions;
  readonly #watchers = new Set<Watcher>();
  #told = true;
  #ended = false;

  /** Works on a core, which may be one without keys. */
  constructor(options: KeyValuesOptions) {
    this.#options = options;
  }

  /** The core, if its nodes own keys. */
  get core(): KeyValueCore | undefined {
    const { core } = this.#options;
    return "upsertLocal" in core ? core as KeyValueCore : undefined;
  }

  /** How many watch. */
  get watchers(): number {
    return this.#watchers.size;
  }

  /** The core. @throws {TypeError} When its nodes own no keys. */
  require(action: string): KeyValueCore {
    const { core } = this;
    if (core !== undefined) return core;
    throw new TypeError(
      `Cannot ${action} as the gossip protocol must be one whose nodes own keys, such as scuttlebutt(): current value is ${this.#options.protocol}`,
    );
  }

  /** See `Node.upsertLocal`. */
  upsert(key: string, value: string): LocalWrite {
    const { clock, reports } = this.#options;
    const written = this.require("upsert a key").upsertLocal(key, value, clock.now());
    if (written.large && written.changed) reports.large(key, value);
    return this.#written(written);
  }

  /** See `Node.deleteLocal`. */
  delete(key: string): LocalWrite {
    const now = this.#options.clock.now();
    return this.#written(this.require("delete a key").deleteLocal(key, now));
  }

  /** See `Node.nodes`. */
  nodes(): readonly NodeMetadata[] {
    return this.require("list the nodes").nodes();
  }

  /** The protocol told something. */
  event(event: StrategyEvent): void {
    const { silent, reports } = this.#options;
    if (silent() || this.core === undefined) return;
    this.changed();
    const told = event as ScuttlebuttEvent;
    if (told.type !== "conflict") return this.#dispatch(told.type, told);
    const { generation, persistent } = told;
    if (persistent) {
      const error = new Error("another live process has the own name: give one of them another");
      reports.error("error", "the own generation is not raised any more", error);
    }
    this.#dispatch("generation", Object.freeze({ generation, persistent }));
  }

  /** Something changed; watchers hear of it once, when all that changed together is in place. */
  changed(): void {
    if (!this.#told || this.#watchers.size === 0) return;
    this.#told = false;
    queueMicrotask(() => {
      this.#told = true;
      for (const watcher of [...this.#watchers]) watcher.change();
    });
  }

  /** See `Node.watchNodes`. */
  watch(options: WatchOptions): AsyncIterableIterator<readonly NodeState[]> {
    const core = this.require("watch the nodes");
    return watch<readonly NodeState[]>({
      current: () => Object.freeze(core.nodes().map(({ id }) => core.node(id)!)),
      subscribe: (change, end) => {
        if (this.#ended) {
          end();
          return () => {};
        }
        const watcher = { change, end };
        this.#watchers.add(watcher);
        return () => void this.#watchers.delete(watcher);
      },
    }, options);
  }

  /** Dismisses all watchers. */
  end(): void {
    this.#ended = true;
    for (const watcher of [...this.#watchers]) watcher.end();
  }

  #written(written: LocalWrite): LocalWrite {
    if (written.changed) this.changed();
    return written;
  }

  #dispatch<Type extends keyof NodeEventMap>(type: Type, detail: NodeEventMap[Type]): void {
    this.#options.dispatch(new CustomEvent(type, { detail }));
  }
}
