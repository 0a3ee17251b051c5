import type { Prng } from "../gossip/strategy.ts";
import type { DiskStep } from "../raft/wal/step.ts";

/** An error as the system would give it. */
export class DiskFault extends Error {
  override readonly name = "DiskFault";
  /** The code of POSIX. */
  readonly code: string;

  /**
   * @param code The code of POSIX: `EIO`, `ENOSPC`, `ENOENT`, …
   * @param detail What was tried.
   */
  constructor(code: string, detail: string) {
    super(`${code}: ${detail}`);
    this.code = code;
  }
}

/** What a crash does to one sector that was written and not synced. */
export interface SectorFate {
  /** Which of its contents reached the disk: 0 the synced one, then one for each write. */
  readonly version: number;
  /** Bytes of it that did; the rest is of the version before. @default {all} */
  readonly tornAt?: number;
  /** Whether what was written there reads as noise. */
  readonly garbage?: boolean;
}

/** What a crash does. */
export interface CrashPolicy {
  /** The fate of a sector that has `versions` contents since the last sync. Sectors come in the order of names, then of offsets. */
  readonly sector: (file: string, offset: number, versions: number) => SectorFate;
  /** Which of the changes of names since the last sync of the directory survive: those for which it is true. */
  readonly name: (position: number, count: number) => boolean;
}

/** Everything survives: a process died, the machine did not. */
export const keepAll: CrashPolicy = {
  sector: (_file, _offset, versions) => ({ version: versions }),
  name: () => true,
};

/** Nothing survives that was not synced. */
export const loseAll: CrashPolicy = { sector: () => ({ version: 0 }), name: () => false };

/**
 * A crash of the machine, drawn: each unsynced sector is old, new, in between, torn or garbage; of the names, a prefix of the changes
 * survives, as in a journal.
 */
export function drawnCrash(random: Prng): CrashPolicy {
  const style = random();
  const names = random();
  return {
    sector: (_file, _offset, versions) => {
      if (style < 0.15) return { version: 0 };
      if (style < 0.3) return { version: versions };
      const version = Math.floor(random() * (versions + 1));
      if (version === 0 || style < 0.6) return { version };
      if (style < 0.8) return { version, tornAt: Math.floor(random() * 513) };
      return { version, garbage: random() < 0.3 };
    },
    name: (position, count) => position < Math.floor(names * (count + 1)),
  };
}

/** Bytes that the disk writes as one: anything larger may be torn. */
export const SECTOR_BYTES = 512;

interface Inode {
  live: Uint8Array;
  durable: Uint8Array;
  /** Contents of unsynced sectors, by number, oldest first. */
  readonly dirty: Map<number, Uint8Array[]>;
}

type NameChange =
  | { readonly type: "link"; readonly name: string; readonly inode: Inode }
  | { readonly type: "rename"; readonly from: string; readonly to: string }
  | { readonly type: "unlink"; readonly name: string };

/**
 * One directory on a disk that can lose what was not synced.
 *
 * Writes are seen at once and durable after `sync`; names are durable after `syncDirectory`. A failed `sync` leaves the file as if clean, with
 * some of the data lost, as Linux does: a later one succeeds without them.
 */
export class SimDisk {
  /** Asked before each step: a code makes it fail with nothing done — a `sync` with some of it done. */
  fault: (step: DiskStep) => string | undefined = () => undefined;
  /** Bytes that fit. */
  capacityBytes: number;
  #live = new Map<string, Inode>();
  #durable = new Map<string, Inode>();
  #changes: NameChange[] = [];
  readonly #random: Prng;

  /**
   * @param random Decides what a failed sync loses, and garbage.
   * @param options.capacityBytes Bytes that fit. @default {Infinity}
   */
  constructor(random: Prng, options: { readonly capacityBytes?: number } = {}) {
    this.#random = random;
    this.capacityBytes = options.capacityBytes ?? Infinity;
  }

