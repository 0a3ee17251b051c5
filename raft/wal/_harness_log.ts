/** A log that is written, crashed and read back on a simulated disk, next to a model of what it must say. */
import { assert, assertEquals } from "@std/assert";
import type { Prng } from "../../gossip/strategy.ts";
import { type CrashPolicy, drawnCrash, keepAll, loseAll, SimDisk } from "../../sim/disk.ts";
import { between, chance } from "../../sim/draw.ts";
import { LogOnDisk } from "../../sim/log_on_disk.ts";
import { Streams } from "../../sim/prng.ts";
import type { Index, SnapshotMeta } from "../entry.ts";
import type { Persist, RecoveredLog } from "../log_store.ts";
import { entriesFrom, hard, persistOf, snapshotAt } from "./_conformance.ts";
import { ieee } from "./checksum.ts";
import type { WalOptions } from "./wal_contract.ts";
import { LogImage } from "./log_image.ts";

/** Small segments, so that a short life sees many. */
export const smallLog: WalOptions = {
  storageId: Uint8Array.from({ length: 16 }, (_, i) => 17 * i + 3),
  segmentBytes: 2048,
  checksum: ieee,
};

/** What a log says, without what compaction may leave or take. */
export function meaning({ hardState, snapshot, entries }: Omit<RecoveredLog, "tornBytes">): string {
  const from = (snapshot?.index ?? 0) + 1;
  const after = entries.filter(({ index }) => index >= from);
  return JSON.stringify([
    hardState.term,
    hardState.votedFor ?? "",
    hardState.commit,
    snapshot?.id ?? "",
    after.map(({ index, term, data }) => [index, term, data.length, data[0] ?? 0]),
  ]);
}

/** Effects in order, and what the log means after each. */
export class LogModel {
  /** All that was handed over. */
  readonly effects: Persist[] = [];
  /** What the snapshot store holds. */
  snapshots: SnapshotMeta[] = [];
  /** The log after all effects. */
  image = new LogImage();

  /** Hands over one more. */
  add(effect: Persist): void {
    this.effects.push(effect);
    this.image.persist(effect);
  }

  /** What the first `count` effects mean. */
  meaningAfter(count: number): string {
    const image = new LogImage();
    for (const effect of this.effects.slice(0, count)) image.persist(effect);
    const snapshot = image.snapshotAmong(this.snapshots);
    if (snapshot === "lost") return "lost";
    const commit = Math.max(image.hardState.commit, snapshot?.index ?? 0);
    return meaning({
      hardState: { ...image.hardState, commit },
      snapshot,
      entries: image.entries,
    });
  }

  /** How many effects make up what was recovered, at least `least`. @throws {AssertionError} None do. */
  countOf(opened: RecoveredLog, least: number): number {
    const found = meaning(opened);
    for (let count = this.effects.length; count >= least; count--) {
      if (this.meaningAfter(count) === found) return count;
    }
    assertEquals(
      found,
      this.meaningAfter(least),
      `recovered less than ${least} acknowledged effects`,
    );
    return least;
  }

  /** Forgets what was lost. */
  keep(count: number): void {
    this.effects.length = count;
    this.image = new LogImage();
    for (const effect of this.effects) this.image.persist(effect);
  }
}

/** One life after another on one disk. */
export class LogLives {
  /** The disk. */
  readonly disk: SimDisk;
  /** What must be on it. */
  readonly model = new LogModel();
  /** Effects, counted from the start of the model, that were answered as durable. */
  acknowledged = 0;
  /** Bytes that the last restart cut off. */
  tornBytes = 0;
  /** The running log. */
  log: LogOnDisk;
  readonly #random: Prng;
  readonly #options: WalOptions;
  readonly #byToken = new Map<number, number>();
  /** The disk failed: this life is over. */
  poisoned = false;
  #term = 1;
  #born = false;

