import type { NodeId } from "../../../raft/entry.ts";
import type { Plan } from "../../plan.ts";
import type { Group } from "./group.ts";
import { isQuorum } from "./overlap.ts";
import { numberIn } from "./settings.ts";

/**
 * A benign fault that stays when all others end: one slow disk, one member that is down, or one link that carries nothing in one direction. The
 * rest of the group has to live with it, as long as it is a quorum; else it is healed.
 */
export class LastingFault {
  /** Of whom nothing is asked. */
  readonly excused = new Set<NodeId>();
  readonly #group: Group;
  readonly #kind: string;
  readonly #slot: number;
  #heal: (() => void) | undefined;

  /** Begins it, on a founder that follows from the seed. */
  constructor(plan: Plan, group: Group) {
    this.#group = group;
    this.#slot = plan.seed % plan.nodes;
    const { settings } = plan;
    const isPatient = settings["preVote"] === true && settings["checkQuorum"] === true;
    const kind = String(settings["lasting"] ?? "");
    // Without pre-votes and quorum checks one who hears nothing deposes every leader (E10).
    this.#kind = kind === "oneWay" && !isPatient ? "" : kind;
    const machine = group.machines[this.#slot]!;
    if (this.#kind === "slowDisk") {
      machine.diskUs.sync = 3000 * numberIn(settings, "electionTimeoutMs");
      this.#excuse(() => machine.diskUs.sync = machine.diskUs.usualSync);
      // Or one that leads already would not have to be elected.
      group.crash(this.#slot);
      group.start(this.#slot);
    } else if (this.#kind === "crashed") {
      group.crash(this.#slot);
      this.#excuse(() => group.start(this.#slot));
    } else if (this.#kind === "oneWay") {
      const other = (this.#slot + 1) % plan.nodes;
      const [from, to] = plan.seed % 3 === 0 ? [other, this.#slot] : [this.#slot, other];
      const end = group.network.skies.begin({
        cut: true,
        covers: (a, b) => a === from && b === to,
      });
      this.#excuse(end);
      // Whichever of them leads, the other may be deaf to it.
      this.excused.add(group.machines[other]!.id);
    }
  }

  /** Heals it when the others are no quorum of the configuration that is in force anywhere. */
  settle(): void {
    if (this.#heal === undefined) return;
    const { id } = this.#group.machines[this.#slot]!;
    const others = (node: NodeId): boolean =>
      node !== id && !this.excused.has(node) && !this.#group.isLost(node);
    const { ledger, running } = this.#group;
    // One that is down may know of a later one than those who run: what is committed counts as well.
    const configs = [ledger.config!, ...running.map(({ status }) => status.config)]
      .filter(({ voters }) => voters.length > 0);
    if (configs.every((config) => isQuorum(config, others))) return;
    // Alone with its slow disk a voter still has to lead.
    const isAlone = configs.every(({ voters, votersOutgoing }) =>
      voters.length === 1 && voters[0] === id && votersOutgoing.length === 0
    );
    if (this.#kind === "slowDisk" && isAlone) return;
    this.heal();
  }

  /** Ends it. @returns Whether it was there. */
  heal(): boolean {
    if (this.#heal === undefined) return false;
    this.#heal();
    this.#heal = undefined;
    this.excused.clear();
    return true;
  }

  /** Counts that the group lived with it. */
  endured(): void {
    if (this.#heal !== undefined) this.#group.count(`recovered beside: ${this.#kind}`);
  }

  #excuse(heal: () => void): void {
    this.excused.add(this.#group.machines[this.#slot]!.id);
    this.#heal = heal;
  }
}
