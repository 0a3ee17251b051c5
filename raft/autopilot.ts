/**
 * Keeps a group in shape without a human: gives votes to members that caught up, takes out those that are dead, spreads votes over zones.
 * A layer above the protocol: it looks at the leader's status and asks for changes of the configuration that it saw, nothing more.
 *
 * @module
 */
import { type Clock, systemClock } from "../membership/clock.ts";
import { type LogFields, type Logger, logtape } from "../membership/logger.ts";
import type { MemberChange } from "./contract.ts";
import type { ClusterConfig, Index, NodeId } from "./entry.ts";
import type { RaftNode } from "./raft_node.ts";
import type { MemberProgress } from "./status.ts";

/** Options of {@link Autopilot}. All times in milliseconds. */
export interface AutopilotOptions {
  /** The node to look after. Every member may have an autopilot: only the leader's acts. */
  readonly node: Pick<RaftNode, "status" | "changeMembership">;
  /** How often to look. @default {1000} */
  readonly intervalMs?: number;
  /** How long a learner must have been healthy to get a vote. @default {10000} */
  readonly stabilizationMs?: number;
  /** Silence up to which a member counts as healthy. @default {1000} */
  readonly maxSilenceMs?: number;
  /** Entries behind the commit index up to which a member counts as caught up. @default {1000} */
  readonly maxTrailingEntries?: number;
  /** Silence after which a member is taken out; `Infinity`: never. @default {Infinity} */
  readonly deadAfterMs?: number;
  /** Voters that are never fallen below by taking dead ones out. @default {3} */
  readonly minVoters?: number;
  /**
   * The zone of a member: then each zone has one voter, and a healthy learner of the zone takes the place of a voter that is not.
   * `undefined` for a member without a zone. Default: no zones, every healthy learner gets a vote.
   */
  readonly zoneOf?: (id: NodeId) => string | undefined;
  /** Which learners may get a vote at all. Default: all. */
  readonly mayVote?: (id: NodeId) => boolean;
  /** Hears of every change that was made or failed. */
  readonly onChange?: (changes: readonly MemberChange[], error: unknown) => void;
  /** Where to complain about a callback that threw. @default {logtape()} */
  readonly logger?: Logger;
  /** Monotonic time. @default {systemClock()} */
  readonly clock?: Clock;
}

export type { Clock, LogFields, Logger };

/** What an autopilot knows of a member. */
export interface MemberHealth {
  /** Whether it is heard from and caught up. */
  readonly healthy: boolean;
  /** Since which instant that is so. */
  readonly since: number;
  /** When it was last heard from. */
  readonly heardAt: number;
}

/** What {@link decide} needs to know. */
export interface AutopilotView {
  /** The leader. */
  readonly self: NodeId;
  /** The configuration in force. */
  readonly config: ClusterConfig;
  /** What is known of the others. */
  readonly health: ReadonlyMap<NodeId, MemberHealth>;
  /** The instant. */
  readonly now: number;
}

/** Rules of {@link decide}; see {@link AutopilotOptions}. */
export type AutopilotRules =
  & Required<Pick<AutopilotOptions, "stabilizationMs" | "deadAfterMs" | "minVoters">>
  & Pick<AutopilotOptions, "zoneOf" | "mayVote">;

/**
 * Says what to change, one thing at a time: votes first, as they make the group safer, then the dead.
 *
 * A dead voter is taken out only as long as the voters that are left are a majority of the present ones by themselves and at least
 * `minVoters`: an autopilot never turns a partition into a smaller group.
 *
 * @returns The changes to ask for as one step; none when all is well, or a joint phase is under way.
 */
export function decide(view: AutopilotView, rules: AutopilotRules): readonly MemberChange[] {
  const { config, health, now } = view;
  if (config.votersOutgoing.length > 0) return [];
  const addresses = new Map(config.addresses);
  const zoneOf = rules.zoneOf ?? (() => undefined);
  const isHealthy = (id: NodeId) => id === view.self || health.get(id)?.healthy === true;
  const isDead = (id: NodeId) => {
    const known = health.get(id);
    return id !== view.self && known !== undefined && now - known.heardAt >= rules.deadAfterMs;
  };
  const promote = (id: NodeId): MemberChange => ({
    type: "addVoter",
    id,
    address: addresses.get(id) ?? "",
  });

  for (const learner of config.learners) {
    const known = health.get(learner);
    const stable = known?.healthy === true && now - known.since >= rules.stabilizationMs;
    if (!stable || rules.mayVote?.(learner) === false) continue;
    const zone = zoneOf(learner);
    const rival = zone === undefined
      ? undefined
      : config.voters.find((voter) => zoneOf(voter) === zone);
    if (rival === undefined) return [promote(learner)];
    if (!isHealthy(rival)) {
      return [promote(learner), {
        type: "addLearner",
        id: rival,
        address: addresses.get(rival) ?? "",
      }];
    }
  }

  for (const learner of config.learners) {
    if (isDead(learner)) return [{ type: "remove", id: learner }];
  }
  const alive = config.voters.filter((voter) => !isDead(voter));
  const dead = config.voters.filter(isDead);
  const enough = alive.length > config.voters.length / 2;
  if (dead.length > 0 && enough && config.voters.length - 1 >= rules.minVoters) {
    return [{ type: "remove", id: dead[0]! }];
  }
  return [];
}

