import type { Entry, Index, NodeId, Term } from "../../../raft/entry.ts";
import type { RaftEffect } from "../../../raft/contract.ts";
import { ViolationError } from "../../violation.ts";
import type { Answer, KeyValue } from "./key_value.ts";
import type { Reply } from "./machine.ts";

type Effect<T extends RaftEffect["type"]> = Extract<RaftEffect, { readonly type: T }>;

interface Waiting {
  readonly term: Term;
  readonly reply: (reply: Reply) => void;
}

interface Reading {
  readonly key: string;
  /** What was committed anywhere when it was asked for. */
  readonly commit: Index;
  readonly reply: (reply: Reply) => void;
}

/** Who waits at one life for what becomes of a command or a read. */
export class Callers {
  readonly #id: NodeId;
  readonly #registers: KeyValue;
  readonly #leader: () => NodeId | undefined;
  readonly #proposals = new Map<number, (reply: Reply) => void>();
  readonly #waiting = new Map<Index, Waiting>();
  readonly #reads = new Map<number, Reading>();
  #ready: { readonly index: Index; readonly reading: Reading }[] = [];

  /** Begins with nobody. */
  constructor(id: NodeId, registers: KeyValue, leader: () => NodeId | undefined) {
    this.#id = id;
    this.#registers = registers;
    this.#leader = leader;
  }

  /** Somebody proposes. */
  proposes(proposal: number, reply: (reply: Reply) => void): void {
    this.#proposals.set(proposal, reply);
  }

  /** Somebody reads. */
  reads(read: number, reading: Reading): void {
    this.#reads.set(read, reading);
  }

  /** A command stands in the log. */
  proposed({ proposal, firstIndex, term }: Effect<"proposed">): void {
    const reply = this.#proposals.get(proposal);
    this.#proposals.delete(proposal);
    if (reply === undefined) return;
    // A place that is written again has lost what waited there: whether it is committed elsewhere is not known here.
    this.#waiting.get(firstIndex)?.reply({ type: "unknown" });
    this.#waiting.set(firstIndex, { term, reply });
  }

  /** It does not. */
  rejected({ proposal, leader, reason }: Effect<"rejected">): void {
    this.#proposals.get(proposal)?.({ type: "refused", leader, reason });
    this.#proposals.delete(proposal);
  }

  /** A read may be answered. @throws {ViolationError} When it would miss what was committed before it was asked. */
  readReady({ read, index }: Effect<"readReady">): void {
    const reading = this.#reads.get(read);
    this.#reads.delete(read);
    if (reading === undefined) return;
    if (index < reading.commit) {
      throw new ViolationError(
        "read-covers-commits",
        `${this.#id} reads at ${index}, ${reading.commit} was committed before it was asked`,
      );
    }
    this.#ready.push({ index, reading });
  }

  /** It may not. */
  readFailed({ read, reason }: Effect<"readFailed">): void {
    this.#reads.get(read)?.reply({ type: "refused", leader: this.#leader(), reason });
    this.#reads.delete(read);
  }

  /** An entry was applied. @returns Whether somebody waited there for another one. */
  applied({ index, term }: Entry, done: { readonly answer: Answer } | undefined): boolean {
    const waiting = this.#waiting.get(index);
    if (waiting === undefined) return false;
    this.#waiting.delete(index);
    if (waiting.term !== term || done === undefined) {
      waiting.reply({ type: "refused", leader: this.#leader(), reason: "dropped" });
      return true;
    }
    waiting.reply({ type: "done", answer: done.answer, at: this.#registers.effective });
    return false;
  }

  /** A snapshot took the place of all up to an index. */
  restored(through: Index): void {
    for (const [index, { reply }] of this.#waiting) {
      if (index > through) continue;
      this.#waiting.delete(index);
      reply({ type: "unknown" });
    }
  }

  /** Answers reads that the registers have got to. */
  serve(applied: Index): void {
    if (this.#ready.length === 0) return;
    const due = this.#ready.filter(({ index }) => index <= applied);
    this.#ready = this.#ready.filter(({ index }) => index > applied);
    for (const { reading: { key, reply } } of due) {
      const answer = this.#registers.read(key) as Answer;
      reply({ type: "done", answer, at: this.#registers.effective });
    }
  }

  /** The process died: nobody knows. */
  end(): void {
    for (const reply of this.#proposals.values()) reply({ type: "unknown" });
    for (const { reply } of this.#waiting.values()) reply({ type: "unknown" });
    for (const { reply } of this.#reads.values()) reply({ type: "unknown" });
    for (const { reading } of this.#ready) reading.reply({ type: "unknown" });
  }
}
