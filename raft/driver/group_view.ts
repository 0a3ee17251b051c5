/**
 * What a node was last told by its core: its role, who leads, who belongs to the group.
 *
 * @module
 */
import { isJoint } from "../config.ts";
import type { RaftEffect } from "../contract.ts";
import type { ClusterConfig, Index, NodeId, Term } from "../entry.ts";
import type { LeaderHint } from "../errors.ts";
import type { RaftNodeStatus } from "../node_status.ts";
import type { RaftStatus } from "../status.ts";

/** The group as one node sees it. */
export class GroupView {
  readonly #self: NodeId;
  role: RaftNodeStatus["role"] = "follower";
  term: Term;
  leader: NodeId | undefined;
  /** In force. */
  config: ClusterConfig;
  configIndex: Index;
  configCommitted: boolean;
  addresses: ReadonlyMap<NodeId, string>;
  #waiters: { readonly after: Index; readonly resolve: () => void }[] = [];

  /** Begins as the core does. */
  constructor(initial: RaftStatus) {
    this.#self = initial.id;
    this.term = initial.term;
    this.config = initial.config;
    this.configIndex = initial.configIndex;
    this.configCommitted = initial.isConfigCommitted;
    this.addresses = new Map(initial.config.addresses);
  }

  /** Where another one leads, if that is known. */
  get hint(): LeaderHint | undefined {
    const id = this.leader;
    return id === undefined || id === this.#self
      ? undefined
      : Object.freeze({ id, address: this.addresses.get(id) });
  }

  /** The role, the term or the leader changed. */
  changeRole({ role, term, leader }: Extract<RaftEffect, { type: "role" }>): void {
    this.role = role;
    this.term = term;
    this.leader = leader;
  }

  /** Another configuration is in force, or it was committed. */
  changeConfig({ config, index, committed }: Extract<RaftEffect, { type: "config" }>): void {
    this.config = config;
    this.configIndex = index;
    this.configCommitted = committed;
    this.addresses = new Map(config.addresses);
    if (!committed || isJoint(config)) return;
    const waiters = this.#waiters;
    this.#waiters = waiters.filter(({ after }) => index <= after);
    for (const { after, resolve } of waiters) if (index > after) resolve();
  }

  /** Calls back once a configuration after this index is committed and not joint, or the node ends. Returns what takes that back. */
  whenLeftJoint(after: Index, resolve: () => void): () => void {
    const waiter = { after, resolve };
    this.#waiters.push(waiter);
    return () => {
      this.#waiters = this.#waiters.filter((one) => one !== waiter);
    };
  }

  /** The node takes part no more. */
  end(role: "halted" | "closed"): void {
    this.role = role;
    if (role === "halted") this.leader = undefined;
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }
}
