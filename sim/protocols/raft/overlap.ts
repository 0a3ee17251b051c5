import { membersOf } from "../../../raft/config.ts";
import type { ClusterConfig, NodeId } from "../../../raft/entry.ts";

/** Whether some members decide, in both halves while joint. */
export function isQuorum(config: ClusterConfig, has: (id: NodeId) => boolean): boolean {
  const majority = (ids: readonly NodeId[]): boolean =>
    ids.length === 0 || ids.filter(has).length * 2 > ids.length;
  return majority(config.voters) && majority(config.votersOutgoing);
}

/** I10: what is wrong with one configuration after another: two quorums without a common member, or somebody who is two things. */
export function overlapFault(before: ClusterConfig, after: ClusterConfig): string | undefined {
  const twice = after.learners.find((id) =>
    after.voters.includes(id) || after.votersOutgoing.includes(id)
  );
  if (twice !== undefined) return `${twice} is voter and learner`;
  if (after.voters.length === 0) return "nobody votes";
  const all = [...new Set([...membersOf(before), ...membersOf(after)])];
  for (let some = 0; some < 1 << all.length; some++) {
    const within = (id: NodeId): boolean => (some >> all.indexOf(id) & 1) === 1;
    if (isQuorum(before, within) && isQuorum(after, (id) => !within(id))) {
      return `quorums that share nobody, as ${
        JSON.stringify([before.voters, before.votersOutgoing])
      } ` +
        `becomes ${JSON.stringify([after.voters, after.votersOutgoing])}`;
    }
  }
  return undefined;
}
