import { isMember } from "../../../raft/config.ts";
import type { ClusterConfig, Index, NodeId } from "../../../raft/entry.ts";
import type { RaftStatus } from "../../../raft/status.ts";
import type { Surroundings } from "./machine.ts";
import type { RaftProcess } from "./raft_process.ts";

/** A change that a leader has appended. */
interface AppendedChange {
  /** The leader. */
  readonly id: NodeId;
  /** Whether the network is cut anywhere. */
  readonly isParted: boolean;
  readonly before: ClusterConfig;
  readonly after: ClusterConfig;
}

/** The configurations that one life adopts. */
export class Changes {
  #before: { readonly config: ClusterConfig; readonly index: Index };
  readonly #world: Surroundings;

  /** Begins with what a start found. */
  constructor({ config, configIndex }: RaftStatus, world: Surroundings) {
    this.#before = { config, index: configIndex };
    this.#world = world;
  }

  /** Another one is in force. */
  changed(
    { config, index }: { readonly config: ClusterConfig; readonly index: Index },
    { id, status: { term, role }, machine, issued }: RaftProcess,
  ): void {
    const { met, count, isParted } = this.#world;
    const before = this.#before;
    this.#before = { config, index };
    machine.storages.changed(config, index, met);
    if (role !== "leader") return;
    const change = { id, isParted: isParted(), before: before.config, after: config };
    for (const situation of changeSituations(change)) count(situation);
    const isOlder = (issued.term(before.index) ?? term) < term;
    if (before.config.autoLeave && !config.autoLeave && isOlder) count("auto-leave retried");
  }
}

/** What a change of the group is, as situations. */
function changeSituations({ id, isParted, before, after }: AppendedChange): string[] {
  const votes = (config: ClusterConfig, node: NodeId): boolean => config.voters.includes(node);
  const gone = before.voters.filter((node) => !votes(after, node));
  const stays = (node: NodeId): boolean =>
    after.learners.includes(node) || after.learnersNext.includes(node);
  const situations: string[] = [];
  if (isParted) situations.push("group changed during a partition");
  for (const node of gone) {
    const who = node === id ? "leader" : "member";
    situations.push(`${who} ${stays(node) ? "demoted" : "removed"}`);
  }
  const isNew = after.voters.some((node) => !isMember(before, node));
  if (isNew && gone.some((node) => !stays(node))) situations.push("member replaced");
  return situations;
}
