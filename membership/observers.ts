/**
 * Observers of the peer list, each at its own pace.
 *
 * @module
 */
import { type Peer, samePeer } from "../shard/peer.ts";
import { shown } from "./words.ts";

/**
 * Called with the whole current peer list after it changed. Returning `false` ends the observation; anything else keeps it.
 * While an asynchronous observer is busy, newer lists replace each other, and it gets the latest one next.
 */
export type Observer = (
  peers: readonly Peer[],
) => boolean | void | PromiseLike<boolean | void>;

interface Observation {
  readonly observer: Observer;
  busy: boolean;
  /** The queue, of length 1. */
  next: readonly Peer[] | undefined;
  delivered: readonly Peer[] | undefined;
}

/** What {@link Observers} tells. */
export interface ObserversHost {
  /** An observer is called; what it returns is called once that observer is done. */
  updateStarted(): () => void;
  /** An observer threw, or rejected. It stays. */
  failed(error: unknown): void;
}

/** The observers of one node. */
export class Observers {
  readonly #observations = new Set<Observation>();
  readonly #host: ObserversHost;
  #stopped = false;

  /** Creates an empty set. */
  constructor(host: ObserversHost) {
    this.#host = host;
  }

  /** How many observe. */
  get size(): number {
    return this.#observations.size;
  }

  /**
   * Adds an observer; the list as it is now counts as delivered. Returns what removes it.
   *
   * @throws {TypeError} When it is no function.
   */
  add(observer: Observer, current: readonly Peer[]): () => void {
    if (typeof observer !== "function") {
      throw new TypeError(
        `Cannot observe as 'observer' must be a function: current value is ${shown(observer)}`,
      );
    }
    const observation = { observer, busy: false, next: undefined, delivered: current };
    if (!this.#stopped) this.#observations.add(observation);
    return () => void this.#observations.delete(observation);
  }

  /** Tells all observers that `peers` is the list now. */
  notify(peers: readonly Peer[]): void {
    for (const observation of [...this.#observations]) {
      observation.next = peers;
      if (!observation.busy) this.#deliver(observation);
    }
  }

  /** Drops all observers: none is called any more, those that are busy finish. */
  stop(): void {
    this.#stopped = true;
    this.#observations.clear();
  }

  #deliver(observation: Observation): void {
    while (observation.next !== undefined && this.#observations.has(observation)) {
      const peers = observation.next;
      observation.next = undefined;
      if (observation.delivered !== undefined && samePeers(observation.delivered, peers)) continue;
      observation.delivered = peers;
      // An observer may change the cluster and so be told of the next list before it returns: `busy` keeps its calls apart.
      observation.busy = true;
      const updated = this.#host.updateStarted();
      let outcome: ReturnType<Observer> | undefined = undefined;
      try {
        outcome = observation.observer(peers);
      } catch (error) {
        this.#host.failed(error);
      }
      if (typeof outcome === "object" && outcome !== null) {
        const failed = (error: unknown) => this.#host.failed(error);
        void Promise.resolve(outcome).catch(failed).then((keep) => {
          updated();
          observation.busy = false;
          if (keep === false) this.#observations.delete(observation);
          this.#deliver(observation);
        });
        return;
      }
      updated();
      observation.busy = false;
      if (outcome === false) this.#observations.delete(observation);
    }
  }
}

/**
 * Wraps an observer so that it is called only when the participants changed: who they are, or where. Viewers and terminating nodes
 * that come, go or move do not disturb it. At first there are no participants. A wrapped observer is for one node.
 *
 * @example Usage
 * ```ts
 * import { participantObserver } from "@ck/cluster/membership";
 * import { assertEquals } from "@std/assert";
 *
 * const seen: string[] = [];
 * const observer = participantObserver((peers) => void seen.push(peers.map((p) => p.name).join()));
 * const a = { name: "a", addr: "10.0.0.1:80", self: true, state: "participant" } as const;
 * const b = { name: "b", addr: "10.0.0.2:80", self: false, state: "viewer" } as const;
 * observer([a]);
 * observer([a, b]); // a viewer more changes no participant
 * observer([a, { ...b, state: "participant" }]);
 *
 * assertEquals(seen, ["a", "a,b"]);
 * ```
 *
 * @param observer Gets the whole list, as ckit has it, not the participants alone.
 */
export function participantObserver(observer: Observer): Observer {
  let last: readonly Peer[] = [];
  return (peers) => {
    const participants = peers.filter((peer) => peer.state === "participant");
    if (samePeers(last, participants)) return true;
    last = participants;
    return observer(peers);
  };
}

/** Whether two sorted lists say the same. */
export function samePeers(a: readonly Peer[], b: readonly Peer[]): boolean {
  if (a === b) return true;
  return a.length === b.length && a.every((peer, i) => samePeer(peer, b[i]!));
}
