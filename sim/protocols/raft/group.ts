import { decodeConfig, emptyConfig } from "../../../raft/config.ts";
import type { NodeId } from "../../../raft/entry.ts";
import { WalCorruptError } from "../../../raft/storage_error.ts";
import type { Prng } from "../../../gossip/strategy.ts";
import { type CrashPolicy, drawnCrash, keepAll, SimDisk } from "../../disk.ts";
import type { Plan } from "../../plan.ts";
import { Simulation } from "../../simulation.ts";
import { ViolationError } from "../../violation.ts";
import { Ledger } from "./ledger.ts";
import { drawRates, MachineClock } from "./machine_clock.ts";
import { Mail, slotOf } from "./mail.ts";
import type { Machine, Surroundings } from "./machine.ts";
import { RaftProcess } from "./raft_process.ts";
import { isQuorum } from "./overlap.ts";
import { rot } from "./rot.ts";
import { Rules } from "./rules.ts";
import { foundingEntry, storagesAmong, Stray } from "./strays.ts";
import { coreOptionsOf, leaseDriftOf, numberIn, withTiming, worldOptionsOf } from "./settings.ts";

/** Machines that wait to be taken into the group. */
export const SPARES = 3;

/** All machines of a run, and the network between them. */
export class Group {
  readonly simulation: Simulation;
  readonly ledger: Ledger = new Ledger();
  readonly network: Mail;
  readonly machines: readonly Machine[];
  /** How often what occurred. */
  readonly situations = new Map<string, number>();
  /** Founding machines: slots 0 and up. */
  readonly founders: number;
  readonly #processes: (RaftProcess | undefined)[];
  readonly #plan: Plan;
  readonly #crashes: Prng;
  readonly #world: Surroundings;
  readonly #losses: Prng;
  #stray: Stray | undefined;
  /** Percent of operations that their clients do not wait for. */
  cancelPercent = 0;

  /** Creates the machines; none runs. */
  constructor(plan: Plan) {
    this.#plan = plan;
    const simulation = this.simulation = new Simulation(plan.seed);
    this.founders = plan.nodes;
    this.#crashes = simulation.random("crashes");
    this.#losses = simulation.random("losses");
    const at = (slot: number): RaftProcess | undefined => this.at(slot);
    this.network = new Mail(plan, simulation, {
      at,
      hears: (slot) =>
        at(slot) ?? (this.#stray?.machine.slot === slot ? this.#stray.process : undefined),
      count: (situation) => this.count(situation),
    });
    const syncUs = numberIn(plan.settings, "syncUs");
    const founders = Array.from({ length: plan.nodes }, (_, slot) => `n${slot}`);
    const entry = foundingEntry(founders);
    const founding = decodeConfig(entry.data);
    this.machines = Array.from({ length: plan.nodes + SPARES }, (_, slot) => ({
      id: `n${slot}`,
      slot,
      disk: new SimDisk(simulation.random(`disk:${slot}`)),
      snapshots: [],
      durable: undefined,
      torn: [],
      cuts: [],
      lives: 0,
      storage: `disk ${slot}`,
      storages: storagesAmong(slot < plan.nodes ? founding : emptyConfig),
      lost: undefined,
      timing: { election: 1, heartbeat: 1 },
      clock: new MachineClock(1000 * slot),
      diskUs: { write: 20, sync: syncUs, usualSync: syncUs },
    }));
    this.#processes = this.machines.map(() => undefined);
    const met = this.machines.map(({ id, storage }) => [id, storage] as const);
    for (const { storages } of this.machines.slice(0, plan.nodes)) {
      storages.changed(founding, 1, met);
    }
    this.ledger.writes("founders", entry, 0);
    this.ledger.commits("founders", entry, 1);
    this.#world = {
      simulation,
      ledger: this.ledger,
      rules: new Rules(this.ledger, (id) => this.machines.find((m) => m.id === id)?.durable),
      random: simulation.random("disks"),
      count: (situation) => this.count(situation),
      met,
      isParted: () => this.network.skies.parted,
      send: (from, message) => this.network.send(from, message),
      sendSnapshot: (from, to, snapshot) => this.network.sendSnapshot(from, to, snapshot),
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
    const machine = this.machines[slot]!;
    if (this.#processes[slot] !== undefined || machine.lost !== undefined) return;
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
        withTiming(coreOptionsOf(this.#plan.settings), machine.timing),
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

  /** Whether a machine does not come back under its name. */
  isLost(id: NodeId): boolean {
    return this.machines[slotOf(id)]!.lost !== undefined;
  }

  /** Whether the rest decides without a machine, in every configuration that any log names: a group may lose no more than that. */
  canLose(slot: number): boolean {
    const stays = (id: NodeId): boolean => !this.isLost(id) && slotOf(id) !== slot;
    const logs = [
      ...this.machines.flatMap(({ durable }) => durable ?? []),
      ...this.running.map(({ issued }) => issued),
    ];
    return this.#processes[slot] !== undefined &&
      [this.ledger.config!, ...logs.flatMap(({ configs }) => configs)]
        .every((config) => config.voters.length === 0 || isQuorum(config, stays));
  }

  /** A machine stops, and a bit of what its disk holds is turned: it must not start again. @returns Whether it was. */
  rot(slot: number): boolean {
    const machine = this.machines[slot]!;
    this.crash(slot);
    if (!rot(machine, this.#world.segmentBytes, this.#losses)) return false;
    try {
      new RaftProcess(machine, coreOptionsOf(this.#plan.settings), this.#world);
    } catch (error) {
      if (!(error instanceof WalCorruptError)) throw error;
      machine.lost = "rotten";
      this.count("damaged log refused");
      return true;
    }
    throw new ViolationError("rot-refused", `${machine.id} starts with a damaged log`);
  }

  /** A founder loses its disk, and is started under its old name on an empty one. */
  wipe(slot: number): void {
    const machine = this.machines[slot]!;
    this.crash(slot);
    machine.lost = "wiped";
    this.count("disk lost");
    if (this.#stray !== undefined || slot >= this.founders) return;
    this.#stray = new Stray(machine, coreOptionsOf(this.#plan.settings), {
      ...this.#world,
      sends: ({ process }, message) => this.network.send(process, message),
    });
  }

  /** Whoever came with an empty disk is stopped. */
  stopStray(): void {
    this.#stray?.process.kill();
    this.#stray = undefined;
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
}
