import { ring } from "../shard/ring.ts";
import { type Cluster, clusterOf } from "./cluster.ts";
import type { Site } from "./fault.ts";
import { checkSharder } from "./invariants/sharders_agree.ts";
import type { Plan } from "./plan.ts";
import type { AnyProtocol, Bounds, Protocol, ProtocolWatcher } from "./protocol.ts";
import { SituationCounter } from "./situations.ts";
import { ViolationError, type ViolationKind } from "./violation.ts";

/** Options of {@link play}. */
export interface PlayOptions {
  /** Called with the world before anything happens, to watch it. */
  readonly prepare?: (cluster: Cluster) => void;
  /** Checks invariants and counts situations. Off: only what an end needs, for measurements. @default {true} */
  readonly checked?: boolean;
}

/** What became of a run. */
export interface Outcome {
  /** What did not hold; `undefined`: all held. */
  readonly violation: {
    readonly invariant: string;
    readonly kind: ViolationKind;
    readonly detail: string;
  } | undefined;
  /** Events until the end. */
  readonly step: number;
  /** Virtual instant of the end, milliseconds. */
  readonly atMs: number;
  /** From the end of the faults until all agreed, milliseconds; `undefined`: they did not. */
  readonly recoveredMs: number | undefined;
  /** Digest of all that happened. */
  readonly traceHash: string;
  /** How often what occurred. */
  readonly situations: ReadonlyMap<string, number>;
}

/** How long the views have to stay as they should be. */
const SETTLED_MS = 20_000;

/** Plays a plan of any protocol. */
export function playAny(protocol: AnyProtocol, plan: Plan): Outcome {
  return "play" in protocol ? protocol.play(plan) : play(protocol, plan);
}

/** Plays a plan from beginning to end. Equal plans have equal outcomes. */
export function play(protocol: Protocol, plan: Plan, options: PlayOptions = {}): Outcome {
  const cluster = clusterOf({
    seed: plan.seed,
    strategy: protocol.strategy(plan.settings),
    algorithm: ring({ tokens: 8 }),
    latencyMs: plan.latencyMs,
    rejoinIntervalMs: plan.rejoinIntervalMs,
    maxWaitingPackets: plan.maxWaitingPackets,
    checksummed: protocol.checksummed,
  });
  const situations = new SituationCounter(cluster);
  const watchers: ProtocolWatcher[] = [];
  if (options.checked ?? true) {
    // What occurred is counted before it is judged.
    cluster.watch(situations);
    const { settings } = plan;
    watchers.push(...protocol.watch({ cluster, settings, situations }));
    for (const watcher of watchers) cluster.watch(watcher);
  }
  options.prepare?.(cluster);
  let recoveredMs: number | undefined;
  let violation: Outcome["violation"];
  try {
    runFaults(protocol, plan, { cluster, situations });
    recoveredMs = recover(plan, cluster, { bounds: protocol.bounds(plan.settings), watchers });
  } catch (error) {
    if (!(error instanceof ViolationError)) throw error;
    violation = { invariant: error.invariant, kind: error.kind, detail: error.message };
  }
  const { simulation } = cluster;
  return {
    violation,
    step: simulation.events,
    atMs: simulation.now / 1000,
    recoveredMs,
    traceHash: simulation.trace.digest,
    situations: situations.hits,
  };
}

