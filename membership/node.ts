/**
 * A member of a cluster.
 *
 * @module
 */
import { abortable } from "@std/async";
import type { GossipCore } from "../gossip/strategy.ts";
import type { NodeMetrics, Registry } from "../metrics/mod.ts";
import { metricsRoutes } from "../metrics/routes.ts";
import type { Peer, PeerState } from "../shard/peer.ts";
import type { Sharder } from "../shard/sharder.ts";
import type { Hono } from "../transport/http2.ts";
import { driverHost } from "./_driver_host.ts";
import { metricsOf } from "./_metrics_of.ts";
import { Admission } from "./admission.ts";
import { Calls } from "./calls.ts";
import type { CallOptions } from "./calls.ts";
import { Driver, OperationError } from "./driver.ts";
import { StateTransitionError, StoppedError } from "./errors.ts";
import { TypedEventTarget } from "./events.ts";
import type { NodeEventMap } from "./events.ts";
import { healthOf } from "./health.ts";
import type { NodeHealth } from "./health.ts";
import { Joining } from "./joining.ts";
import type { Observer } from "./observers.ts";
import { checkJoinAddresses, checkState, resolveNodeOptions } from "./options.ts";
import type { NodeOptions, ResolvedNodeOptions } from "./options.ts";
import { Reports } from "./reports.ts";
import { Tally } from "./stats.ts";
import type { NodeStats } from "./stats.ts";
import { View } from "./view.ts";

/** Why a node stops telling that it leaves: everybody else has left. */
const nobodyLeft = "nobody is left to be told";

