/**
 * A member of a cluster.
 *
 * @module
 */
import type { Registry } from "../metrics/mod.ts";
import { metricsRoutes } from "../metrics/routes.ts";
import type { LocalWrite, NodeMetadata, NodeState } from "../gossip/scuttlebutt/mod.ts";
import type { Peer, PeerState } from "../shard/peer.ts";
import type { Sharder } from "../shard/sharder.ts";
import type { Hono } from "../transport/http2.ts";
import { begin, declare, end, leave } from "./_node_life.ts";
import { nodeParts } from "./_node_parts.ts";
import type { NodeParts } from "./_node_parts.ts";
import { checkJoinAddresses, joinAddresses } from "./addresses.ts";
import type { CallOptions } from "./calls.ts";
import { StoppedError } from "./errors.ts";
import { TypedEventTarget } from "./events.ts";
import type { NodeEventMap } from "./events.ts";
import { healthOf, type NodeHealth } from "./health.ts";
import type { Observer } from "./observers.ts";
import { checkState, resolveNodeOptions } from "./options.ts";
import type { NodeOptions, ResolvedNodeOptions } from "./options.ts";
import { type NodeStats, nodeStats } from "./stats.ts";

/**
 * One member of an eventually consistent cluster: it knows who is alive and in which state, and who owns a key.
 *
 * The life of a node: create it, mount {@link Node.routes} in the server, {@link Node.start} it, declare it a participant with
 * {@link Node.changeState}, {@link Node.stop} it. While it runs, its timers keep the process alive.
 *
 * With `gossip: scuttlebutt()` nodes also own keys that reach all others: {@link Node.upsertLocal}, {@link Node.node}, {@link Node.join},
 * {@link Node.leave}, and the events of {@link NodeEventMap}.
 *
 * Identity is the name; the address may change from life to life. What the node says about others is what it last heard: two nodes
 * may disagree for a moment, so ownership is best effort, and no lock.
 *
 * @example Usage
 * ```ts
 * import { Node } from "@ck/cluster/membership";
 * import { memoryNetwork } from "@ck/cluster/transport";
 * import { assertEquals } from "@std/assert";
 *
 * const network = memoryNetwork();
 * const node = new Node({
 *   name: "a",
 *   advertiseAddr: "10.0.0.1:8080",
 *   clusterName: "example",
 *   transport: network.transport("10.0.0.1:8080"), // without it: HTTP/2, see `routes`
 * });
 * await node.start([]); // nobody to join: the first node
 * await node.changeState("participant");
 *
 * assertEquals(node.sharder.lookup("user:42", 1, "readWrite").map((peer) => peer.name), ["a"]);
 * await node.stop();
 * ```
 */
