/**
 * What a node announces, as a typed `EventTarget`.
 *
 * @module
 */
import type { Address, Refusal } from "../gossip/strategy.ts";
import type { Peer } from "../shard/peer.ts";

/** Two live nodes claim one name. */
export interface NameConflict {
  /** The name. */
  readonly name: string;
  /** Where the node lives that this node believes in. */
  readonly known: Address;
  /** Where another one claims to live. */
  readonly claimed: Address;
}

/** The node was admitted: the cluster has the size to begin, or the wait for it ended. */
export interface NodeAdmission {
  /** How many members the node sees, itself included. */
  readonly size: number;
  /** Whether `waitTimeoutMs` ended the wait, and not the size. */
  readonly timedOut: boolean;
}

/**
 * The events of a node: type of the event → its `detail`. A listener that throws is an uncaught exception of the program, as with every
 * `EventTarget`; an observer that throws is caught.
 */
export interface NodeEventMap {
  /** The whole current view, sorted by name. The sharder is already up to date. */
  readonly peers: readonly Peer[];
  /** Two live nodes claim one name. */
  readonly conflict: NameConflict;
  /** Something that a peer sent, or the own driver met, had no effect. */
  readonly refused: Refusal;
  /** The first admission. At most once. */
  readonly admitted: NodeAdmission;
}

/** An `EventTarget` whose listeners know the `detail` of their event. */
export class TypedEventTarget<Events> extends EventTarget {
  /** Calls `listener` with every event of `type`, until removed or until `signal` aborts. */
  override addEventListener<Type extends keyof Events & string>(
    type: Type,
    listener: ((event: CustomEvent<Events[Type]>) => void) | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** Calls `listener` with every event of `type`, until removed or until `signal` aborts. */
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: unknown,
    options?: boolean | AddEventListenerOptions,
  ): void {
    super.addEventListener(type, listener as EventListener | null, options);
  }

  /** Stops calling `listener` with events of `type`. */
  override removeEventListener<Type extends keyof Events & string>(
    type: Type,
    listener: ((event: CustomEvent<Events[Type]>) => void) | null,
    options?: boolean | EventListenerOptions,
  ): void;
  /** Stops calling `listener` with events of `type`. */
  override removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
  override removeEventListener(
    type: string,
    listener: unknown,
    options?: boolean | EventListenerOptions,
  ): void {
    super.removeEventListener(type, listener as EventListener | null, options);
  }
}
