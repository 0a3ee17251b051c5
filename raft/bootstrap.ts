import type { Recovered } from "./contract.ts";
import { encodeConfig, frozenConfig } from "./config.ts";
import type { NodeId, SnapshotMeta } from "./entry.ts";

/** Who begins a group. */
export interface BootstrapMember {
  /** Its name. */
  readonly id: NodeId;
  /** Where it is reached. */
  readonly address: string;
  /** Whether it begins with a vote. @default {true} */
  readonly voter?: boolean;
}

/**
 * The state that every founding member of a group starts with: its configuration as the entry at index 1 of term 1, committed.
 * The same on all of them, in whatever order the members are given (C13). To be used only where nothing is stored yet; who
 * joins later starts with {@link blankState}.
 *
 * @example Usage
 * ```ts
 * import { bootstrapState } from "@ck/cluster/raft";
 * import { assertEquals } from "@std/assert";
 *
 * const a = bootstrapState([{ id: "a", address: "a:1" }, { id: "b", address: "b:1" }]);
 * const b = bootstrapState([{ id: "b", address: "b:1" }, { id: "a", address: "a:1" }]);
 * assertEquals(a, b);
 * ```
 *
 * @throws {TypeError} When names are doubled or malformed, or nobody has a vote.
 */
export function bootstrapState(members: Iterable<BootstrapMember>): Recovered {
  const data = encodeConfig(foundingConfig(members));
  return {
    hardState: { term: 1, votedFor: undefined, commit: 1 },
    snapshot: undefined,
    entries: [{ index: 1, term: 1, kind: "config", data }],
  };
}

/**
 * The state of founding members whose state machines already hold `snapshot`'s state, such as an import or a rescue. Each must
 * have the same one under the same meta, at an index of 1 or more.
 *
 * @throws {TypeError} As {@link bootstrapState}.
 */
export function bootstrapFromSnapshot(
  members: Iterable<BootstrapMember>,
  snapshot: Pick<SnapshotMeta, "index" | "term" | "id">,
): Recovered {
  const { index, term, id } = snapshot;
  return {
    hardState: { term, votedFor: undefined, commit: index },
    snapshot: { index, term, id, config: foundingConfig(members), configIndex: 0 },
    entries: [],
  };
}

/** The state of a node that waits to be taken into a group: it cannot elect itself. */
export function blankState(): Recovered {
  return {
    hardState: { term: 0, votedFor: undefined, commit: 0 },
    snapshot: undefined,
    entries: [],
  };
}

function foundingConfig(members: Iterable<BootstrapMember>): SnapshotMeta["config"] {
  const sorted = [...members].sort((a, b) => a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  if (!sorted.some(({ voter = true }) => voter)) {
    throw new TypeError("Cannot found a group as somebody must have a vote");
  }
  return frozenConfig({
    voters: sorted.filter(({ voter = true }) => voter).map(({ id }) => id),
    votersOutgoing: [],
    learners: sorted.filter(({ voter = true }) => !voter).map(({ id }) => id),
    learnersNext: [],
    autoLeave: false,
    addresses: sorted.map(({ id, address }) => [id, address] as const),
  });
}
