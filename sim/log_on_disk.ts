import { castagnoli, ieee } from "../raft/wal/checksum.ts";
import { WalCore } from "../raft/wal/core.ts";
import { recoverWal, type WalFiles, type WalRecovery } from "../raft/wal/recover.ts";
import { SPARE_FILE } from "../raft/wal/segment_list.ts";
import type { DiskJob } from "../raft/wal/step.ts";
import type { WalEffect, WalInput, WalOptions } from "../raft/wal/wal_contract.ts";
import type { SimDisk } from "./disk.ts";

type Lane = DiskJob["lane"];

/**
 * The shipped log over a simulated disk, a step at a time and without a promise: the world decides when each step happens, and may stop the
 * machine between any two.
 *
 * A crash is: drop this object, `disk.crash(…)`, make a new one.
 */
export class LogOnDisk {
  /** What was found at start. */
  readonly recovery: WalRecovery;
  /** The log. */
  readonly core: WalCore;
  readonly #disk: SimDisk;
  readonly #jobs = new Map<Lane, { readonly job: DiskJob; next: number }>();

  /**
   * Recovers, and performs the repair at once.
   *
   * @param disk Its only directory is the log's.
   * @param options The log's settings.
   * @param found Whether a log is expected, and which snapshots there are.
   * @throws {WalCorruptError} The log must not be used.
   * @throws {DiskFault} The repair failed.
   */
  constructor(disk: SimDisk, options: WalOptions, found: Omit<WalFiles, "files" | "spareBytes">) {
    this.#disk = disk;
    const spareBytes = disk.read(SPARE_FILE)?.length ?? 0;
    const files = { ...found, files: disk.files(), spareBytes };
    this.recovery = recoverWal(files, options, [ieee, castagnoli]);
    for (const step of this.recovery.repair) disk.perform(step);
    this.core = new WalCore(this.recovery.state, options);
  }

  /** Takes an input. @returns Effects that are not the disk's. */
  step(input: WalInput): readonly Exclude<WalEffect, { readonly type: "job" }>[] {
    const others: Exclude<WalEffect, { readonly type: "job" }>[] = [];
    for (const effect of this.core.step(input)) {
      if (effect.type === "job") this.#jobs.set(effect.job.lane, { job: effect.job, next: 0 });
      else others.push(effect);
    }
    return others;
  }

  /** Lanes with a step to perform. */
  get lanes(): readonly Lane[] {
    return [...this.#jobs.keys()].sort();
  }

  /** The step that a lane performs next. */
  pending(lane: Lane): DiskJob["steps"][number] | undefined {
    const running = this.#jobs.get(lane);
    return running?.job.steps[running.next];
  }

  /** Performs a lane's next step; the last one of a job, or one that fails, is told to the log. @returns What the log then says. */
  perform(lane: Lane): readonly Exclude<WalEffect, { readonly type: "job" }>[] {
    const running = this.#jobs.get(lane);
    if (running === undefined) return [];
    const { operation, steps } = running.job;
    try {
      const step = steps[running.next];
      if (step !== undefined) this.#disk.perform(step);
    } catch (error) {
      this.#jobs.delete(lane);
      return this.step({ type: "failed", operation, error });
    }
    running.next++;
    if (running.next < steps.length) return [];
    this.#jobs.delete(lane);
    return this.step({ type: "done", operation });
  }
}
