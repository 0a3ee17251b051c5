import { bootstrapState } from "../../../raft/bootstrap.ts";
import { decodeConfig } from "../../../raft/config.ts";
import type { ClusterConfig, Entry, NodeId } from "../../../raft/entry.ts";
import type { Message } from "../../../raft/message.ts";
import { MemberStorages } from "../../../raft/driver/member_storages.ts";
import { SimDisk } from "../../disk.ts";
import { Ledger } from "./ledger.ts";
import type { Machine, Surroundings } from "./machine.ts";
import { RaftProcess } from "./raft_process.ts";
import { Rules } from "./rules.ts";

/** The entry that a group of these founders begins with. */
export function foundingEntry(founders: readonly NodeId[]): Entry {
  return bootstrapState(founders.map((id) => ({ id, address: `${id}:1` }))).entries[0]!;
}

/** What a machine knows of the disks of others: nothing yet. */
export function storagesAmong(config: ClusterConfig): MemberStorages {
  return new MemberStorages({
    known: [],
    remember: () => Promise.resolve(),
    failed: (error) => {
      throw error;
    },
  }, { config, configIndex: config.voters.length > 0 ? 1 : 0 });
}

/**
 * A founder whose disk is gone, started under its old name on an empty one, with the settings that it was founded with: it has forgotten its
 * votes and what it acknowledged. It is nobody's member: what it does is held against a ledger of its own.
 */
export class Stray {
  readonly process: RaftProcess;
  readonly machine: Machine;

  /** Starts it. */
  constructor(
    wiped: Machine,
    options: Readonly<Record<string, unknown>>,
    world: Surroundings & { readonly sends: (from: Stray, message: Message) => void },
  ) {
    const { founders, simulation } = world;
    const ledger = new Ledger();
    const entry = foundingEntry(founders);
    ledger.writes("founders", entry, 0);
    ledger.commits("founders", entry, 1);
    this.machine = {
      ...wiped,
      disk: new SimDisk(simulation.random(`disk:${wiped.slot}:wiped`)),
      snapshots: [],
      durable: undefined,
      torn: [],
      lives: 1000 + wiped.lives,
      storage: `${wiped.storage} wiped`,
      storages: storagesAmong(decodeConfig(entry.data)),
    };
    this.process = new RaftProcess(this.machine, options, {
      ...world,
      ledger,
      rules: new Rules(ledger, () => undefined),
      count: () => {},
      send: (_, message) => world.sends(this, message),
      sendSnapshot: () => {},
      died: ({ isDead }) => {
        if (!isDead) this.process.kill();
      },
    });
  }
}
