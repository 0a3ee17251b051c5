import type { Prng } from "../../../gossip/strategy.ts";
import { between, chance, oneOf } from "../../draw.ts";
import type { OperationKind, Result } from "../../linearizability/operation.ts";
import { Recorder, type Recording } from "../../linearizability/recorder.ts";
import type { Settings } from "../../protocol.ts";
import { encodeCommand } from "./key_value.ts";
import type { Group } from "./group.ts";
import type { Reply } from "./machine.ts";
import { slotOf } from "./mail.ts";
import { numberIn } from "./settings.ts";

/** What a client waits for an answer, milliseconds, before it asks again or gives up. */
const PATIENCE_MS = 2000;
const ATTEMPTS = 4;
/** Who cancels does so within this time. */
const CANCELLED_WITHIN_US = 30_000;

/** Clients of a group: each asks one thing at a time, and writes down what came of it. */
export class Clients {
  readonly recorder = new Recorder();
  /** By the id of an answered read: commands that its registers had seen. */
  readonly readAt = new Map<number, number>();
  /** Operations under way. */
  pending = 0;
  /** Whether they go on. */
  isOpen = true;
  /** Operations that were answered. */
  answered = 0;
  readonly #group: Group;
  readonly #settings: Settings;
  readonly #random: Prng;
  readonly #cancels: Prng;
  readonly #cancelled = new Set<number>();
  #value = 0;

  /** Begins with all clients, one after the other. */
  constructor(group: Group, settings: Settings) {
    this.#group = group;
    this.#settings = settings;
    this.#random = group.simulation.random("clients");
    this.#cancels = group.simulation.random("cancellations");
    for (let client = 0; client < numberIn(settings, "clients"); client++) {
      this.#think(client, 1);
    }
  }

  /** New clients ask one thing each. */
  askOnceMore(): void {
    for (let client = 100; client < 104; client++) this.#ask(client, 1);
  }

  /** Counts what took effect though nobody waited for it any more. */
  countCancelled(): void {
    for (const { operation } of this.#group.ledger.applied) {
      if (this.#cancelled.has(operation)) this.#group.count("cancelled command took effect");
    }
  }

  #think(client: number, sequence: number): void {
    const { simulation } = this.#group;
    const us = numberIn(this.#settings, "thinkMs") * 2000 * this.#random();
    simulation.at(simulation.now + Math.ceil(us) + 1, () => {
      if (this.isOpen) this.#ask(client, sequence);
    });
  }

  #ask(client: number, sequence: number): void {
    const random = this.#random;
    const { simulation } = this.#group;
    const key = `k${between(random, 0, numberIn(this.#settings, "keys") - 1)}`;
    const reads = chance(random, numberIn(this.#settings, "readShare"));
    const leased = this.#settings["leaseReads"] === true;
    const kind: OperationKind = reads
      ? oneOf<OperationKind>(
        random,
        [...(leased ? ["leaseRead"] as const : []), "leaderRead", "followerRead"],
      )
      : oneOf<OperationKind>(random, ["write", "cas", "append"]);
    const value = `${++this.#value}`;
    const argument = reads
      ? null
      : kind === "cas"
      ? [chance(random, 0.5) ? null : `${between(random, 1, this.#value)}`, value] as const
      : kind === "append"
      ? `${value.at(-1)}`
      // Now and then more than an entry may hold.
      : chance(random, 0.02)
      ? value.padEnd(400, "x")
      : value;
    const recording = this.recorder.invoke(client, kind, key, argument, simulation.now);
    this.pending++;
    let isMaybe = false;
    let isOver = false;
    let attempt = 0;
    const end = (act: () => void): void => {
      if (isOver) return;
      isOver = true;
      this.pending--;
      act();
      this.#think(client, sequence + 1);
    };
    const giveUp = (): void =>
      end(() => {
        if (isMaybe) recording.unknown(simulation.now);
        else recording.fail(simulation.now);
      });
    // Of what was cancelled nobody knows what becomes.
    if (this.#group.cancelPercent > 0 && this.#cancels() * 100 < this.#group.cancelPercent) {
      simulation.at(
        simulation.now + Math.ceil(this.#cancels() * CANCELLED_WITHIN_US),
        () =>
          end(() => {
            recording.unknown(simulation.now);
            this.#group.count(reads ? "read cancelled" : "command cancelled");
            if (!reads) this.#cancelled.add(recording.id);
          }),
      );
    }
    const command = encodeCommand({
      client,
      sequence,
      operation: recording.id,
      kind,
      key,
      argument,
    });
    const send = (slot: number): void => {
      const mine = ++attempt;
      const process = this.#group.at(slot);
      const again = (leader: string | undefined): void => {
        if (isOver || mine !== attempt) return;
        if (attempt >= ATTEMPTS) return giveUp();
        const next = leader === undefined ? this.#anySlot() : slotOf(leader);
        const waitUs = leader === undefined ? 100_000 : 1000;
        simulation.at(simulation.now + waitUs, () => {
          if (!isOver && mine === attempt) send(next);
        });
      };
      if (process === undefined) return again(undefined);
      const came = (reply: Reply): void => {
        if (isOver) return;
        if (reply.type === "done") {
          return end(() => this.#done(recording, { kind, reply, at: simulation.now }));
        }
        if (reply.type === "refused") return again(reply.leader);
        isMaybe = true;
        again(undefined);
      };
      // The answer takes its way, and may come after the next attempt.
      const later = (reply: Reply): void => {
        simulation.at(simulation.now + 500, () => came(reply));
      };
      if (reads) process.read(key, { byRound: kind === "leaderRead" }, later);
      else process.propose([command], later);
      simulation.at(simulation.now + PATIENCE_MS * 1000, () => {
        if (isOver || mine !== attempt) return;
        isMaybe = true;
        again(undefined);
      });
    };
    // Whoever believes that it leads: one that was deposed is asked as well.
    const leaders = this.#group.running.filter(({ seen }) => seen.role === "leader");
    const leader = leaders.length === 0 ? undefined : oneOf(random, leaders).slot;
    const isDirect = kind !== "followerRead" && leader !== undefined && chance(random, 0.9);
    send(isDirect ? leader : this.#anySlot());
  }

  #anySlot(): number {
    return between(this.#random, 0, this.#group.machines.length - 1);
  }

  #done(
    recording: Recording,
    { kind, reply, at }: {
      readonly kind: OperationKind;
      readonly reply: Extract<Reply, { type: "done" }>;
      readonly at: number;
    },
  ): void {
    this.answered++;
    if (kind === "write") return recording.ok(at);
    if (kind !== "cas" && kind !== "append") {
      this.readAt.set(recording.id, reply.at);
      this.#group.count(`answered: ${kind}`);
    }
    recording.ok(at, reply.answer as Result);
  }
}
