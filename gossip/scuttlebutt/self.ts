import type { PeerState } from "../../shard/peer.ts";
import {
  COMPACT_KEY,
  type Entry,
  INTERNAL_PREFIX,
  LEFT_KEY,
  type LocalWrite,
  STATE_KEY,
} from "./model.ts";
import type { ScuttlebuttSettings } from "./options.ts";
import { NodeRecord } from "./record.ts";
import type { Turn } from "./turn.ts";
import { MAX_KEY_BYTES } from "./wire/body.ts";
import { utf8Length } from "./wire/lengths.ts";

/** The generation is raised at most so often … */
const MAX_RAISES = 3;
/** … in this time. */
const RAISES_MS = 60_000;
/** Above this a generation cannot be raised and still be written. */
const MAX_GENERATION = Number.MAX_SAFE_INTEGER;

/** Somebody's claim about the own id. */
export interface Claim {
  readonly generation: number;
  readonly version: number;
  readonly heartbeat: number;
  /** Where the claimant is, when it speaks itself. */
  readonly addr?: string;
}

/** What {@link Self} works on. */
export interface SelfOptions {
  readonly settings: ScuttlebuttSettings;
  readonly turn: Turn;
  readonly id: string;
  readonly generation: number;
  readonly addr: string;
}

/** The own record: the only one that is written to, and only here. */
export class Self {
  /** The record. */
  readonly record: NodeRecord;
  /** Compactions so far. */
  compactions = 0;
  /** The greatest own version that another node is known to hold. */
  confirmed = 0;
  readonly #settings: ScuttlebuttSettings;
  readonly #turn: Turn;
  #liveBytes = 0;
  readonly #raises: number[] = [];
  #reported = -Infinity;

  /** Begins a life at version 0. */
  constructor(options: SelfOptions) {
    this.#settings = options.settings;
    this.#turn = options.turn;
    this.record = new NodeRecord(options);
  }

  /** Sets a key. @throws When the rules forbid it; nothing changed. */
  upsert(key: string, value: string): LocalWrite {
    const action = `upsert the key ${shown(key)}`;
    this.#check(action, key);
    const valueBytes = textBytes(action, "value", value);
    const { maxValueBytes, warnValueBytes, maxKeys, maxNodeBytes } = this.#settings;
    if (valueBytes > maxValueBytes) {
      throw new RangeError(
        `Cannot ${action} as a value must have at most ${maxValueBytes} bytes: current value is ${valueBytes}`,
      );
    }
    const old = this.#live(key);
    const large = valueBytes > warnValueBytes;
    if (old?.value === value) return this.#written(false, large);
    if (old === undefined && this.record.liveKeys >= maxKeys) {
      throw new RangeError(
        `Cannot ${action} as a node must have at most ${maxKeys} keys: current value is ${this.record.liveKeys}`,
      );
    }
    const bytes = this.#liveBytes + valueBytes + utf8Length(key) - liveBytesOf(old);
    if (bytes > maxNodeBytes) {
      throw new RangeError(
        `Cannot ${action} as a node's keys and values must have at most ${maxNodeBytes} bytes: current value is ${bytes}`,
      );
    }
    this.#liveBytes = bytes;
    this.#put({ key, value });
    return this.#written(true, large);
  }

  /** Deletes a key: leaves a tombstone. @throws When the rules forbid it; nothing changed. */
  delete(key: string): LocalWrite {
    this.#check(`delete the key ${shown(key)}`, key);
    const old = this.#live(key);
    if (old === undefined) return this.#written(false, false);
    this.#liveBytes -= liveBytesOf(old);
    this.#put({ key, value: "", deleted: true });
    return this.#written(true, false);
  }

  /** Declares a state; the version that tells of it. */
  declare(state: PeerState): number {
    this.#put({ key: STATE_KEY, value: state, internal: true });
    return this.record.version;
  }

  /** Says goodbye, once. */
  leave(): void {
    if (this.record.left) return;
    this.#put({ key: LEFT_KEY, value: "", internal: true });
    this.record.left = true;
  }