function runFaults(
  protocol: Protocol,
  plan: Plan,
  { cluster, situations }: { readonly cluster: Cluster; readonly situations: SituationCounter },
): void {
  const { simulation } = cluster;
  const random = simulation.random("faults");
  const wanted = new Set<number>();
  let over = false;
  // All have begun before the first fault.
  const bootEveryMs = Math.min(50, 5000 / plan.nodes);
  const width = String(plan.nodes - 1).length;
  for (let i = 0; i < plan.nodes; i++) {
    const { index } = cluster.slot({
      name: `n${String(i).padStart(width, "0")}`,
      clusterName: "sim",
    });
    wanted.add(index);
    if (plan.splitStart) cluster.slots[index]!.discoveryGroup = i < plan.nodes / 2 ? 1 : 2;
  }
  const later = (ms: number, run: () => void): void => {
    simulation.at(simulation.now + Math.round(ms * 1000), () => {
      if (!over) run();
    });
  };
  const boot: Site["boot"] = (index, start = {}) => {
    const running = cluster.running(index);
    if (running?.phase === "running") return;
    running?.crash();
    // Somebody else may live there by now.
    const { address = "same" } = start;
    const place = address === "same" ? cluster.slots[index]!.address : address;
    const taken = address !== "new" && cluster.network.at(place) !== undefined;
    const process = cluster.start(index, taken ? { address: "new" } : start);
    process.start(cluster.discover(index).slice(0, 3));
    if (index % 5 !== 4) process.changeState("participant");
  };
  for (let i = 0; i < plan.nodes; i++) later(i * bootEveryMs, () => boot(i));
  if (plan.splitStart) {
    later(plan.quietAtMs / 3, () => {
      for (const slot of cluster.slots) slot.discoveryGroup = 0;
    });
  }
  const ends: (() => void)[] = [];
  const site: Site = { cluster, nodes: plan.nodes, random, boot, wanted, later };
  for (const action of plan.actions) {
    const fault = protocol.faults.find(({ name }) => name === action.fault);
    if (fault === undefined) {
      throw new RangeError(`Cannot play a plan as there is no fault ${action.fault}`);
    }
    later(action.atMs, () => {
      let end = fault.begin(site, action);
      for (const life of cluster.alive()) if (life.effectsToLive > 0) situations.dying(life);
      if (end === undefined) return;
      const once = (): void => {
        end?.();
        end = undefined;
      };
      ends.push(once);
      simulation.at(simulation.now + action.forMs * 1000, once);
    });
  }
  simulation.run(plan.quietAtMs * 1000);
  over = true;
  for (const end of ends) end();
  cluster.network.skies.clear();
  for (const life of cluster.alive()) life.effectsToLive = 0;
  over = false;
  for (const index of wanted) boot(index);
  over = true;
  for (const slot of cluster.slots) {
    if (!wanted.has(slot.index) && slot.process?.phase === "running") slot.process.crash();
  }
}

function recover(
  plan: Plan,
  cluster: Cluster,
  { bounds, watchers }: { readonly bounds: Bounds; readonly watchers: readonly ProtocolWatcher[] },
): number {
  const { simulation } = cluster;
  const quietAt = simulation.now;
  const names = new Set(cluster.slots.map(({ name }) => name)).size;
  const boundMs = bounds.recoveryMs({ ...plan, names });
  const end = quietAt + Math.ceil(boundMs * 1000);
  let recoveredAt = quietAt;
  for (;;) {
    if (!cluster.converged() && !simulation.run(end, () => cluster.converged())) {
      throw new ViolationError(
        "converges",
        `not within ${Math.ceil(boundMs)} ms of quiet: ${cluster.disagreement()}`,
        "liveness",
      );
    }
    recoveredAt = simulation.now;
    const settled = recoveredAt + SETTLED_MS * 1000;
    if (!simulation.run(settled, () => !cluster.converged())) break;
  }
  for (const life of cluster.alive()) checkSharder(life);
  const drained = (): boolean => {
    for (const { stats } of cluster.alive()) if (stats.queuedBroadcasts > 0) return false;
    return watchers.every((watcher) => watcher.unsettled?.() === undefined);
  };
  const drainUs = bounds.drainMs(names) * 1000;
  let lookAt = 0;
  const quiet = drained() || simulation.run(simulation.now + drainUs, () => {
    if (simulation.now < lookAt) return false;
    lookAt = simulation.now + 1_000_000;
    return drained();
  });
  for (const watcher of quiet ? [] : watchers) {
    const left = watcher.unsettled?.();
    if (left !== undefined) throw new ViolationError(left.invariant, left.detail, "liveness");
  }
  for (const life of cluster.alive()) {
    if (!quiet && life.stats.queuedBroadcasts > 0 && life.peers.length > 1) {
      throw new ViolationError(
        "queues-drain",
        `${life.name} still spreads ${life.stats.queuedBroadcasts} broadcasts`,
        "liveness",
      );
    }
    if (life.pendingOperations > 1) {
      throw new ViolationError(
        "operations-end",
        `${life.name} waits for ${life.pendingOperations} operations`,
        "liveness",
      );
    }
  }
  return (recoveredAt - quietAt) / 1000;
}
