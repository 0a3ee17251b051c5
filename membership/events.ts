/**
 * What a node announces, as a typed `EventTarget`.
 *
 * @module
 */
import type { Address, Refusal } from "../gossip/strategy.ts";
import type { ScuttlebuttEvent } from "../gossip/scuttlebutt/mod.ts";
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

/** Somebody else has, or had, the own name. */
export interface GenerationRaise {
  /** The own generation now: store it, if generations are stored, so that the next life begins above it. */
  readonly generation: number;
  /** It was not raised any more, for it was three times in a minute: two live processes seem to share the name. */
  readonly persistent: boolean;
}

/** What happened to another node, or rather to one life of its name: `id` and `generation`. */
export type NodeLifeEvent = ScuttlebuttEvent & {
  readonly type: "join" | "leave" | "up" | "down" | "expired";
};

/** A key of another node has a value that it had not before: `id`, `generation`, `key`, `value`. */
export type UpsertKeyEvent = ScuttlebuttEvent & { readonly type: "upsertKey" };

/** A key of another node has no value any more: `id`, `generation`, `key`. */
export type DeleteKeyEvent = ScuttlebuttEvent & { readonly type: "deleteKey" };

/**
 * The events of a node: type of the event → its `detail`. A listener that throws is an uncaught exception of the program, as with every
 * `EventTarget`; an observer that throws is caught.
 *
 * `join`, `leave`, `up`, `down`, `upsertKey`, `deleteKey` and `expired` come where nodes own keys (`gossip: scuttlebutt()`), never about
 * the node itself, and after the change: what they tell of can be asked for. For each life of a name `join` comes first and `expired`
 * last; keys come in the order in which they were written, the latest value of each; `down` and `up` alternate; `leave` comes once.
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
  /** Another node is known from now on. */
  readonly join: NodeLifeEvent;
  /** Another node said goodbye. */
  readonly leave: NodeLifeEvent;
  /** Another node that was down is heard again. */
  readonly up: NodeLifeEvent;
  /** Another node was silent for too long: an opinion of this node. */
  readonly down: NodeLifeEvent;
  /** Another node's key has a new value. */
  readonly upsertKey: UpsertKeyEvent;
  /** Another node's key is gone. */
  readonly deleteKey: DeleteKeyEvent;
  /** Another node that left or was down, or an older life of its name, is forgotten, with all its keys. */
  readonly expired: NodeLifeEvent;
  /** Somebody else has the own name, and the own generation was raised above its own. */
  readonly generation: GenerationRaise;
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
