import { isMember } from "../../../raft/config.ts";
import type { MemberStorages } from "../../../raft/driver/member_storages.ts";
import type { NodeId } from "../../../raft/entry.ts";
import type { Message } from "../../../raft/message.ts";
import type { Prng } from "../../../gossip/strategy.ts";
import { between } from "../../draw.ts";
import type { Plan } from "../../plan.ts";
import type { Simulation } from "../../simulation.ts";
import { Skies } from "../../weather.ts";
import type { StoredSnapshot, Surroundings } from "./machine.ts";
import type { RaftProcess } from "./raft_process.ts";
import { numberIn } from "./settings.ts";
import { corrupted, overTheWire } from "./wire.ts";

/** Messages that are kept to be heard again. */
const HOARD = 300;

/** A message on its way. */
export interface Sent {
  readonly message: Message;
  /** The sender's disk, and what it knows of those of others. */
  readonly storage: string;
  readonly storages: MemberStorages;
  readonly atUs: number;
  /** The lives of the sender and of the receiver at that instant. */
  readonly lives: readonly [string, string | undefined];
}

/** Who is there. */
export interface Addressees {
  /** Who runs on a machine as what it is. */
  readonly at: (slot: number) => RaftProcess | undefined;
  /** Who answers to its name. */
  readonly hears: (slot: number) => RaftProcess | undefined;
  readonly count: (situation: string) => void;
}

/** The slot of a machine. */
export function slotOf(id: NodeId): number {
  return Number(id.slice(1));
}

/** The network of a group. */
export class Mail {
  readonly skies: Skies;
  /** Messages that are heard again at some other time, while there is one. */
  hoard: Sent[] | undefined;
  readonly #simulation: Simulation;
  readonly #who: Addressees;
  readonly #random: Prng;
  readonly #hoarding: Prng;
  readonly #latencyMs: Plan["latencyMs"];
  /** Whether messages pass through the codec. */
  readonly #isEncoded: boolean;
  #latePercent: number;
  readonly #latestUs: number;