  /** @param random Decides everything. */
  constructor(random: Prng, options: WalOptions = smallLog) {
    this.#random = random;
    this.#options = options;
    this.disk = new SimDisk(random);
    this.log = this.#begin();
  }

  /** Draws one effect and stages it, with whatever the driver would do besides. */
  append(): void {
    if (this.poisoned) return;
    const { model } = this;
    const random = this.#random;
    const last = model.image.nextIndex - 1;
    const commit = model.image.hardState.commit;
    const act = random();
    if (act < 0.5) {
      const entries = entriesFrom(
        last + 1,
        between(random, 1, 4),
        this.#term,
        between(random, 0, 90),
      );
      const withState = chance(random, 0.3) ? { hardState: hard(this.#term, commit, "b") } : {};
      this.#hand({ entries, ...withState });
    } else if (act < 0.62 && last > commit) {
      const from = between(random, Math.max(commit + 1, last - 3), last);
      this.#term++;
      this.#hand({
        truncateFrom: from,
        entries: entriesFrom(from, between(random, 0, 2), this.#term),
        hardState: hard(this.#term, commit),
      });
    } else if (act < 0.74) {
      this.#hand({ hardState: hard(this.#term, between(random, commit, last)), sync: false });
    } else if (act < 0.82) {
      this.#hand({ hardState: hard(++this.#term, commit, chance(random, 0.5) ? "c" : undefined) });
    } else if (act < 0.87) this.#hand({ sync: chance(random, 0.5) });
    else if (act < 0.96) this.#snapshot(commit);
    else this.#receive(last);
    if (chance(random, 0.7)) this.#note(this.log.step({ type: "flush" }));
    if (chance(random, 0.05)) this.#note(this.log.step({ type: "idle" }));
  }

  /** Performs one step of the disk, of a drawn lane. @returns Whether there was one. */
  turn(): boolean {
    const { lanes } = this.log;
    const lane = lanes[Math.floor(this.#random() * lanes.length)];
    if (lane === undefined) return false;
    this.#note(this.log.perform(lane));
    return true;
  }

  /** Writes all that waits. */
  settle(): void {
    this.#note(this.log.step({ type: "flush" }));
    while (this.turn());
  }

  /** Ends in order. */
  close(): void {
    this.#note(this.log.step({ type: "close" }));
    while (this.turn());
  }

  /** Stops the machine, starts it again, and checks what is there. */
  crash(policy: CrashPolicy): void {
    this.disk.crash(policy);
    this.restart();
  }

  /** Reads the disk again, and checks what is there. */
  restart(): void {
    this.poisoned = false;
    this.log = this.#begin();
    this.check(this.log.recovery.opened);
    this.tornBytes = this.log.recovery.opened.tornBytes;
    // Once more: the repair must not have changed what it means.
    const again = new LogOnDisk(this.disk, this.#options, {
      expected: true,
      snapshots: this.model.snapshots,
    });
    assertEquals(meaning(again.recovery.opened), meaning(this.log.recovery.opened));
    assertEquals(again.recovery.opened.tornBytes, 0);
    this.log = again;
    const { unmarked, opened } = this.log.recovery;
    this.model.keep(this.model.countOf(opened, this.acknowledged));
    this.#byToken.clear();
    this.#term = Math.max(opened.hardState.term, 1) + 1;
    if (unmarked !== undefined) this.#hand({ snapshot: unmarked });
    if (opened.hardState.commit > this.model.image.hardState.commit) {
      this.#hand({ hardState: hard(this.#term, opened.hardState.commit) });
    }
    this.settle();
  }

  /** Fails unless `opened` is the log after some effects, all acknowledged ones among them. */
  check(opened: RecoveredLog): void {
    this.model.countOf(opened, this.acknowledged);
    opened.entries.forEach(({ index, data, term }, i) => {
      assertEquals(index, opened.entries[0]!.index + i);
      assert(data.every((byte) => byte === (index * 7 + term) % 256));
    });
  }

  /** The same moment again, to go on in another way. */
  forkedDisk(): SimDisk {
    return this.disk.fork();
  }

  #begin(): LogOnDisk {
    const found = { expected: this.#born, snapshots: this.model.snapshots };
    const log = new LogOnDisk(this.disk, this.#options, found);
    this.#born = true;
    return log;
  }

  #snapshot(commit: Index): void {
    const term = this.model.image.termAt(commit);
    if (term === undefined) return;
    this.#store(snapshotAt(commit, term));
    if (chance(this.#random, 0.8)) {
      this.#hand({ snapshot: snapshotAt(commit, term) });
      const through = Math.max(0, commit - between(this.#random, 0, 4));
      this.#note(this.log.step({ type: "compact", through }));
    }
  }

  #receive(last: Index): void {
    const snapshot = snapshotAt(last + between(this.#random, 0, 5), ++this.#term);
    this.#store(snapshot);
    this.#hand({ snapshot, resetLog: true, hardState: hard(this.#term, snapshot.index) });
  }

  #store(snapshot: SnapshotMeta): void {
    const others = this.model.snapshots.filter(({ id }) => id !== snapshot.id);
    // All are kept: the log is tested here, not what the snapshot store retains.
    this.model.snapshots = [...others, snapshot];
  }

  #hand(parts: Partial<Persist>): void {
    const effect = persistOf(parts);
    this.log.step({ type: "append", effect });
    this.model.add(effect);
    this.#byToken.set(effect.token, this.model.effects.length);
  }

  #note(effects: ReturnType<LogOnDisk["step"]>): void {
    for (const effect of effects) {
      if (effect.type === "poisoned") this.poisoned = true;
      if (effect.type !== "durable") continue;
      assert(!this.poisoned, "answered after the disk failed");
      const count = this.#byToken.get(effect.token)!;
      for (let i = count; i > this.acknowledged; i--) {
        const { sync, entries, hardState, snapshot, truncateFrom } = this.model.effects[i - 1]!;
        const empty = entries.length === 0 && hardState === undefined && snapshot === undefined &&
          truncateFrom === undefined;
        if (!sync || empty) continue;
        this.acknowledged = i;
        break;
      }
    }
  }
}

/** What some lives saw. */
export interface LivesReport {
  /** Crashes of the machine or of the process. */
  crashes: number;
  /** Torn tails that were cut. */
  torn: number;
  /** Lives that a failing disk ended. */
  poisoned: number;
  /** Most segments at once. */
  segments: number;
}

/**
 * Some lives on one disk, each ended by a drawn crash of the machine, by a death of the process, in order, or by a failing disk.
 *
 * @throws {Error} A life found other than it must; the message names the seed.
 */
export function livesOf(seed: number): LivesReport {
  const random = new Streams(seed).named("log");
  const lives = new LogLives(random);
  const report = { crashes: 0, torn: 0, poisoned: 0, segments: 0 };
  try {
    for (let life = between(random, 1, 6); life > 0; life--) {
      const failing = chance(random, 0.2);
      for (let acts = between(random, 5, 60); acts > 0; acts--) {
        if (failing && chance(random, 0.05)) {
          lives.disk.fault = () =>
            chance(random, 0.5) ? "EIO" : chance(random, 0.5) ? "ENOSPC" : undefined;
        }
        if (chance(random, 0.4)) lives.append();
        else lives.turn();
      }
      report.segments = Math.max(report.segments, lives.log.core.segments.length);
      if (lives.poisoned) report.poisoned++;
      lives.disk.fault = () => undefined;
      const end = random();
      if (end < 0.15 && !lives.poisoned) {
        lives.close();
        lives.restart();
      } else if (end < 0.35) lives.restart();
      else lives.crash(end < 0.45 ? keepAll : end < 0.55 ? loseAll : drawnCrash(random));
      report.crashes++;
      if (lives.tornBytes > 0) report.torn++;
    }
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
  }
  return report;
}
