import { decodeConfig } from "../../../raft/config.ts";
import type {
  ClusterConfig,
  Entry,
  Index,
  NodeId,
  SnapshotMeta,
  Term,
} from "../../../raft/entry.ts";
import type { AppliedCommand } from "../../linearizability/commit_order.ts";
import { ViolationError } from "../../violation.ts";
import { KeyValue } from "./key_value.ts";
import { overlapFault } from "./overlap.ts";

/** A position of the group's log, once committed anywhere. */
interface Committed {
  readonly entry: Entry;
  /** The term in which it was found to be committed. */
  readonly inTerm: Term;
  /** Digest of the registers after it. */
  readonly digest: number;
}

/** An entry as some node wrote it, and the term of its predecessor. */
interface Written {
  readonly entry: Entry;
  readonly prevTerm: Term;
}

/**
 * What is true of a whole run, whatever the nodes believe: every term's leader, every entry that was ever written, what is committed. All are
 * write-once.
 */
export class Ledger {
  /** The commands that took effect, in the order of the log. */
  readonly applied: AppliedCommand[] = [];
  /** The latest committed configuration. */
  config: ClusterConfig | undefined;
  readonly #leaders = new Map<Term, string>();
  readonly #votes = new Map<NodeId, Map<Term, NodeId>>();
  readonly #written = new Map<Index, Map<Term, Written>>();
  readonly #committed: Committed[] = [];
  readonly #model = new KeyValue();

  /** The last index that is committed anywhere. */
  get commit(): Index {
    return this.#committed.length;
  }

  /** The last term that anybody led. */
  lastLedTerm = 0;

  /** I1: a life leads a term; nobody else ever does, nor the same node in another life. */
  leads(term: Term, life: string): void {
    const known = this.#leaders.get(term);
    if (known !== undefined) {
      throw new ViolationError("election-safety", `${life} leads term ${term}, as ${known} did`);
    }
    this.#leaders.set(term, life);
    this.lastLedTerm = Math.max(this.lastLedTerm, term);
  }

  /** I8: a node gives its vote of a term to one candidate, whatever crashes between. */
  votes(node: NodeId, term: Term, candidate: NodeId): void {
    let votes = this.#votes.get(node);
    if (votes === undefined) this.#votes.set(node, votes = new Map());
    const known = votes.get(term);
    if (known !== undefined && known !== candidate) {
      throw new ViolationError(
        "one-vote",
        `${node} votes for ${candidate} in term ${term}, after it did for ${known}`,
      );
    }
    votes.set(term, candidate);
  }

  /** Whether a node is known to have given its vote of a term to a candidate. */
  voted(node: NodeId, term: Term, candidate: NodeId): boolean {
    return this.#votes.get(node)?.get(term) === candidate;
  }

  /** I3: equal index and term mean equal entries and, by induction, equal logs before them. */
  writes(node: NodeId, entry: Entry, prevTerm: Term): void {
    let terms = this.#written.get(entry.index);
    if (terms === undefined) this.#written.set(entry.index, terms = new Map());
    const known = terms.get(entry.term);
    if (known === undefined) {
      terms.set(entry.term, { entry, prevTerm });
    } else if (known.prevTerm !== prevTerm || !isEqual(known.entry, entry)) {
      throw new ViolationError(
        "log-matching",
        `${node} holds another entry ${entry.index} of term ${entry.term} than somebody else did` +
          (known.prevTerm === prevTerm ? "" : `, after term ${prevTerm} and not ${known.prevTerm}`),
      );
    }
  }

  /** I5: an index is committed once, with one entry. @returns Whether nobody knew. */
  commits(node: NodeId, entry: Entry, inTerm: Term): boolean {
    const { index, term } = entry;
    const known = this.#committed[index - 1];
    if (known !== undefined) {
      if (known.entry.term !== term || !isEqual(known.entry, entry)) {
        throw new ViolationError(
          "state-machine-safety",
          `${node} commits ${index} of term ${term}, which is committed of term ${known.entry.term}`,
        );
      }
      return false;
    }
    if (index !== this.#committed.length + 1) {
      throw new ViolationError("state-machine-safety", `${node} commits ${index} ahead of others`);
    }
    if (entry.kind === "command") {
      const done = this.#model.apply(entry.data);
      if (done?.isFresh) this.applied.push(done.command);
    } else if (entry.kind === "config") {
      const next = decodeConfig(entry.data);
      const fault = this.config && overlapFault(this.config, next);
      if (fault !== undefined) {
        throw new ViolationError("quorums-overlap", `the configuration at ${index}: ${fault}`);
      }
      this.config = next;
    }
    this.#committed.push({ entry, inTerm, digest: this.#model.digest });
    return true;
  }

  /** The last index that was committed in a term before this one. */
  committedBefore(term: Term): Index {
    let index = this.commit;
    while (index > 0 && this.#committed[index - 1]!.inTerm >= term) index--;
    return index;
  }

  /** The term of a committed index; 0 below the log. */
  committedTerm(index: Index): Term {
    return this.#committed[index - 1]?.entry.term ?? 0;
  }

  /** S1: a snapshot names the configuration as of its index. */
  snapshots(node: NodeId, { index, configIndex }: SnapshotMeta): void {
    let at = index;
    while (at > 0 && this.#committed[at - 1]?.entry.kind !== "config") at--;
    if (at !== configIndex) {
      throw new ViolationError(
        "snapshot-config",
        `${node} names the configuration at ${configIndex} in a snapshot at ${index}, in force is that at ${at}`,
      );
    }
  }

  /** I5, I13: whoever holds all up to an index holds the same, by entries or by a snapshot. */
  holds(node: NodeId, index: Index, digest: number): void {
    const known = this.#committed[index - 1];
    if (known === undefined) {
      throw new ViolationError("state-machine-safety", `${node} applied ${index}, not committed`);
    }
    if (known.digest !== digest) {
      throw new ViolationError("state-machines-equal", `${node} differs after ${index}`);
    }
  }
}

function isEqual(a: Entry, b: Entry): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || a.data.length !== b.data.length) return false;
  return a.data === b.data || a.data.every((byte, i) => byte === b.data[i]);
}
