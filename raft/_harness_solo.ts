/**
 * One core against a script: messages in, effects out. For the rules that one message shows.
 *
 * @module
 */
import type { RaftEffect, RaftInput, Recovered } from "./contract.ts";
import { RaftCore } from "./core.ts";
import type { Entry, HardState, NodeId, Term } from "./entry.ts";
import { bytesOf, stateWith } from "./_harness.ts";
import type { Message } from "./message.ts";
import type { RaftOptions } from "./options.ts";

type Body<M> = M extends Message ? Omit<M, "to" | "from"> & { readonly from?: NodeId } : never;

/** What a {@link Solo} begins with. */
export interface SoloInit {
  /** Voters; the first is the core's. @default {["a", "b", "c"]} */
  readonly members?: readonly NodeId[];
  /** Terms of the entries after the configuration at 1/1. @default {[]} */
  readonly terms?: readonly Term[];
  readonly hard?: Partial<HardState>;
  readonly options?: RaftOptions;
  /** In place of `members`, `terms` and `hard`. */
  readonly recovered?: Recovered;
}

/** One core. Its writes are durable when {@link Solo.flush} says so; its state machine applies at once. */
export class Solo {
  readonly core: RaftCore;
  /** The last step's effects. */
  effects: readonly RaftEffect[] = [];
  now = 0;
  #token = 0;

  /** Starts at instant 0. Election timeouts are exactly 1.5 T. */
  constructor(
    { members = ["a", "b", "c"], terms = [], hard = {}, options = {}, recovered }: SoloInit = {},
  ) {
    this.core = new RaftCore({
      ...options,
      id: members[0]!,
      recovered: recovered ?? stateWith(members, terms, hard),
      random: () => 0.5,
      now: 0,
    });
    // What was committed before is applied first.
    this.step({ type: "timeout" });
  }

  /** One input; what it hands out is applied. */
  step(input: RaftInput): readonly RaftEffect[] {
    const effects = this.core.step(input, this.now);
    for (const effect of effects) {
      if (effect.type === "persist") this.#token = effect.token;
      if (effect.type === "apply") {
        this.core.step({ type: "applied", index: effect.entries.at(-1)!.index }, this.now);
      }
    }
    this.effects = effects;
    return effects;
  }

  /** A message, from `b` unless it says so. */
  receive(body: Body<Message>): readonly RaftEffect[] {
    const message = { from: "b", ...body, to: this.core.status.id } as Message;
    return message.type === "snapshot"
      ? this.step({ type: "snapshotReceived", message })
      : this.step({ type: "message", message });
  }

  /** All writes are durable. */
  flush(): readonly RaftEffect[] {
    return this.step({ type: "persisted", token: this.#token });
  }

  /** The clock goes on, and the timer fires. */
  wait(ms: number): readonly RaftEffect[] {
    this.now += ms;
    return this.step({ type: "timeout" });
  }

  /** Leads the next term by the votes of all others. @returns The effects of winning. */
  lead(): readonly RaftEffect[] {
    this.step({ type: "campaign" });
    const others = () => this.core.status.config.voters.filter((id) => id !== this.core.status.id);
    if (this.core.status.role === "preCandidate") {
      const term = this.core.status.term + 1;
      for (const from of others()) {
        if (this.core.status.role !== "preCandidate") break;
        this.receive({ type: "voteReply", from, term, preVote: true, granted: true });
      }
    }
    let won = this.flush();
    const { term } = this.core.status;
    for (const from of others()) {
      if (this.core.status.role !== "candidate") break;
      won = this.receive({ type: "voteReply", from, term, preVote: false, granted: true });
    }
    if (this.core.status.role !== "leader") throw new Error("The core does not lead");
    return won;
  }

  /** Leads, and has committed its no-op with `b`. */
  leadAndCommit(): void {
    this.lead();
    this.flush();
    this.acknowledge("b");
  }

  /** A follower holds all. */
  acknowledge(from: NodeId, index: number = this.core.status.lastIndex): readonly RaftEffect[] {
    return this.receive({
      type: "appendReply",
      from,
      term: this.core.status.term,
      rejected: false,
      index,
      hintIndex: 0,
      hintTerm: 0,
    });
  }

  /** Proposes commands. */
  propose(...texts: string[]): readonly RaftEffect[] {
    return this.step({ type: "propose", proposal: 1, commands: texts.map(bytesOf) });
  }

  /** An append of the leader `b`. */
  append(
    term: Term,
    prev: readonly [number, Term],
    terms: readonly Term[],
    commit = 0,
  ): readonly RaftEffect[] {
    return this.receive({
      type: "append",
      term,
      prevIndex: prev[0],
      prevTerm: prev[1],
      commit,
      entries: entriesAfter(prev[0], terms),
    });
  }
}

/** Commands of these terms after an index. */
export function entriesAfter(index: number, terms: readonly Term[]): Entry[] {
  return terms.map((term, i) => ({
    index: index + 1 + i,
    term,
    kind: "command",
    data: bytesOf(`${index + 1 + i}/${term}`),
  }));
}

/** The messages of one type that effects send. */
export function sent<T extends Message["type"]>(
  effects: readonly RaftEffect[],
  type: T,
): readonly Extract<Message, { type: T }>[] {
  return effects.flatMap((effect) =>
    effect.type === "send" && effect.message.type === type
      ? [effect.message as Extract<Message, { type: T }>]
      : []
  );
}

/** The effects of one type. */
export function of<T extends RaftEffect["type"]>(
  effects: readonly RaftEffect[],
  type: T,
): readonly Extract<RaftEffect, { type: T }>[] {
  return effects.filter((effect) => effect.type === type) as Extract<RaftEffect, { type: T }>[];
}

/** The types of effects and messages in their order, as `send:append`. */
export function order(effects: readonly RaftEffect[]): readonly string[] {
  return effects.map((e) => e.type === "send" ? `send:${e.message.type}` : e.type);
}