export class Node extends TypedEventTarget<NodeEventMap> implements AsyncDisposable {
  readonly #options: ResolvedNodeOptions;
  readonly #parts: NodeParts;
  #phase: NodeHealth["phase"] = "created";
  #turn: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  /**
   * Creates a node at rest: nothing is sent, no timer runs, what arrives is refused.
   *
   * @throws {TypeError} When an option is missing, unknown, of the wrong kind, or contradicts another.
   * @throws {RangeError} When an option is outside its range. Every message names the option; nothing was started.
   */
  constructor(options: NodeOptions) {
    super();
    this.#options = resolveNodeOptions(options);
    this.#parts = nodeParts(this.#options, {
      silent: () => this.#phase === "stopping" || this.#phase === "stopped",
      dispatch: (event) => void this.dispatchEvent(event),
    });
  }

  /** The unique name. */
  get name(): string {
    return this.#options.name;
  }

  /** Where peers reach the node. */
  get advertiseAddr(): string {
    return this.#options.advertiseAddr;
  }

  /** The cluster's name. */
  get clusterName(): string {
    return this.#options.clusterName;
  }

  /** What the node declared last. A new node is a viewer. */
  get currentState(): PeerState {
    return this.#parts.core.state;
  }

  /** All members that the node believes in, sorted by name (bytewise), itself included. Frozen; a change makes a new list. */
  get peers(): readonly Peer[] {
    return this.#parts.view.peers;
  }

  /**
   * Who owns what, for the members as they are now. Immutable: keep it to look several keys up in one view. Computed when first read
   * after a change, so that changes nobody looks at cost nothing.
   */
  get sharder(): Sharder {
    return this.#parts.view.sharder;
  }

  /** Whether the node was admitted: it saw `minClusterSize` members once, or waited long enough. Losing members does not take it back. */
  get admitted(): boolean {
    return this.#parts.admission.admitted;
  }

  /** Resolves when the node is admitted; rejects with {@link StoppedError} when it is stopped before. Wait for it before taking work. */
  get ready(): Promise<void> {
    return this.#parts.admission.ready;
  }

  /** All numbers, now. */
  get stats(): NodeStats {
    return nodeStats(this.#parts, this.#options.transport);
  }

  /** What the node thinks right now, as plain data for a status page. */
  get health(): NodeHealth {
    return healthOf(this.#options, {
      generation: this.#parts.keyValues.core?.localNode.generation ?? this.#options.generation,
      phase: this.#phase,
      state: this.#parts.core.state,
      admitted: this.admitted,
      members: this.peers,
      healthScore: this.#parts.core.stats.healthScore,
      discovery: this.#parts.joining.health,
      lastError: this.#parts.reports.lastError,
    });
  }

  /**
   * The routes that peers talk to, for `app.route("/", node.routes())`. Serve them over HTTP/2.
   *
   * @throws {TypeError} When the transport is one without routes.
   */
  routes(): Hono {
    const { transport } = this.#options;
    if (transport.routes === undefined) {
      throw new TypeError("Cannot give routes as the node's transport has none");
    }
    return transport.routes();
  }

  /** `GET /metrics` with the node's metrics, for `app.route("/", node.metricsRoutes())` or a port of its own. */
  metricsRoutes(): Hono {
    return metricsRoutes(this.registry, { readFailed: this.#parts.reports.unread });
  }

  /** Where the node's metrics are registered. */
  get registry(): Registry {
    return this.#parts.metrics.registry;
  }

  /**
   * Starts the node, and joins the cluster through `addresses` and what the `discovery` finds. May be repeated, to join through others;
   * it need not be, as the node goes on looking for missing members by itself.
   *
   * At most `maxJoinPeers` addresses are joined at once, picked at random; others are tried only when none of those answers. The own
   * address is left out: all nodes may be given one list. Addresses that only the discovery found may all fail: the node is then alone,
   * and says so in the log.
   *
   * @param addresses `host:port` each; host names are resolved to all their addresses. `[]`: the node is the first one.
   * @param options Ends the waiting; the node stays started.
   * @throws {JoinError} When addresses were given, none the own one, and none, found ones included, could be joined. The node runs on and
   * keeps trying.
   * @throws {StoppedError} When the node is stopped, before or meanwhile.
   * @throws {TypeError} When an address is none. Nothing changed.
   */
  async start(addresses: readonly string[] = [], options: CallOptions = {}): Promise<void> {
    this.#requireMember("start the node");
    options.signal?.throwIfAborted();
    const given = checkJoinAddresses(addresses);
    this.#begin();
    try {
      await this.#parts.calls.run(
        "start the node",
        options,
        (scope) => this.#parts.joining.start(given, scope),
      );
    } finally {
      if (this.#phase === "started") this.#parts.joining.keepOn();
    }
  }

  /**
   * Declares another state: viewer → participant → terminating, no step left out, none back. Resolves once the news was sent often
   * enough to spread, at once when the node is alone. Calls run one after the other. Before
   * {@link Node.start}, too: the node then gossips from here on.
   *
   * @param state The next state.
   * @param options Ends the waiting. The change itself, once begun, goes on.
   * @throws {StateTransitionError} When the rules forbid the step. Nothing changed.
   * @throws {StoppedError} When the node is stopped, before or meanwhile.
   * @throws {RangeError} When there is no such state.
   */
  async changeState(state: PeerState, options: CallOptions = {}): Promise<void> {
    const action = "change the state";
    this.#requireMember(action);
    options.signal?.throwIfAborted();
    checkState(state);
    const before = this.#turn;
    const change = this.#parts.calls.run(action, options, async (scope) => {
      await before;
      scope.throwIfAborted();
      await declare(this.#parts, state);
    });
    this.#turn = change.catch(() => {});
    await change;
  }

  /**
   * Calls `observer` with the whole peer list after every change, {@link Node.sharder} being up to date. An unchanged list is not
   * repeated. A slow asynchronous observer misses lists in between, never the latest. Ends when the observer returns `false`, when the
   * returned function is called, and when the node is stopped.
   */
  observe(observer: Observer): () => void {
    return this.#parts.view.observe(observer);
  }

  /**
   * Iterates over the peer list: the current one, then the latest after each change. Slow consumers skip lists in between. Ends, without
   * an error, when the signal aborts or the node is stopped.
   */
  watch(options: CallOptions = {}): AsyncIterableIterator<readonly Peer[]> {
    return this.#parts.view.watch(options);
  }

  /**
   * Sets an own key; the others hear of it with the next rounds of gossip. A key that has this value already stays as it is. Before the
   * start, too. A value above the protocol's `warnValueBytes` (4 KiB) is worth a warning in the log.
   *
   * @throws {RangeError} When the key has more than 255 bytes or begins with `_internal:`, the value has more than `maxValueBytes`
   * (64 KiB), or the node would have too many keys or bytes. Nothing changed, in all cases.
   * @throws {TypeError} When key or value is no string of well-formed Unicode, or the gossip protocol's nodes own no keys.
   * @throws {DOMException} `InvalidStateError` when the node has left.
   * @throws {StoppedError} When the node is stopped.
   */
  upsertLocal(key: string, value: string): LocalWrite {
    this.#requireRunning("upsert a key");
    return this.#parts.keyValues.upsert(key, value);
  }

  /** Deletes an own key; one that is absent stays absent. @throws As {@link Node.upsertLocal} does for keys; nothing changed then. */
  deleteLocal(key: string): LocalWrite {
    this.#requireRunning("delete a key");
    return this.#parts.keyValues.delete(key);
  }

  /** The node itself, with its keys. Frozen. @throws {TypeError} When the gossip protocol's nodes own no keys. */
  get localNode(): NodeState {
    return this.#parts.keyValues.require("show the own keys").localNode;
  }

  /**
   * What this node holds of another one, or of itself, keys included; `undefined` when it knows of none. Frozen.
   *
   * @throws {TypeError} When the gossip protocol's nodes own no keys.
   */
  node(id: string): NodeState | undefined {
    return this.#parts.keyValues.require("show the keys of a node").node(id);
  }

  /**
   * All nodes, sorted by name, this one included, and those that are down or left until they expire; without their keys. Frozen.
   *
   * @throws {TypeError} When the gossip protocol's nodes own no keys.
   */
  nodes(): readonly NodeMetadata[] {
    return this.#parts.keyValues.nodes();
  }

  /**
   * Iterates over all nodes with their keys: how they are now, then the latest after each change. Slow consumers skip what was in
   * between; for every single change listen to the events of {@link NodeEventMap}. Ends, without an error, when the signal aborts or the
   * node is stopped.
   *
   * @throws {TypeError} When the gossip protocol's nodes own no keys.
   */
  watchNodes(options: CallOptions = {}): AsyncIterableIterator<readonly NodeState[]> {
    return this.#parts.keyValues.watch(options);
  }

  /**
   * Joins through `addresses`, and starts the node unless it is started. Every address of every name is tried, four at a time, until
   * three nodes answered. Names are resolved anew in the background, and nodes at new addresses are joined, too.
   *
   * @param addresses `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address; without a port, the own one is meant.
   * @param options Ends the waiting; what was begun goes on.
   * @returns The names of the nodes that answered, in the order of the addresses; without the own one, which is no failure.
   * @throws {JoinError} When something was tried and nothing answered. The node runs on and keeps trying.
   * @throws {TypeError} When an address is none, or the gossip protocol's nodes own no keys: use {@link Node.start} then. Nothing was
   * tried.
   * @throws {DOMException} `InvalidStateError` when the node has left.
   * @throws {StoppedError} When the node is stopped, before or meanwhile.
   */
  async join(
    addresses: readonly string[],
    options: CallOptions = {},
  ): Promise<readonly string[]> {
    const { keyValues, calls, joining } = this.#parts;
    this.#requireMember("join");
    keyValues.require("join by name");
    options.signal?.throwIfAborted();
    const given = joinAddresses(addresses, this.advertiseAddr);
    this.#begin();
    try {
      return await calls.run("join", options, (scope) => joining.join(given, scope));
    } finally {
      if (this.#phase === "started") joining.keepOn();
    }
  }

  /**
   * Leaves the cluster: tells up to three of the others, who tell the rest. Afterwards the node writes and joins nothing any more, but
   * still answers, so that its goodbye spreads, until it is closed. May be repeated when it failed.
   *
   * @param options Ends the waiting, not the leaving.
   * @throws {LeaveError} When there are others, and none of them could be told. The node has left all the same.
   * @throws {TypeError} When the gossip protocol's nodes own no keys: use {@link Node.stop} then.
   * @throws {StoppedError} When the node is stopped, before or meanwhile.
   */
  async leave(options: CallOptions = {}): Promise<void> {
    this.#requireRunning("leave");
    this.#parts.keyValues.require("leave without stopping");
    options.signal?.throwIfAborted();
    this.#phase = "left";
    await leave(this.#parts, options);
  }

  /**
   * Leaves the cluster and stops, for good: observers hear nothing more, the others are told (for at most 5 s), the transport closes.
   * Idempotent: all calls wait for the same end. Never rejects; what goes wrong on the way is logged.
   *
   * Go to `terminating` before, and let the work drain.
   *
   * @param options Ends the waiting for the news to spread, not the stop.
   */
  async stop(options: CallOptions = {}): Promise<void> {
    const { signal } = options;
    const hurry = () => this.#parts.goodbye.hurry();
    if (signal?.aborted) hurry();
    signal?.addEventListener("abort", hurry, { once: true });
    try {
      await this.#end(true);
    } finally {
      signal?.removeEventListener("abort", hurry);
    }
  }

  /**
   * The same as {@link Node.stop}, but where nodes own keys (`gossip: scuttlebutt()`) it says no goodbye, as Kite has it: the others
   * find the node down after a while, with its keys, unless {@link Node.leave} came before.
   */
  close(): Promise<void> {
    return this.#end(this.#parts.keyValues.core === undefined);
  }

  /** The same as {@link Node.stop}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #begin(): void {
    if (this.#phase !== "created") return;
    begin(this.#parts, this.#options);
    this.#phase = "started";
  }

  #end(sayGoodbye: boolean): Promise<void> {
    this.#stopping ??= (async () => {
      this.#phase = "stopping";
      await end(this.#parts, sayGoodbye);
      this.#phase = "stopped";
      this.#parts.reports.log("info", "the node stopped");
    })();
    return this.#stopping;
  }

  #requireMember(action: string): void {
    this.#requireRunning(action);
    if (this.#phase !== "left") return;
    throw new DOMException(`Cannot ${action} as the node has left`, "InvalidStateError");
  }

  #requireRunning(action: string): void {
    if (this.#phase === "stopping" || this.#phase === "stopped") throw new StoppedError(action);
  }
}