  /**
   * Drops tombstones once there are enough, by giving all else new versions and, last of all, the version before that as a marker:
   * whoever holds the marker holds all that is kept, and may forget what is older.
   */
  compact(): boolean {
    const { record } = this;
    const { compactThreshold, compactRatio } = this.#settings;
    const { tombstones } = record;
    if (record.left || tombstones < compactThreshold) return false;
    if (tombstones < compactRatio * record.liveKeys) return false;
    const before = record.version;
    const kept = record.entries.filter(({ key, deleted }) => !deleted && key !== COMPACT_KEY);
    for (const { key, value, internal } of kept) this.#put({ key, value, internal });
    record.removeUpTo(before);
    this.#put({ key: COMPACT_KEY, value: String(before), internal: true });
    this.compactions++;
    return true;
  }

  /**
   * Somebody speaks of the own id. The owner knows best: a claim of more than it ever issued is another life, or a forgery, and the own
   * generation goes above it.
   */
  claimed(claim: Claim): void {
    const { record } = this;
    const { generation, version, heartbeat, addr } = claim;
    if (generation < record.generation) return;
    const elsewhere = addr !== undefined && addr !== record.addr;
    if (
      generation === record.generation && version <= record.version &&
      heartbeat <= record.heartbeat && !elsewhere
    ) return;
    const turn = this.#turn;
    while (this.#raises.length > 0 && this.#raises[0]! <= turn.now - RAISES_MS) {
      this.#raises.shift();
    }
    const persistent = this.#raises.length >= MAX_RAISES || generation >= MAX_GENERATION;
    if (persistent && turn.now - this.#reported < RAISES_MS) return;
    if (persistent) this.#reported = turn.now;
    else {
      this.#raises.push(turn.now);
      record.generation = generation + 1;
      record.touch(turn);
      this.confirmed = 0;
    }
    turn.count("eventNodeConflict");
    turn.emit({
      type: "conflict",
      name: record.id,
      known: record.addr,
      claimed: addr ?? record.addr,
    });
    turn.event({ type: "conflict", id: record.id, generation: record.generation, persistent });
  }

  #check(action: string, key: string): void {
    if (this.record.left) {
      throw new DOMException(`Cannot ${action} as the node has left`, "InvalidStateError");
    }
    const bytes = textBytes(action, "key", key);
    if (bytes > MAX_KEY_BYTES) {
      throw new RangeError(
        `Cannot ${action} as a key must have at most ${MAX_KEY_BYTES} bytes: current value is ${bytes}`,
      );
    }
    if (key.startsWith(INTERNAL_PREFIX)) {
      throw new RangeError(`Cannot ${action} as keys must not begin with "${INTERNAL_PREFIX}"`);
    }
  }

  #live(key: string): Entry | undefined {
    const entry = this.record.entry(key);
    return entry === undefined || entry.deleted ? undefined : entry;
  }

  #put(
    { key, value, internal = false, deleted = false }: Partial<Entry> & {
      key: string;
      value: string;
    },
  ): void {
    const { record } = this;
    const version = record.version + 1;
    record.put(Object.freeze({ key, value, version, internal, deleted }));
    record.touch(this.#turn);
  }

  #written(changed: boolean, large: boolean): LocalWrite {
    return Object.freeze({ version: this.record.version, changed, large });
  }
}

function liveBytesOf(entry: Entry | undefined): number {
  return entry === undefined ? 0 : utf8Length(entry.key) + utf8Length(entry.value);
}

function textBytes(action: string, name: string, text: string): number {
  if (typeof text !== "string") {
    throw new TypeError(
      `Cannot ${action} as the ${name} must be a string: current value is of type ${typeof text}`,
    );
  }
  // UTF-8 cannot carry half a character: others would hold another text.
  if (LONE_SURROGATE.test(text)) {
    throw new TypeError(`Cannot ${action} as the ${name} must be well-formed Unicode`);
  }
  return utf8Length(text);
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function shown(key: unknown): string {
  const text = JSON.stringify(key) ?? String(key);
  return text.length > 64 ? `${text.slice(0, 64)}…` : text;
}
