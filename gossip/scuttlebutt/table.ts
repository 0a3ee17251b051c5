import { PhiEstimator } from "../phi.ts";
import { parseAddress } from "../swim/address.ts";
import { PeerView } from "../swim/peer_view.ts";
import { Graveyard } from "./graveyard.ts";
import type { Block, DigestEntry } from "./messages.ts";
import { COMPACT_KEY, type Entry, INTERNAL_PREFIX, LEFT_KEY, type NodeState } from "./model.ts";
import { Hearing } from "./hearing.ts";
import type { ScuttlebuttSettings } from "./options.ts";
import { byId, NodeRecord } from "./record.ts";
import type { Self } from "./self.ts";
import type { Turn } from "./turn.ts";

/** Rounds for which a node counts as one that others have more of. */
const BEHIND_ROUNDS = 10;

/** Expiries for which the expired are kept while most are down. */
const MAX_ISOLATION_EXPIRIES = 3;

/** How an entry of a peer's digest compares with what is held here. */
export type Standing =
  /** Nothing is held of this life, and all of it is wanted. */
  | "unknown"
  /** The peer holds more. */
  | "behind"
  /** The peer holds less of the same life. */
  | "ahead"
  /** The peer holds an older life. */
  | "older"
  /** Neither has what the other lacks. */
  | "same"
  /** Nothing may be learnt from it. */
  | "ignored";

/** What {@link NodeTable} works on. */
export interface NodeTableOptions {
  readonly settings: ScuttlebuttSettings;
  readonly turn: Turn;
  readonly self: Self;
  /** A record of another node was created, or one that was down came back. */
  readonly appeared: (record: NodeRecord) => void;
}

/** All that is known of all nodes, and every rule by which it changes. */
export class NodeTable {
  /** The peers: those that are up. */
  readonly view: PeerView = new PeerView();
  /** How much of the cluster the peers' pages tell of. */
  readonly hearing: Hearing;
  readonly #settings: ScuttlebuttSettings;
  readonly #turn: Turn;
  readonly #self: Self;
  readonly #appeared: (record: NodeRecord) => void;
  readonly #graveyard: Graveyard;
  readonly #records = new Map<string, NodeRecord>();

  /** Begins with the node itself. */
  constructor(options: NodeTableOptions) {
    this.#settings = options.settings;
    this.#turn = options.turn;
    this.#self = options.self;
    this.#appeared = options.appeared;
    this.#graveyard = new Graveyard(options.settings.maxGraves);
    this.hearing = new Hearing(options.settings.gossipIntervalMs);
    this.#records.set(options.self.record.id, options.self.record);
    this.list(options.self.record);
  }

  /** All records, the own one first. */
  get records(): Iterable<NodeRecord> {
    return this.#records.values();
  }

  /** Records held, the own one included. */
  get size(): number {
    return this.#records.size;
  }

  /** Lives that were removed and are remembered. */
  get graves(): number {
    return this.#graveyard.size;
  }

  /** The record of an id. */
  get(id: string): NodeRecord | undefined {
    return this.#records.get(id);
  }

  /** The latest life of another node that is held, or was removed and is remembered. */
  latestOf(id: string): number | undefined {
    return this.#records.get(id)?.generation ?? this.#graveyard.generationOf(id);
  }

  /** Whether a record is that of another node that is up. */
  isLive(record: NodeRecord): boolean {
    return !record.left && !record.down && record !== this.#self.record;
  }

  /**
   * Whether a record may be listed, and served to those who list that life already. One that is down stops halfway to its removal:
   * else those who remove it first would learn of it again from those who remove it last.
   */
  isListed(record: NodeRecord): boolean {
    return !record.down || this.#turn.clock < record.expiry! - this.#settings.downExpiryMs / 2;
  }

  /** Whether a record may be taught to those who know nothing of it. */
  isTaught(record: NodeRecord): boolean {
    return !record.left && !record.down;
  }

  /** Whether peers hold more of a record, as far as is known. */
  isBehind(record: NodeRecord): boolean {
    return record !== this.#self.record && this.#turn.round - record.behindRound < BEHIND_ROUNDS;
  }