  /** Names, sorted. */
  get names(): readonly string[] {
    return [...this.#live.keys()].sort();
  }

  /** All files as a process sees them, copied. */
  files(): ReadonlyMap<string, Uint8Array> {
    return new Map(this.names.map((name) => [name, this.#live.get(name)!.live.slice()]));
  }

  /** A file as a process sees it. Not to be changed. */
  read(name: string): Uint8Array | undefined {
    return this.#live.get(name)?.live;
  }

  /** Puts a file there, durable: what a test, or rot, does. */
  plant(name: string, bytes: Uint8Array): void {
    const inode = { live: bytes.slice(), durable: bytes.slice(), dirty: new Map() };
    this.#live.set(name, inode);
    this.#durable.set(name, inode);
  }

  /** Takes a file away, durably. */
  lose(name: string): void {
    this.#live.delete(name);
    this.#durable.delete(name);
  }

  /**
   * Performs a step.
   *
   * @param upToBytes Writes only so many bytes: the machine stops in the middle.
   * @throws {DiskFault} It failed.
   */
  perform(step: DiskStep, upToBytes = Infinity): void {
    const code = this.fault(step);
    if (code !== undefined) {
      if (step.type === "sync") this.#failSync(this.#inode(step.file));
      throw new DiskFault(code, step.type);
    }
    switch (step.type) {
      case "write":
        this.#write(this.#inode(step.file), step.offset, step.bytes.subarray(0, upToBytes));
        break;
      case "sync":
        this.#sync(this.#inode(step.file));
        break;
      case "create": {
        const inode = { live: new Uint8Array(), durable: new Uint8Array(), dirty: new Map() };
        this.#live.set(step.file, inode);
        this.#changes.push({ type: "link", name: step.file, inode });
        this.#write(inode, 0, new Uint8Array(Math.min(step.sizeBytes, upToBytes)));
        break;
      }
      case "rename": {
        this.#live.set(step.to, this.#inode(step.from));
        this.#live.delete(step.from);
        this.#changes.push({ type: "rename", from: step.from, to: step.to });
        break;
      }
      case "remove":
        if (this.#live.delete(step.file)) this.#changes.push({ type: "unlink", name: step.file });
        break;
      case "syncDirectory":
        this.#durable = new Map(this.#live);
        this.#changes = [];
        break;
      default:
        step satisfies never;
    }
  }

  /** The machine stops, and starts again with what is left. */
  crash(policy: CrashPolicy): void {
    const changes = this.#changes;
    this.#changes = [];
    changes.forEach((change, i) => {
      if (!policy.name(i, changes.length)) return;
      if (change.type === "link") this.#durable.set(change.name, change.inode);
      else if (change.type === "unlink") this.#durable.delete(change.name);
      else {
        const inode = this.#durable.get(change.from);
        if (inode === undefined) return;
        this.#durable.delete(change.from);
        this.#durable.set(change.to, inode);
      }
    });
    for (const [name, inode] of [...this.#durable].sort(([a], [b]) => a < b ? -1 : 1)) {
      this.#settle(inode, (offset, versions) => policy.sector(name, offset, versions));
      inode.live = inode.durable.slice();
    }
    this.#live = new Map(this.#durable);
  }

  /** The same disk again, unsynced writes included, to be crashed in another way. */
  fork(): SimDisk {
    const copy = new SimDisk(this.#random, { capacityBytes: this.capacityBytes });
    const inodes = new Map<Inode, Inode>();
    const copied = (inode: Inode): Inode => {
      const known = inodes.get(inode);
      if (known !== undefined) return known;
      const dirty = new Map([...inode.dirty].map(([i, versions]) => [i, [...versions]]));
      const fresh = { live: inode.live.slice(), durable: inode.durable.slice(), dirty };
      inodes.set(inode, fresh);
      return fresh;
    };
    copy.#live = new Map([...this.#live].map(([name, inode]) => [name, copied(inode)]));
    copy.#durable = new Map([...this.#durable].map(([name, inode]) => [name, copied(inode)]));
    copy.#changes = this.#changes.map((change) =>
      change.type === "link" ? { ...change, inode: copied(change.inode) } : change
    );
    return copy;
  }

  #inode(name: string): Inode {
    const inode = this.#live.get(name);
    if (inode === undefined) throw new DiskFault("ENOENT", name);
    return inode;
  }

  #write(inode: Inode, offset: number, bytes: Uint8Array): void {
    let used = 0;
    for (const { live } of new Set(this.#live.values())) used += live.length;
    const growth = Math.max(0, offset + bytes.length - inode.live.length);
    const over = Math.max(0, used + growth - this.capacityBytes);
    const end = offset + bytes.length - Math.min(over, bytes.length);
    if (end > inode.live.length) {
      const grown = new Uint8Array(end);
      grown.set(inode.live);
      inode.live = grown;
    }
    inode.live.set(bytes.subarray(0, end - offset), offset);
    for (let sector = Math.floor(offset / SECTOR_BYTES); sector * SECTOR_BYTES < end; sector++) {
      const versions = inode.dirty.get(sector) ?? [];
      versions.push(inode.live.slice(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES));
      inode.dirty.set(sector, versions);
    }
    if (over > 0) throw new DiskFault("ENOSPC", "write");
  }

  /** Writes what is dirty, and only that: what an earlier failed sync has lost stays lost. */
  #sync(inode: Inode): void {
    this.#settle(inode, (_offset, versions) => ({ version: versions }));
  }

  #failSync(inode: Inode): void {
    this.#settle(inode, (_offset, versions) => ({ version: this.#random() < 0.5 ? versions : 0 }));
  }

  /** Overwrites what was written; bytes that the sync before has promised stay. */
  #spoil(content: Uint8Array, offset: number, durable: Uint8Array): void {
    for (let i = 0; i < content.length; i++) {
      if (content[i] !== (durable[offset + i] ?? 0)) content[i] = this.#random() * 256;
    }
  }

  /** Writes what a fate lets through, and takes the rest for written. */
  #settle(inode: Inode, fate: (offset: number, versions: number) => SectorFate): void {
    for (const sector of [...inode.dirty.keys()].sort((a, b) => a - b)) {
      const offset = sector * SECTOR_BYTES;
      const versions = inode.dirty.get(sector)!;
      const { version, tornAt = SECTOR_BYTES, garbage = false } = fate(offset, versions.length);
      if (version === 0) continue;
      const old = version === 1
        ? inode.durable.slice(offset, offset + SECTOR_BYTES)
        : versions[version - 2]!;
      const content = versions[version - 1]!.slice();
      for (let i = tornAt; i < content.length; i++) content[i] = old[i] ?? 0;
      if (garbage) this.#spoil(content, offset, inode.durable);
      if (offset + content.length > inode.durable.length) {
        const grown = new Uint8Array(offset + content.length);
        grown.set(inode.durable);
        inode.durable = grown;
      }
      inode.durable.set(content, offset);
    }
    inode.dirty.clear();
  }
}