/**
 * One member of an eventually consistent cluster: it knows who is alive and in which state, and who owns a key.
 *
 * The life of a node: create it, mount {@link Node.routes} in the server, {@link Node.start} it, declare it a participant with
 * {@link Node.changeState}, {@link Node.stop} it. While it runs, its timers keep the process alive.
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
  readonly #core: GossipCore;
  readonly #driver: Driver;
  readonly #joining: Joining;
  readonly #admission: Admission;
  readonly #view: View;
  readonly #metrics: NodeMetrics;
  readonly #reports: Reports;
  readonly #calls = new Calls();
  readonly #counted = new Tally();
  readonly #refused = new Tally();
  #observersFailed = 0;

  #phase: NodeHealth["phase"] = "created";
  #turn: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;
  readonly #hurry = new AbortController();

  /**
   * Creates a node at rest: nothing is sent, no timer runs, what arrives is refused.
   *
   * @throws {TypeError} When an option is missing, unknown, of the wrong kind, or contradicts another.
   * @throws {RangeError} When an option is outside its range. Every message names the option; nothing was started.
   */
  constructor(options: NodeOptions) {
    super();
    const resolved = resolveNodeOptions(options);
    const { name, advertiseAddr, clusterName, clock, transport, limits } = resolved;
    this.#options = resolved;
    this.#core = resolved.gossip.create({
      name,
      address: advertiseAddr,
      clusterName,
      generation: resolved.generation,
      random: resolved.random,
      now: clock.now(),
    });
    this.#reports = new Reports({ name, logger: resolved.logger, clock });
    const itself = { name, addr: advertiseAddr, self: true, state: this.#core.state };
    this.#view = new View([Object.freeze(itself)], resolved.sharder, {
      updateStarted: () => this.#metrics.updateStarted(),
      failed: (error) => {
        this.#observersFailed += 1;
        this.#reports.error("error", "an observer failed", error);
      },
    });
    const host = driverHost({
      view: this.#view,
      reports: this.#reports,
      metrics: () => this.#metrics,
      admission: () => this.#admission,
      counted: this.#counted,
      refused: this.#refused,
      silent: () => this.#phase === "stopping" || this.#phase === "stopped",
      dispatch: (event) => void this.dispatchEvent(event),
      deserted: () => this.#hurry.abort(nobodyLeft),
    });
    this.#driver = new Driver({ core: this.#core, transport, clock, host, ...limits });
    this.#metrics = metricsOf(resolved, {
      peers: () => this.#view.peers,
      gossip: () => this.#core.stats,
      observers: () => this.#view.followers,
      driver: () => this.#driver.stats,
    });
    this.#joining = new Joining(resolved, {
      reports: this.#reports,
      known: () => new Set(this.peers.map((peer) => peer.addr)),
      join: (addresses) => this.#driver.join(addresses),
    });
    this.#admission = new Admission({
      minClusterSize: resolved.minClusterSize,
      waitTimeoutMs: resolved.waitTimeoutMs,
      clock,
      onAdmitted: (admission) => {
        this.#reports.log("info", "the node was admitted", { ...admission });
        this.dispatchEvent(new CustomEvent("admitted", { detail: admission }));
      },
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
    return this.#core.state;
  }

  /** All members that the node believes in, sorted by name (bytewise), itself included. Frozen; a change makes a new list. */
  get peers(): readonly Peer[] {
    return this.#view.peers;
  }

  /**
   * Who owns what, for the members as they are now. Immutable: keep it to look several keys up in one view. Computed when first read
   * after a change, so that changes nobody looks at cost nothing.
   */
  get sharder(): Sharder {
    return this.#view.sharder;
  }

  /** Whether the node was admitted: it saw `minClusterSize` members once, or waited long enough. Losing members does not take it back. */
  get admitted(): boolean {
    return this.#admission.admitted;
  }

  /** Resolves when the node is admitted; rejects with {@link StoppedError} when it is stopped before. Wait for it before taking work. */
  get ready(): Promise<void> {
    return this.#admission.ready;
  }

  /** All numbers, now. */
  get stats(): NodeStats {
    return Object.freeze({
      gossip: this.#core.stats,
      driver: this.#driver.stats,
      transport: this.#options.transport.stats,
      counted: this.#counted.counts,
      refused: this.#refused.counts,
      observersFailed: this.#observersFailed,
    });
  }

  /** What the node thinks right now, as plain data for a status page. */
  get health(): NodeHealth {
    return healthOf(this.#options, {
      phase: this.#phase,
      state: this.#core.state,
      admitted: this.admitted,
      members: this.peers,
      healthScore: this.#core.stats.healthScore,
      discovery: this.#joining.health,
      lastError: this.#reports.lastError,
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
    return metricsRoutes(this.registry);
  }

  /** Where the node's metrics are registered. */
  get registry(): Registry {
    return this.#metrics.registry;
  }

  /**
   * Starts the node, and joins the cluster through `addresses` and what the `discovery` finds. May be repeated, to join through others;
   * it need not be, as the node goes on looking for missing members by itself.
   *
   * At most `maxJoinPeers` addresses are joined at once, picked at random; others are tried only when none of those answers. The own
   * address is left out: all nodes may be given one list. Addresses that only the discovery found may all fail: the node is then alone, and says so in the log.
   *
   * @param addresses `host:port` each; host names are resolved to all their addresses. `[]`: the node is the first one.
   * @param options Ends the waiting; the node stays started.
   * @throws {JoinError} When addresses were given, none the own one, and none, found ones included, could be joined. The node runs on and
   * keeps trying.
   * @throws {StoppedError} When the node is stopped, before or meanwhile.
   * @throws {TypeError} When an address is none. Nothing changed.
   */
  async start(addresses: readonly string[] = [], options: CallOptions = {}): Promise<void> {
    this.#requireRunning("start the node");
    options.signal?.throwIfAborted();
    const given = checkJoinAddresses(addresses);
    if (this.#phase === "created") {
      const { advertiseAddr, clusterName, minClusterSize } = this.#options;
      this.#driver.run();
      this.#phase = "started";
      this.#reports.log("info", "the node started", { advertiseAddr, clusterName });
      this.#admission.begin();
      if (!this.admitted) {
        this.#reports.log("info", "the node waits for the cluster's size", { minClusterSize });
      }
    }
    try {
      await this.#calls.run(
        "start the node",
        options,
        (scope) => this.#joining.start(given, scope),
      );
    } finally {
      if (this.#phase === "started") this.#joining.keepOn();
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
    this.#requireRunning(action);
    options.signal?.throwIfAborted();
    checkState(state);
    const before = this.#turn;
    const change = this.#calls.run(action, options, async (scope) => {
      await before;
      scope.throwIfAborted();
      this.#driver.run();
      const from = this.currentState;
      const propagated = this.#metrics.stateChangeStarted();
      try {
        await this.#driver.changeState(state);
        propagated();
      } catch (error) {
        if (error instanceof OperationError && error.reason === "illegalState") {
          throw new StateTransitionError(from, state);
        }
        throw error;
      }
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
    return this.#view.observe(observer);
  }

  /**
   * Iterates over the peer list: the current one, then the latest after each change. Slow consumers skip lists in between. Ends, without
   * an error, when the signal aborts or the node is stopped.
   */
  watch(options: CallOptions = {}): AsyncIterableIterator<readonly Peer[]> {
    return this.#view.watch(options);
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
    const hurry = () => this.#hurry.abort();
    if (signal?.aborted) hurry();
    signal?.addEventListener("abort", hurry, { once: true });
    this.#stopping ??= this.#stop();
    try {
      await this.#stopping;
    } finally {
      signal?.removeEventListener("abort", hurry);
    }
  }

  /** The same as {@link Node.stop}. */
  close(): Promise<void> {
    return this.stop();
  }

  /** The same as {@link Node.stop}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    this.#phase = "stopping";
    this.#view.end();
    this.#admission.close();
    this.#calls.stop();
    const rejoined = this.#joining.close();
    if (this.#driver.running) await this.#leave();
    try {
      await this.#driver.close(new StoppedError("finish the operation"));
    } catch (error) {
      this.#reports.error("warn", "the transport did not close well", error);
    }
    await rejoined;
    this.#metrics.close();
    this.#phase = "stopped";
    this.#reports.log("info", "the node stopped");
  }

  async #leave(): Promise<void> {
    const { clock, limits: { leaveTimeoutMs } } = this.#options;
    const cancel = clock.setTimer(leaveTimeoutMs, () => this.#hurry.abort());
    try {
      const leaving = this.#driver.leave();
      leaving.catch(() => {}); // settled by the driver's close at the latest
      await abortable(leaving, this.#hurry.signal);
    } catch (error) {
      if (error === nobodyLeft) return;
      this.#reports.error("warn", "the node left before the others were told", error);
    } finally {
      cancel();
    }
  }

  #requireRunning(action: string): void {
    if (this.#phase === "stopping" || this.#phase === "stopped") throw new StoppedError(action);
  }
}
