import type { Persist } from "../../../raft/log_store.ts";
import { decodeConfig } from "../../../raft/config.ts";
import type {
  ClusterConfig,
  Entry,
  HardState,
  Index,
  SnapshotMeta,
  Term,
} from "../../../raft/entry.ts";
import type { Recovered } from "../../../raft/contract.ts";

/** What a log means after some writes: one of those that were issued, one of those that are durable. Shares entries with the core. */
export class LogModel {
  /** Term, vote, commit. */
  hard: HardState;
  /** The latest mark. */
  snapshot: SnapshotMeta | undefined;
  /** The index before the first entry. */
  base: Index;
  /** Its term, if known. */
  #baseTerm: Term;
  #entries: Entry[];

  /** Begins with what a store gave back. */
  constructor({ hardState, snapshot, entries }: Recovered) {
    this.hard = hardState;
    this.snapshot = snapshot;
    this.#entries = [...entries];
    this.base = entries[0] === undefined ? snapshot?.index ?? 0 : entries[0].index - 1;
    this.#baseTerm = this.base === snapshot?.index ? snapshot.term : 0;
  }

  /** The index of the last entry. */
  get last(): Index {
    return this.base + this.#entries.length;
  }

  /** The term of the last entry. */
  get lastTerm(): Term {
    return this.#entries.at(-1)?.term ?? this.#baseTerm;
  }

  /** The term at an index, if held. */
  term(index: Index): Term | undefined {
    if (index === this.base) return this.#baseTerm;
    return this.#entries[index - this.base - 1]?.term;
  }

  /** The entry at an index, if held. */
  entry(index: Index): Entry | undefined {
    return this.#entries[index - this.base - 1];
  }

  /** Whether an entry is held, as itself or within a snapshot. */
  holds(index: Index, term: Term): boolean {
    return this.term(index) === term || (this.snapshot?.index ?? 0) >= index;
  }

  /** All configurations that it names. */
  get configs(): readonly ClusterConfig[] {
    const entries = this.#entries.filter(({ kind }) => kind === "config");
    const placed = entries.map(({ data }) => decodeConfig(data));
    return this.snapshot === undefined ? placed : [this.snapshot.config, ...placed];
  }

  /** Performs a write. @returns Whether its entries connect. */
  write(effect: Persist): boolean {
    if (effect.resetLog && effect.snapshot !== undefined) {
      this.#entries = [];
      this.base = effect.snapshot.index;
      this.#baseTerm = effect.snapshot.term;
    }
    if (effect.truncateFrom !== undefined) {
      this.#entries.length = Math.max(0, effect.truncateFrom - this.base - 1);
    }
    const connects = effect.entries.length === 0 || effect.entries[0]!.index === this.last + 1;
    for (const entry of effect.entries) this.#entries.push(entry);
    if (effect.hardState !== undefined) this.hard = effect.hardState;
    if (effect.snapshot !== undefined) this.snapshot = effect.snapshot;
    return connects;
  }

  /** Drops what is before. */
  compact(through: Index): void {
    if (through <= this.base || through > this.last) return;
    this.#baseTerm = this.term(through)!;
    this.#entries = this.#entries.slice(through - this.base);
    this.base = through;
  }

  /** The same again. */
  copy(): LogModel {
    const copy = new LogModel({
      hardState: this.hard,
      snapshot: this.snapshot,
      entries: this.#entries,
    });
    copy.base = this.base;
    copy.#baseTerm = this.#baseTerm;
    return copy;
  }

  /** What tells two logs apart, but for what compaction may leave or take, and the commit index, which is a hint. */
  get signature(): string {
    const { term, votedFor } = this.hard;
    return [term, votedFor ?? "–", this.last, this.lastTerm].join(" ");
  }
}
