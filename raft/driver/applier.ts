/**
 * Feeds the state machine: one job at a time, off the path of the protocol.
 *
 * @module
 */
import type { Entry, Index, SnapshotMeta, Term } from "../entry.ts";
import type { AppliedCommand, StateMachine } from "../state_machine.ts";
import { readU32, writeU32 } from "../wire/byte_writer.ts";
import { type CommandSession, decodeCommand, type LoggedSession } from "./command.ts";
import { jsonResults, type SessionLimits, Sessions, type SessionSlot } from "./sessions.ts";

/** The result of a command whose session is forgotten. */
export const SESSION_EXPIRED: unique symbol = Symbol("session expired");

/** Where the state machine stands. */
export interface AppliedPosition {
  readonly index: Index;
  readonly term: Term;
}

/** The chunks of a stored state. */
export interface StateSource extends AsyncIterable<Uint8Array> {
  /** Lets go of it. */
  close?(): Promise<void>;
}

/** A captured state. */
export interface Captured extends AppliedPosition {
  /** The state, behind the sessions. */
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** The sessions; goes first. */
  readonly head: Uint8Array;
}

/** Options of {@link Applier}. */
export interface ApplierOptions<Result> {
  readonly stateMachine: StateMachine<Result>;
  /** Commands handed over at a time, at most. */
  readonly maxBatchCommands: number;
  /** For tests: all members must have the same. */
  readonly sessionLimits?: SessionLimits;
  /** Entries were applied; `results` hold one for each, `undefined` for those that are no commands. */
  readonly applied: (
    entries: readonly Entry[],
    results: readonly (Result | typeof SESSION_EXPIRED | undefined)[],
  ) => void;
  /** The state was replaced. */
  readonly restored: (meta: SnapshotMeta) => void;
  /** A command with a session was applied, or found to have been. */
  readonly answered: (
    session: CommandSession,
    index: Index,
    result: Result | typeof SESSION_EXPIRED,
  ) => void;
  /** The state machine broke: it may be anything now. */
  readonly broken: (error: unknown) => void;
}

type Job =
  | { readonly type: "apply"; readonly entries: readonly Entry[] }
  | {
    readonly type: "restore";
    readonly meta: SnapshotMeta;
    readonly chunks: () => Promise<StateSource>;
  }
  | { readonly type: "capture"; readonly done: (captured: Captured) => void };

/** Applies, restores, captures. */
export class Applier<Result> {
  readonly #options: ApplierOptions<Result>;
  readonly #sessions: Sessions<Result>;
  #jobs: Job[] = [];
  #busy = false;
  #scheduled = false;
  #closed = false;
  #position: AppliedPosition = { index: 0, term: 0 };
  #waiting = 0;

