/**
 * The members as a node sees them, and everybody who follows them.
 *
 * @module
 */
import type { Peer } from "../shard/peer.ts";
import type { Algorithm } from "../shard/placement.ts";
import { sharder } from "../shard/sharder.ts";
import type { Sharder } from "../shard/sharder.ts";
import { Observers, samePeers } from "./observers.ts";
import type { Observer, ObserversHost } from "./observers.ts";
import { watch } from "./watch.ts";
import type { WatchOptions } from "./watch.ts";

interface Watcher {
  readonly change: () => void;
  readonly end: () => void;
}

/** The current peer list, the sharder made of it, its observers and its watchers. */
export class View {
  readonly #algorithm: Algorithm;
  readonly #observers: Observers;
  readonly #watchers = new Set<Watcher>();
  #peers: readonly Peer[];
  #sharder: Sharder | undefined;
  #sharded: readonly Peer[] | undefined;
  #ended = false;

  /** Creates a view of `peers`. */
  constructor(peers: readonly Peer[], algorithm: Algorithm, host: ObserversHost) {
    this.#peers = frozen(peers);
    this.#algorithm = algorithm;
    this.#observers = new Observers(host);
  }

  /** The list now. Frozen. */
  get peers(): readonly Peer[] {
    return this.#peers;
  }

  /** The sharder of the list now, made when first read after a change. */
  get sharder(): Sharder {
    if (this.#sharder === undefined || this.#sharded !== this.#peers) {
      this.#sharder = this.#sharder?.withPeers(this.#peers) ??
        sharder(this.#algorithm, this.#peers);
      this.#sharded = this.#peers;
    }
    return this.#sharder;
  }

  /** How many observers and watchers there are. */
  get followers(): number {
    return this.#observers.size + this.#watchers.size;
  }

  /** Takes a list; returns whether it says something new. Who follows is told by {@link View.announce}. */
  take(peers: readonly Peer[]): boolean {
    if (samePeers(this.#peers, peers)) return false;
    this.#peers = frozen(peers);
    return true;
  }

  /** Tells observers and watchers of the list now. */
  announce(): void {
    this.#observers.notify(this.#peers);
    for (const watcher of [...this.#watchers]) watcher.change();
  }

  /** Adds an observer; returns what removes it. */
  observe(observer: Observer): () => void {
    return this.#observers.add(observer, this.#peers);
  }

  /** Iterates over the lists, beginning with the one now. */
  watch(options: WatchOptions): AsyncIterableIterator<readonly Peer[]> {
    return watch<readonly Peer[]>({
      current: () => this.#peers,
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

  /** Dismisses everybody: nobody is told of later lists. */
  end(): void {
    this.#ended = true;
    this.#observers.stop();
    for (const watcher of [...this.#watchers]) watcher.end();
  }
}

function frozen(peers: readonly Peer[]): readonly Peer[] {
  return Object.isFrozen(peers) ? peers : Object.freeze([...peers]);
}
