import { bootstrapState } from "../../../raft/bootstrap.ts";
import type { NodeId } from "../../../raft/entry.ts";
import type { Message } from "../../../raft/message.ts";
import type { Prng } from "../../../gossip/strategy.ts";
import { type CrashPolicy, drawnCrash, keepAll, SimDisk } from "../../disk.ts";
import { between } from "../../draw.ts";
import type { Plan } from "../../plan.ts";
import { Simulation } from "../../simulation.ts";
import { ViolationError } from "../../violation.ts";
import { Skies } from "../../weather.ts";
import { Ledger } from "./ledger.ts";
import { drawRates, MachineClock } from "./machine_clock.ts";
import type { Machine, StoredSnapshot, Surroundings } from "./machine.ts";
import { RaftProcess } from "./raft_process.ts";
import { Rules } from "./rules.ts";
import { corrupted, overTheWire } from "./wire.ts";
import { coreOptionsOf, leaseDriftOf, numberIn, worldOptionsOf } from "./settings.ts";

/** Machines that wait to be taken into the group. */
export const SPARES = 3;

/** All machines of a run, and the network between them. */
export class Group {
  readonly simulation: Simulation;
  readonly ledger: Ledger = new Ledger();
  readonly network: { readonly skies: Skies };
  readonly machines: readonly Machine[];
  /** How often what occurred. */
  readonly situations = new Map<string, number>();
  /** Founding machines: slots 0 and up. */
  readonly founders: number;
  readonly #processes: (RaftProcess | undefined)[];
  readonly #plan: Plan;
  readonly #random: Prng;
  readonly #crashes: Prng;
  readonly #world: Surroundings;
  /** Whether messages pass through the codec. */
  readonly #isEncoded: boolean;
  #latePercent: number;
  readonly #latestUs: number;

  /** Creates the machines; none runs. */
  constructor(plan: Plan) {
    this.#plan = plan;
    const simulation = this.simulation = new Simulation(plan.seed);
    this.founders = plan.nodes;
    // They stop with all else that is bad.
    this.#latePercent = numberIn(plan.settings, "lateReplies");
    this.#latestUs = numberIn(plan.settings, "electionTimeoutMs") * 4000;
    simulation.at(plan.quietAtMs * 1000, () => this.#latePercent = 0);
    this.#isEncoded = plan.settings["encoded"] === true;
    this.#random = simulation.random("network");
    this.#crashes = simulation.random("crashes");
    this.network = { skies: new Skies(simulation.random("weather"), () => simulation.now) };
    const syncUs = numberIn(plan.settings, "syncUs");
    this.machines = Array.from({ length: plan.nodes + SPARES }, (_, slot) => ({
      id: `n${slot}`,
      slot,
      disk: new SimDisk(simulation.random(`disk:${slot}`)),
      snapshots: [],
      durable: undefined,
      torn: [],
      lives: 0,
      clock: new MachineClock(1000 * slot),
      diskUs: { write: 20, sync: syncUs, usualSync: syncUs },
    }));
    this.#processes = this.machines.map(() => undefined);
    const founders = this.machines.slice(0, plan.nodes).map(({ id }) => id);
    const [entry] = bootstrapState(founders.map((id) => ({ id, address: `${id}:1` }))).entries;
    this.ledger.writes("founders", entry!, 0);
    this.ledger.commits("founders", entry!, 1);
    this.#world = {
      simulation,
      ledger: this.ledger,
      rules: new Rules(this.ledger, (id) => this.machines.find((m) => m.id === id)?.durable),
      random: simulation.random("disks"),
      count: (situation) => this.count(situation),
      send: (from, message) => this.#send(from, message),
      sendSnapshot: (from, to, snapshot) => this.#sendSnapshot(from, to, snapshot),
      died: (process) => this.crash(process.slot),
      founders,
      ...worldOptionsOf(plan.settings),
    };
    const drift = leaseDriftOf(plan.settings);
    if (drift !== undefined) this.#wander(drift, simulation.random("clocks"));
  }

  /** The instant, microseconds. */
  get now(): number {
    return this.simulation.now;
  }

  /** Whoever runs. */
  get running(): readonly RaftProcess[] {
    return this.#processes.filter((process) => process !== undefined);
  }

  /** Whoever runs and believes that it leads, of the latest term. */
  get leader(): RaftProcess | undefined {
    let leader: RaftProcess | undefined;
    for (const process of this.running) {
      const { role, term } = process.seen;
      if (role === "leader" && (leader === undefined || term > leader.seen.term)) leader = process;
    }
    return leader;
  }

  /** Who runs on a machine. */
  at(slot: number): RaftProcess | undefined {
    return this.#processes[slot];
  }

  /** Counts a situation. */
  count(situation: string): void {
    this.situations.set(situation, (this.situations.get(situation) ?? 0) + 1);
  }