  /** A peer showed what it holds of a node: takes what it says of heartbeat and leaving, and compares the rest. */
  observe(entry: DigestEntry): Standing {
    const { id, generation, heartbeat, version } = entry;
    const own = this.#self.record;
    if (id === own.id) {
      this.#self.claimed(entry);
      if (generation > own.generation) return "ignored";
      if (generation < own.generation) return "older";
      this.#self.confirmed = Math.max(this.#self.confirmed, Math.min(version, own.version));
      return version < own.version ? "ahead" : "same";
    }
    const record = this.#records.get(id);
    if (record === undefined || generation > record.generation) {
      if (entry.left || entry.down) return "ignored";
      if (record === undefined && !this.#admits(entry)) return "ignored";
      return "unknown";
    }
    if (generation < record.generation) return "older";
    this.#heard(record, heartbeat);
    if (entry.left) this.#markLeft(record);
    if (version < record.version) return "ahead";
    if (version === record.version) return "same";
    record.behindRound = this.#turn.round;
    return "behind";
  }

  /** Takes a block of a delta, or refuses it as a whole. */
  apply(block: Block): void {
    const own = this.#self.record;
    if (block.id === own.id) {
      const version = block.entries.at(-1)?.version ?? block.from;
      this.#self.claimed({ ...block, version, addr: block.addr });
      return;
    }
    let record = this.#records.get(block.id);
    if (record !== undefined && block.generation < record.generation) return;
    if (record === undefined || block.generation > record.generation) {
      if (block.left || block.down) return;
      if (record === undefined && !this.#admits(block)) return;
      if (block.from > 0) return this.#refuseGap(block, 0);
      if (parseAddress(block.addr) === undefined) {
        return this.#turn.refuse("address", `${block.id} is said to be at ${block.addr}`);
      }
      if (record !== undefined) this.#remove(record);
      record = this.#create(block);
    } else if (block.from > record.version) {
      return this.#refuseGap(block, record.version);
    }
    this.#heard(record, block.heartbeat);
    this.#applyEntries(record, block.entries);
    if (block.left) this.#markLeft(record);
  }

  /** A node said goodbye itself. */
  left(id: string, generation: number): void {
    const record = this.#records.get(id);
    if (record?.generation === generation && record !== this.#self.record) this.#markLeft(record);
  }

  /** Judges the silence of all others. Once a round. */
  judge(): void {
    const { clock } = this.#turn;
    const { suspicionThreshold, downExpiryMs } = this.#settings;
    const { leastMeanMs } = this.hearing;
    const changed: NodeRecord[] = [];
    for (const record of this.#records.values()) {
      const { detector } = record;
      if (detector === undefined || record.left) continue;
      detector.minMeanMs = leastMeanMs;
      if (record.down ? !record.heard : !detector.exceeds(suspicionThreshold, clock)) continue;
      if (record.down && detector.exceeds(suspicionThreshold, clock)) continue;
      changed.push(record);
    }
    for (const record of changed.sort(byId)) {
      const { id, generation } = record;
      record.down = !record.down;
      if (record.down) {
        record.heard = false;
        record.expiry = clock + downExpiryMs;
        record.detector!.restart();
        this.view.delete(id);
        this.#turn.count("suspicion");
        this.#turn.event({ type: "down", id, generation });
      } else {
        record.expiry = undefined;
        this.list(record);
        this.#turn.event({ type: "up", id, generation });
        this.#appeared(record);
      }
    }
  }

  /**
   * Removes records whose time has come. While most are down, this node is probably the isolated one, and those that are down wait: for
   * three more expiries, as most may be gone for good.
   */
  expire(): void {
    const { clock } = this.#turn;
    let known = 0;
    let down = 0;
    const due: NodeRecord[] = [];
    for (const record of this.#records.values()) {
      if (record === this.#self.record) continue;
      if (record.expiry !== undefined && record.expiry <= clock) due.push(record);
      if (record.left) continue;
      known++;
      if (record.down) down++;
    }
    this.#graveyard.prune(clock);
    const isolated = known >= 4 && down * 2 > known;
    const overdue = clock - MAX_ISOLATION_EXPIRIES * this.#settings.downExpiryMs;
    for (const record of due.sort(byId)) {
      if (isolated && record.down && record.expiry! > overdue) continue;
      this.#graveyard.bury(record.id, {
        generation: record.generation,
        heartbeat: record.heartbeat,
        left: record.left,
        until: clock + this.#settings.graveyardMs,
      });
      this.#remove(record);
    }
  }

  /** Shows a node as it is now among the peers. */
  list({ id, addr, state }: NodeRecord): void {
    this.view.set({ name: id, addr, self: id === this.#self.record.id, state });
  }

  /** A node with its entries. */
  snapshot(record: NodeRecord): NodeState {
    const { now, clock } = this.#turn;
    return record.snapshot(record.expiry === undefined ? undefined : record.expiry + now - clock);
  }

  #admits(sign: { id: string; generation: number; heartbeat: number }): boolean {
    if (this.#graveyard.suppresses(sign)) return false;
    if (this.#records.size < this.#settings.maxNodes) return true;
    this.#turn.refuse("limit", `There are ${this.#records.size} nodes, ${sign.id} is one too many`);
    return false;
  }

  #create(block: Block): NodeRecord {
    const { clock } = this.#turn;
    const { gossipIntervalMs, windowSize } = this.#settings;
    const record = new NodeRecord(block);
    record.heartbeat = block.heartbeat;
    record.touch(this.#turn);
    record.detector = new PhiEstimator({
      priorMs: 2 * gossipIntervalMs,
      minMeanMs: this.hearing.leastMeanMs,
      maxGapMs: Math.max(10_000, 20 * gossipIntervalMs),
      windowSize,
    }, clock);
    this.#records.set(record.id, record);
    this.#graveyard.open(record.id);
    this.#turn.count("eventNodeJoin");
    this.#turn.event({ type: "join", id: record.id, generation: record.generation });
    this.list(record);
    this.#appeared(record);
    return record;
  }

  #remove(record: NodeRecord): void {
    const { id, generation } = record;
    this.#records.delete(id);
    this.view.delete(id);
    this.#turn.count("eventNodeLeave");
    this.#turn.event({ type: "expired", id, generation });
  }

  #heard(record: NodeRecord, heartbeat: number): void {
    if (heartbeat <= record.heartbeat) return;
    record.heartbeat = heartbeat;
    record.heard = true;
    record.detector?.heard(this.#turn.clock);
  }

  #markLeft(record: NodeRecord): void {
    if (record.left) return;
    const { clock } = this.#turn;
    const { id, generation } = record;
    record.left = true;
    record.down = false;
    record.expiry = clock + this.#settings.leftExpiryMs;
    record.touch(this.#turn);
    this.view.delete(id);
    this.#turn.event({ type: "leave", id, generation });
  }

  #applyEntries(record: NodeRecord, entries: readonly Entry[]): void {
    const before = record.version;
    for (const entry of entries) {
      if (entry.version <= record.version) continue;
      const fault = this.#fault(record, entry);
      if (fault !== undefined) {
        this.#turn.refuse(...fault);
        break;
      }
      if (entry.internal) this.#applyInternal(record, entry);
      else this.#applyUser(record, entry);
    }
    if (record.version === before) return;
    record.touch(this.#turn);
    if (!record.left && !record.down) this.list(record);
  }

  #applyUser(record: NodeRecord, entry: Entry): void {
    const { id, generation } = record;
    const { key, value } = entry;
    const old = record.entry(key);
    const live = old !== undefined && !old.deleted;
    record.put(entry);
    if (entry.deleted) {
      if (live) this.#turn.event({ type: "deleteKey", id, generation, key });
    } else if (!live || old.value !== value) {
      this.#turn.event({ type: "upsertKey", id, generation, key, value });
    }
  }

  #applyInternal(record: NodeRecord, entry: Entry): void {
    const { id, generation } = record;
    record.put(entry);
    if (entry.deleted) return;
    if (entry.key === LEFT_KEY) this.#markLeft(record);
    if (entry.key !== COMPACT_KEY) return;
    for (const { key, internal, deleted } of record.removeUpTo(Number(entry.value))) {
      if (!internal && !deleted) this.#turn.event({ type: "deleteKey", id, generation, key });
    }
  }

  /** What an honest owner would never send; nothing after it can be taken, as that would leave a hole. */
  #fault(record: NodeRecord, entry: Entry): readonly [reason: string, detail: string] | undefined {
    const { key, value, internal, deleted, version } = entry;
    if (internal !== key.startsWith(INTERNAL_PREFIX)) {
      return ["decode", `${record.id} calls its key ${key} ${internal ? "" : "not "}internal`];
    }
    if (key === COMPACT_KEY && !deleted) {
      const number = Number(value);
      if (!/^(0|[1-9]\d{0,15})$/.test(value) || number >= version) {
        return ["decode", `${record.id} compacts up to ${value} at version ${version}`];
      }
    }
    // Twice what an owner may write: a replica may hold old and new entries at once, before a marker.
    const { maxKeys, compactThreshold, maxNodeBytes } = this.#settings;
    const most = 2 * (maxKeys + compactThreshold + 64);
    const mostBytes = 2 * maxNodeBytes + (compactThreshold + 64) * 512;
    if (record.size >= most || record.bytes + value.length > mostBytes) {
      return ["limit", `${record.id} has too many keys or too large ones`];
    }
    return undefined;
  }

  #refuseGap(block: Block, version: number): void {
    this.#turn.refuse(
      "gap",
      `The delta of ${block.id} begins after version ${block.from}, and ${version} is held`,
    );
  }
}