  /** Creates an applier whose state machine is new. */
  constructor(options: ApplierOptions<Result>) {
    this.#options = options;
    this.#sessions = new Sessions(
      options.stateMachine.results ?? jsonResults(),
      options.sessionLimits,
    );
  }

  /** Where the state machine stands. */
  get position(): AppliedPosition {
    return this.#position;
  }

  /** Entries that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Clients with sessions. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Restores the state that the node begins with. @throws {Error} When it cannot be. */
  async begin(meta: SnapshotMeta, open: () => Promise<StateSource>): Promise<void> {
    const source = await open();
    try {
      const { head, rest } = await split(source);
      await this.#options.stateMachine.restore(rest);
      this.#sessions.restore(head);
    } finally {
      await source.close?.(); // a state machine need not read to the end
    }
    this.#position = { index: meta.index, term: meta.term };
  }

  /** Applies entries after what was handed over before. */
  push(entries: readonly Entry[]): void {
    this.#jobs.push({ type: "apply", entries });
    this.#waiting += entries.length;
    this.#schedule();
  }

  /** Replaces the state after what was handed over before. */
  restore(meta: SnapshotMeta, chunks: () => Promise<StateSource>): void {
    this.#jobs.push({ type: "restore", meta, chunks });
    this.#schedule();
  }

  /** Captures the state between two batches, as soon as possible. */
  capture(done: (captured: Captured) => void): void {
    this.#jobs.unshift({ type: "capture", done });
    this.#schedule();
  }

  /** Drops what waits. */
  close(): void {
    this.#closed = true;
    this.#jobs = [];
  }

  /** What the protocol still has to do in this turn goes first. */
  #schedule(): void {
    if (this.#busy || this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#run();
    });
  }

  #run(): void {
    while (!this.#busy && !this.#closed) {
      const job = this.#jobs.shift();
      if (job === undefined) return;
      try {
        if (job.type === "apply") this.#apply(this.#merged(job.entries));
        else if (job.type === "restore") this.#hold(this.#restore(job.meta, job.chunks));
        else this.#capture(job.done);
      } catch (error) {
        this.#break(error);
      }
    }
  }

  /** Joins what waits into batches of the most allowed. */
  #merged(first: readonly Entry[]): readonly Entry[] {
    const { maxBatchCommands } = this.#options;
    let entries = first;
    while (entries.length < maxBatchCommands) {
      const next = this.#jobs[0];
      if (next?.type !== "apply") break;
      this.#jobs.shift();
      entries = entries.concat(next.entries);
    }
    if (entries.length > maxBatchCommands) {
      this.#jobs.unshift({ type: "apply", entries: entries.slice(maxBatchCommands) });
      entries = entries.slice(0, maxBatchCommands);
    }
    return entries;
  }

  #apply(entries: readonly Entry[]): void {
    const commands: AppliedCommand[] = [];
    const results: (Result | typeof SESSION_EXPIRED | undefined)[] = new Array(entries.length);
    /** Where in `results` the result of each command goes. */
    const places: number[] = [];
    let sessions: Sessioned[] | undefined;
    /** Where in `results` the result of each slot goes. */
    const slots = new Map<SessionSlot, number>();
    for (let at = 0; at < entries.length; at++) {
      const { kind, data, index, term } = entries[at]!;
      if (kind !== "command") continue;
      if (data[0] === 0) {
        places.push(at);
        commands.push({ index, term, command: data.subarray(1) });
        continue;
      }
      const decoded = decodeCommand(data);
      if (decoded.type !== "session") continue;
      sessions ??= [];
      const { session } = decoded;
      const verdict = this.#sessions.look(session, index);
      switch (verdict.type) {
        case "new":
          slots.set(verdict.slot, at);
          sessions.push({ session, at, slot: verdict.slot });
          places.push(at);
          commands.push({ index, term, command: decoded.command });
          break;
        case "pending":
          // The same command twice in one batch: the second takes the first's result.
          sessions.push({ session, at, sameAs: slots.get(verdict.slot)! });
          break;
        default:
          results[at] = verdict.type === "repeated" ? verdict.result : SESSION_EXPIRED;
          sessions.push({ session, at });
      }
    }
    const finish = (outcome: readonly Result[]) => {
      if (outcome.length !== commands.length) {
        throw new RangeError(
          `Cannot apply as there must be one result a command: current value is ${outcome.length} for ${commands.length}`,
        );
      }
      for (let i = 0; i < places.length; i++) results[places[i]!] = outcome[i]!;
      const last = entries[entries.length - 1]!;
      this.#position = { index: last.index, term: last.term };
      this.#waiting -= entries.length;
      if (sessions !== undefined) this.#answer(sessions, entries, results);
      this.#options.applied(entries, results);
    };
    if (commands.length === 0) return finish([]);
    const outcome = this.#options.stateMachine.apply(commands);
    if (Array.isArray(outcome)) return finish(outcome);
    this.#hold((outcome as Promise<readonly Result[]>).then((results) => {
      if (!this.#closed) finish(results);
    }));
  }

  #answer(
    sessions: readonly Sessioned[],
    entries: readonly Entry[],
    results: (Result | typeof SESSION_EXPIRED | undefined)[],
  ): void {
    for (const { session, at, sameAs, slot } of sessions) {
      if (sameAs !== undefined) results[at] = results[sameAs];
      if (slot !== undefined) this.#sessions.fill(slot, results[at] as Result);
      this.#options.answered(
        session,
        entries[at]!.index,
        results[at] as Result | typeof SESSION_EXPIRED,
      );
    }
  }

  async #restore(
    meta: SnapshotMeta,
    open: () => Promise<StateSource>,
  ): Promise<void> {
    await this.begin(meta, open);
    if (!this.#closed) this.#options.restored(meta);
  }

  #capture(done: (captured: Captured) => void): void {
    const sessions = this.#sessions.encode();
    const head = new Uint8Array(4 + sessions.length);
    writeU32(head, 0, sessions.length);
    head.set(sessions, 4);
    done({ ...this.#position, head, chunks: this.#options.stateMachine.snapshot() });
  }

  /** Waits for a job. */
  #hold(job: Promise<void>): void {
    this.#busy = true;
    job.then(() => {
      this.#busy = false;
      this.#run();
    }, (error) => this.#break(error));
  }

  #break(error: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#options.broken(error);
  }
}

interface Sessioned {
  readonly session: LoggedSession;
  readonly at: number;
  /** Where the same command stands, earlier in the batch. */
  readonly sameAs?: number;
  /** Set for a command that is applied. */
  readonly slot?: SessionSlot;
}

/** Cuts a snapshot into the sessions and the state. */
async function split(
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ head: Uint8Array; rest: AsyncIterable<Uint8Array> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  let bytes = new Uint8Array(0);
  const fill = async (needed: number) => {
    while (bytes.length < needed) {
      const { done, value } = await iterator.next();
      if (done) throw new SyntaxError("Cannot restore a snapshot as it ends within its sessions");
      const grown = new Uint8Array(bytes.length + value.length);
      grown.set(bytes);
      grown.set(value, bytes.length);
      bytes = grown;
    }
  };
  await fill(4);
  const end = 4 + readU32(bytes, 0);
  await fill(end);
  const head = bytes.slice(4, end);
  const first = bytes.subarray(end);
  return {
    head,
    rest: {
      async *[Symbol.asyncIterator]() {
        try {
          if (first.length > 0) yield first;
          for (;;) {
            const { done, value } = await iterator.next();
            if (done) return;
            yield value;
          }
        } finally {
          await iterator.return?.();
        }
      },
    },
  };
}