  /** Starts a machine that does not run. */
  start(slot: number): void {
    if (this.#processes[slot] !== undefined) return;
    const machine = this.machines[slot]!;
    this.simulation.trace.integer(-1 - slot);
    if (machine.lives > 0) {
      this.count("restart");
      if (machine.snapshots.length > 0) this.count("restart with a snapshot");
      if (machine.torn.length > 0) this.count("restart with a write under way");
    }
    machine.disk.fault = () => undefined;
    machine.disk.capacityBytes = Infinity;
    try {
      this.#processes[slot] = new RaftProcess(
        machine,
        coreOptionsOf(this.#plan.settings),
        this.#world,
      );
    } catch (error) {
      if (error instanceof ViolationError) throw error;
      throw new ViolationError("starts-again", `${machine.id}: ${error}`);
    }
  }

  /** Kills a process; unless `soft`, the machine stops with it, and what was not synced is lost in a drawn way. */
  crash(slot: number, soft = false): void {
    const process = this.#processes[slot];
    if (process === undefined) return;
    const { role, config } = process.status;
    this.count("crash");
    if (role === "leader") this.count("leader crash");
    if (config.votersOutgoing.length > 0) this.count("crash while joint");
    if (role === "leader" && config.votersOutgoing.length > 0) {
      this.count("leader crash while joint");
    }
    this.simulation.trace.integer(-100 - slot);
    process.kill();
    const policy: CrashPolicy = soft ? keepAll : drawnCrash(this.#crashes);
    process.machine.disk.crash(policy);
    this.#processes[slot] = undefined;
  }

  /** Clocks set their pace anew: it goes to their machines in the order of their slots. */
  setRates(rates: readonly number[]): void {
    rates.forEach((rate, slot) => {
      this.machines[slot]!.clock.setRate(rate, this.now);
      this.at(slot)?.clockChanged();
    });
  }

  /** What leases bear they bear at any time: whose clock is the slowest changes with every few leaders. */
  #wander(drift: number, random: Prng): void {
    this.setRates(drawRates(random, drift, this.machines.length));
    const electionUs = 1000 * numberIn(this.#plan.settings, "electionTimeoutMs");
    const afterUs = Math.floor(electionUs * (2 + 4 * random()));
    this.simulation.at(this.now + afterUs, () => this.#wander(drift, random));
  }

  #slotOf(id: NodeId): number {
    return Number(id.slice(1));
  }

  #latencyUs(): number {
    const [least, most] = this.#plan.latencyMs;
    return between(this.#random, least * 1000, most * 1000);
  }

  #send(from: RaftProcess, sent: Message): void {
    const message = this.#isEncoded ? overTheWire(sent) : sent;
    const to = this.#slotOf(message.to);
    const { trace } = this.simulation;
    trace.integer(from.slot * 64 + to);
    trace.text(message.type);
    trace.integer(message.term);
    const bytes = message.type === "append"
      ? message.entries.reduce((sum, { data }) => sum + data.length + 13, 60)
      : 60;
    if (message.type === "append") trace.integer(message.prevIndex);
    else if (message.type === "appendReply") trace.integer(message.index);
    const lateUs = this.#lateUs(message);
    const { skies } = this.network;
    if (lateUs > 0) return this.#deliver(to, message, lateUs);
    if (skies.fair) return this.#deliver(to, message, this.#latencyUs());
    const fate = skies.fate(from.slot, to, bytes);
    const random = this.#random;
    // What is changed on its way is refused by the frame's checksum.
    if (fate.corrupted && this.#isEncoded) {
      corrupted(message, random);
      this.count("message corrupted");
    }
    if (fate.cut || fate.corrupted || random() < fate.loss) {
      if (random() < 0.02) {
        this.simulation.at(this.now + 1000, () => {
          if (!from.isDead) from.feed({ type: "unreachable", node: message.to });
        });
      }
      return;
    }
    this.#deliver(to, message, this.#latencyUs() + fate.delayUs);
    if (random() < fate.duplicates) {
      this.#deliver(to, message, this.#latencyUs() + fate.delayUs);
    }
    if (fate.echoUs > 0) this.#deliver(to, message, fate.echoUs);
  }

  /** How late an answer is, where answers are at times; 0: not at all. */
  #lateUs({ type }: Message): number {
    const percent = this.#latePercent;
    if (percent === 0 || (type !== "heartbeatReply" && type !== "appendReply")) return 0;
    if (this.#random() * 100 >= percent) return 0;
    this.count("late answer");
    return Math.ceil(this.#random() * this.#latestUs);
  }

  #deliver(to: number, message: Message, afterUs: number): void {
    this.simulation.at(this.now + afterUs, () => {
      this.#processes[to]?.feed({ type: "message", message });
    });
  }

  #sendSnapshot(
    from: RaftProcess,
    { node, term }: Parameters<Surroundings["sendSnapshot"]>[1],
    { meta, state }: StoredSnapshot,
  ): void {
    const to = this.#slotOf(node);
    this.count("snapshot sent");
    const ended = (ok: boolean, afterUs: number): void => {
      this.simulation.at(this.now + afterUs, () => {
        if (!from.isDead) from.feed({ type: "snapshotSent", node, ok });
      });
    };
    // A stream: it is late rather than lost, or reset in the middle.
    const fate = this.network.skies.fate(from.slot, to, state.length);
    if (fate.cut || this.#random() < fate.loss / 2) {
      this.count("snapshot interrupted");
      return ended(false, 200_000);
    }
    const message = { type: "snapshot", from: from.id, to: node, term, meta } as const;
    this.simulation.at(this.now + this.#latencyUs() * 2 + fate.delayUs, () => {
      const receiver = this.#processes[to];
      if (receiver === undefined) return ended(false, 1000);
      receiver.received(message, state, () => {
        this.count("snapshot received");
        ended(true, this.#latencyUs());
      });
    });
  }
}