/**
 * Looks after a group. Close it with its node.
 *
 * @example Usage
 * ```ts
 * import { Autopilot, decide } from "@ck/cluster/raft/autopilot";
 * import { assertEquals } from "@std/assert";
 *
 * // In a program: `await using autopilot = new Autopilot({ node, deadAfterMs: 300_000 });`. What it would do is a pure function:
 * const changes = decide({
 *   self: "a",
 *   now: 60_000,
 *   config: {
 *     voters: ["a", "b", "c"],
 *     votersOutgoing: [],
 *     learners: ["d"],
 *     learnersNext: [],
 *     autoLeave: false,
 *     addresses: [["a", "a:1"], ["b", "b:1"], ["c", "c:1"], ["d", "d:1"]],
 *   },
 *   health: new Map([["d", { healthy: true, since: 20_000, heardAt: 60_000 }]]),
 * }, { stabilizationMs: 10_000, deadAfterMs: Infinity, minVoters: 3 });
 * assertEquals(changes, [{ type: "addVoter", id: "d", address: "d:1" }]);
 * assertEquals(typeof Autopilot, "function");
 * ```
 */
export class Autopilot implements AsyncDisposable {
  readonly #options: AutopilotOptions;
  readonly #clock: Clock;
  readonly #health = new Map<NodeId, MemberHealth>();
  #reign = 0;
  #cancel: () => void = () => {};
  #looking: Promise<void> = Promise.resolve();
  #closed = false;

  /** Begins to look. */
  constructor(options: AutopilotOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock();
    this.#arm();
  }

  /** What it knows of the members; empty where the node does not lead. */
  get health(): ReadonlyMap<NodeId, MemberHealth> {
    return this.#health;
  }

  /** Looks once, and changes what has to be changed. Happens by itself. Rejects with what a callback throws. */
  async look(): Promise<void> {
    const { node, maxTrailingEntries = 1_000, onChange } = this.#options;
    const status = node.status;
    if (status.role !== "leader") {
      this.#health.clear();
      return;
    }
    // What another reign saw is stale: begin anew, so that nobody is dead before its time.
    if (status.term !== this.#reign) {
      this.#health.clear();
      this.#reign = status.term;
    }
    const now = this.#clock.now();
    const present = new Set<NodeId>();
    for (const peer of status.peers) {
      if (peer.isDeparting) continue;
      present.add(peer.id);
      this.#note(peer, status.commitIndex - maxTrailingEntries, now);
    }
    for (const id of this.#health.keys()) if (!present.has(id)) this.#health.delete(id);
    if (!status.configCommitted) return;
    const changes = decide({
      self: status.id,
      config: status.config,
      health: this.#health,
      now,
    }, {
      stabilizationMs: this.#options.stabilizationMs ?? 10_000,
      deadAfterMs: this.#options.deadAfterMs ?? Infinity,
      minVoters: this.#options.minVoters ?? 3,
      ...(this.#options.zoneOf && { zoneOf: this.#options.zoneOf }),
      ...(this.#options.mayVote && { mayVote: this.#options.mayVote }),
    });
    if (changes.length === 0) return;
    let failure: unknown;
    try {
      await node.changeMembership(changes, { expectedConfigIndex: status.configIndex });
    } catch (error) {
      failure = error; // the next look sees what became of it
    }
    onChange?.(changes, failure);
  }

  /** Looks no more. A change under way goes on. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#looking;
  }

  /** The same as {@link Autopilot.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #arm(): void {
    if (this.#closed) return;
    this.#cancel = this.#clock.setTimer(this.#options.intervalMs ?? 1_000, () => {
      // What throws is the caller's, `zoneOf` or `onChange`; the group is looked after all the same.
      this.#looking = this.look().catch((error) => this.#complain(error)).then(() => this.#arm());
    });
  }

  #complain(error: unknown): void {
    (this.#options.logger ?? logtape()).error("the autopilot's callback threw", { error });
  }

  #note({ id, silentMs, match }: MemberProgress, caughtUp: Index, now: number): void {
    const healthy = silentMs <= (this.#options.maxSilenceMs ?? 1_000) && match >= caughtUp;
    const before = this.#health.get(id);
    this.#health.set(id, {
      healthy,
      since: before?.healthy === healthy ? before.since : now,
      // A reign begins without having heard anybody: silence counts from there.
      heardAt: before === undefined ? now : Math.max(before.heardAt, now - silentMs),
    });
  }
}