  /** Begins fair. */
  constructor(plan: Plan, simulation: Simulation, who: Addressees) {
    this.#simulation = simulation;
    this.#who = who;
    this.#latencyMs = plan.latencyMs;
    // They stop with all else that is bad.
    this.#latePercent = numberIn(plan.settings, "lateReplies");
    this.#latestUs = numberIn(plan.settings, "electionTimeoutMs") * 4000;
    simulation.at(plan.quietAtMs * 1000, () => this.#latePercent = 0);
    this.#isEncoded = plan.settings["encoded"] === true;
    this.#random = simulation.random("network");
    this.#hoarding = simulation.random("hoard");
    this.skies = new Skies(simulation.random("weather"), () => simulation.now);
  }

  #latencyUs(): number {
    const [least, most] = this.#latencyMs;
    return between(this.#random, least * 1000, most * 1000);
  }

  /** A message leaves. */
  send(from: RaftProcess, sent: Message): void {
    const { storage, storages } = from.machine;
    const message = this.#isEncoded ? overTheWire(sent) : sent;
    const to = slotOf(message.to);
    const heard = this.#who.at(to)?.life;
    const packet = {
      message,
      storage,
      storages,
      atUs: this.#simulation.now,
      lives: [from.life, heard],
    } as const;
    this.#hoards(packet);
    const { trace } = this.#simulation;
    trace.integer(from.slot * 64 + to);
    trace.text(message.type);
    trace.integer(message.term);
    const bytes = message.type === "append"
      ? message.entries.reduce((sum, { data }) => sum + data.length + 13, 60)
      : 60;
    if (message.type === "append") trace.integer(message.prevIndex);
    else if (message.type === "appendReply") trace.integer(message.index);
    const lateUs = this.#lateUs(message);
    const { skies } = this;
    if (lateUs > 0) return this.#deliver(packet, lateUs);
    if (skies.fair) return this.#deliver(packet, this.#latencyUs());
    const fate = skies.fate(from.slot, to, bytes);
    const random = this.#random;
    // What is changed on its way is refused by the frame's checksum.
    if (fate.corrupted && this.#isEncoded) {
      corrupted(message, random);
      this.#who.count("message corrupted");
    }
    if (fate.cut || fate.corrupted || random() < fate.loss) {
      if (random() < 0.02) {
        this.#simulation.at(this.#simulation.now + 1000, () => {
          if (!from.isDead) from.feed({ type: "unreachable", node: message.to });
        });
      }
      return;
    }
    this.#deliver(packet, this.#latencyUs() + fate.delayUs);
    if (random() < fate.duplicates) {
      this.#deliver(packet, this.#latencyUs() + fate.delayUs);
    }
    if (fate.echoUs > 0) this.#deliver(packet, fate.echoUs);
  }

  /** How late an answer is, where answers are at times; 0: not at all. */
  #lateUs({ type }: Message): number {
    const percent = this.#latePercent;
    if (percent === 0 || (type !== "heartbeatReply" && type !== "appendReply")) return 0;
    if (this.#random() * 100 >= percent) return 0;
    this.#who.count("late answer");
    return Math.ceil(this.#random() * this.#latestUs);
  }

  /** Keeps some of what is sent. */
  #hoards(packet: Sent): void {
    const { hoard } = this;
    if (hoard === undefined) return;
    const { message } = packet;
    // What changes logs is kept rather than what does not.
    const isHeavy = message.type === "append" && message.entries.length > 0;
    if (!isHeavy && this.#hoarding() < 0.8) return;
    if (hoard.length < HOARD) hoard.push(packet);
    else if (this.#hoarding() < 0.2) hoard[between(this.#hoarding, 0, HOARD - 1)] = packet;
  }

  /** What was sent is heard once more. */
  repeat(packet: Sent): void {
    this.#arrives(packet);
  }

  #deliver(packet: Sent, afterUs: number): void {
    this.#simulation.at(this.#simulation.now + afterUs, () => this.#arrives(packet));
  }

  #arrives({ message, storage, storages, atUs, lives: [teller, hearer] }: Sent): void {
    const to = slotOf(message.to);
    const receiver = this.#who.hears(to);
    if (receiver === undefined) return;
    const { machine, status, issued } = receiver;
    // The transport opens no stream to who is not who it was, and reads none of it.
    if (
      machine.storages.refuses(message.from, storage) !== undefined ||
      storages.refuses(message.to, machine.storage) !== undefined
    ) {
      return this.#who.count("wiped member refused");
    }
    const isOld = receiver.life !== hearer ||
      this.#who.at(slotOf(message.from))?.life !== teller;
    if (isOld) this.#who.count("message of a former life");
    if (isMember(status.config, receiver.id) && !isMember(status.config, message.from)) {
      this.#who.count("removed member talks");
    }
    if (message.type === "append" && message.entries.length > 0) {
      const last = message.prevIndex + message.entries.length;
      const wasCut = machine.cuts.some((cut) => cut.atUs > atUs && cut.from <= last);
      if (wasCut && issued.last >= last) this.#who.count("append from before a cut");
    }
    receiver.feed({ type: "message", message });
  }

  /** A snapshot leaves. */
  sendSnapshot(
    from: RaftProcess,
    { node, term }: Parameters<Surroundings["sendSnapshot"]>[1],
    { meta, state }: StoredSnapshot,
  ): void {
    const to = slotOf(node);
    this.#who.count("snapshot sent");
    const ended = (ok: boolean, afterUs: number): void => {
      this.#simulation.at(this.#simulation.now + afterUs, () => {
        if (!from.isDead) from.feed({ type: "snapshotSent", node, ok });
      });
    };
    // A stream: it is late rather than lost, or reset in the middle.
    const fate = this.skies.fate(from.slot, to, state.length);
    if (fate.cut || this.#random() < fate.loss / 2) {
      this.#who.count("snapshot interrupted");
      return ended(false, 200_000);
    }
    const message = { type: "snapshot", from: from.id, to: node, term, meta } as const;
    this.#simulation.at(this.#simulation.now + this.#latencyUs() * 2 + fate.delayUs, () => {
      const receiver = this.#who.at(to);
      if (receiver === undefined) return ended(false, 1000);
      receiver.received(message, state, () => {
        this.#who.count("snapshot received");
        ended(true, this.#latencyUs());
      });
    });
  }
}
