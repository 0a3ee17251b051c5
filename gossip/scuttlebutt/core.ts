import type { Peer, PeerState } from "../../shard/peer.ts";
import type { PhiEstimator } from "../phi.ts";
import type {
  GossipContext,
  GossipCore,
  GossipEffect,
  GossipInput,
  GossipStats,
  MessageReader,
} from "../strategy.ts";
import { checkContext } from "./context.ts";
import { Declaring } from "./declaring.ts";
import { DigestPager } from "./digest.ts";
import { Joins } from "./joins.ts";
import { Leaving } from "./leaving.ts";
import type { LocalWrite, NodeMetadata, NodeState } from "./model.ts";
import type { ScuttlebuttSettings } from "./options.ts";
import { Packets } from "./packets.ts";
import type { Parts } from "./parts.ts";
import { byId, type NodeRecord } from "./record.ts";
import { Rotation } from "./rotation.ts";
import { Self } from "./self.ts";
import { type Counts, counts, populationOf, type ScuttlebuttStats } from "./stats.ts";
import { Streams } from "./streams.ts";
import { NodeTable } from "./table.ts";
import { Turn } from "./turn.ts";
import { clusterTag } from "./wire/frame.ts";
import { StreamReader } from "./wire/stream_reader.ts";

/** Rounds are this part longer and shorter than others, so that nodes do not fall into step. */
const JITTER = 0.1;
/** With live peers around, one round in so many looks after an address that was joined once. */
const SEED_ROUNDS = 20;

/** One node of a Scuttlebutt cluster. Made by `scuttlebutt()`. */
export class ScuttlebuttCore implements GossipCore {
  readonly #settings: ScuttlebuttSettings;
  readonly #turn: Turn;
  readonly #self: Self;
  readonly #table: NodeTable;
  readonly #pager: DigestPager;
  readonly #counts: Counts = counts();
  readonly #packets: Packets;
  readonly #streams: Streams;
  readonly #joins: Joins;
  readonly #leaving: Leaving;
  readonly #declaring: Declaring;
  readonly #rotation: Rotation;
  #begun = false;
  #nextRound = Infinity;
  #nextSync = Infinity;
  #turnOfDown = true;
  #backlogBytes = 0;
  #stalledMs = 0;

  /**
   * Creates a core at rest: nothing is sent before the first step.
   *
   * @throws {RangeError} When the context is outside its ranges.
   */
  constructor(settings: ScuttlebuttSettings, context: GossipContext) {
    checkContext(context);
    this.#settings = settings;
    const { now, random } = context;
    const { gossipIntervalMs, streamTimeoutMs } = settings;
    const turn = this.#turn = new Turn({ now, random, gossipIntervalMs });
    const self = this.#self = new Self({
      settings,
      turn,
      id: context.name,
      generation: context.generation,
      addr: context.address,
    });
    this.#rotation = new Rotation(turn);
    const table = this.#table = new NodeTable({
      settings,
      turn,
      self,
      appeared: ({ id }) => {
        this.#rotation.add(id);
        this.#pager.add(id);
      },
    });
    const pager = this.#pager = new DigestPager({ turn, table, self: self.record });
    const label = context.clusterName;
    const tag = clusterTag(label);
    const parts: Parts = { settings, turn, self, table, pager, counts: this.#counts, label, tag };
    const packets = this.#packets = new Packets({
      ...parts,
      more: (from) => this.#streams.sync(from),
    });
    const streams = this.#streams = new Streams({
      ...parts,
      ask: (to, wants) => packets.syn(to, wants),
    });
    this.#joins = new Joins({
      turn,
      streams,
      own: context.address,
      syn: (to) => packets.syn(to),
    });
    this.#leaving = new Leaving({ turn, streams, streamTimeoutMs });
    this.#declaring = new Declaring({ turn, self, table });
  }

  /** See {@link GossipCore.deadline}. */
  get deadline(): number {
    // The effects of the creation wait for the first step.
    return this.#begun ? this.#nextRound : this.#turn.now;
  }

  /** See {@link GossipCore.peers}. */
  get peers(): readonly Peer[] {
    return this.#table.view.last;
  }

  /** See {@link GossipCore.state}. */
  get state(): PeerState {
    return this.#self.record.state;
  }

  /** See {@link GossipCore.stats}. The node's version stands for the Lamport time. */
  get stats(): GossipStats {
    const { nodesUp, nodesDown, nodesLeft } = populationOf(this.#table.records);
    return {
      lamportTime: this.#self.record.version,
      healthScore: 0,
      queuedBroadcasts: 0,
      alive: nodesUp,
      suspect: 0,
      dead: nodesDown,
      left: nodesLeft,
    };
  }

  /** What only this protocol counts. */
  get scuttlebuttStats(): ScuttlebuttStats {
    const { clock } = this.#turn;
    let stateBytes = 0;
    let liveEntries = 0;
    let tombstones = 0;
    let internalEntries = 0;
    let worstSuspicion = 0;
    for (const record of this.#table.records) {
      stateBytes += record.bytes;
      liveEntries += record.liveKeys;
      tombstones += record.tombstones;
      internalEntries += record.size - record.liveKeys - record.tombstones;
      if (!this.#table.isLive(record)) continue;
      worstSuspicion = Math.max(worstSuspicion, record.detector!.suspicion(clock));
    }
    return Object.freeze({
      ...this.#counts,
      ...populationOf(this.#table.records),
      rounds: this.#turn.round,
      digestBytes: this.#pager.bytes,
      stateBytes,
      liveEntries,
      tombstones,
      internalEntries,
      graves: this.#table.graves,
      compactions: this.#self.compactions,
      backlogBytes: this.#backlogBytes,
      worstSuspicion,
      stalledMs: this.#stalledMs,
    });
  }

  /** The node itself, with its entries. Frozen. */
  get localNode(): NodeState {
    return this.#table.snapshot(this.#self.record);
  }

  /** A node with its entries, the node itself included; `undefined` when it is not known. Frozen. */
  node(id: string): NodeState | undefined {
    const record = this.#table.get(id);
    return record && this.#table.snapshot(record);
  }

  /** All nodes known, by id: itself, and those that are down or left, until they expire. Frozen. */
  nodes(): readonly NodeMetadata[] {
    const records = [...this.#table.records].sort(byId);
    return Object.freeze(records.map((record) => {
      const { entries: _, ...metadata } = this.#table.snapshot(record);
      return Object.freeze(metadata);
    }));
  }

  /** The score `t/μ` of a peer's silence at `now`, which the threshold is compared with; `undefined` unless it is up or down. */
  suspicion(id: string, now: number): number | undefined {
    return this.#judged(id)?.suspicion(this.#turn.clockAt(now));
  }

  /** The same as the true φ, `t / (μ · ln 10)`. */
  phi(id: string, now: number): number | undefined {
    return this.#judged(id)?.phi(this.#turn.clockAt(now));
  }

  /**
   * Sets an own key; the others hear of it with the next rounds. A key that has that value already stays as it is.
   *
   * @throws {RangeError} When the key has more than 255 bytes or begins with `_internal:`, the value has more than `maxValueBytes`, or the
   * node would have too many keys or bytes.
   * @throws {TypeError} When either is no string of well-formed Unicode.
   * @throws {DOMException} `InvalidStateError` when the node has left. Nothing changed, in all cases.
   */
  upsertLocal(key: string, value: string, now: number): LocalWrite {
    this.#advance(now);
    return this.#self.upsert(key, value);
  }

  /**
   * Deletes an own key; a key that is absent stays absent.
   *
   * @throws As {@link upsertLocal} does for keys. Nothing changed then.
   */
  deleteLocal(key: string, now: number): LocalWrite {
    this.#advance(now);
    return this.#self.delete(key);
  }

  /** See {@link GossipCore.reader}. */
  reader(_kind: "request" | "response"): MessageReader {
    return new StreamReader({ maxStreamBytes: this.#settings.maxStreamBytes });
  }

  /** See {@link GossipCore.step}. */
  step(input: GossipInput, now: number): readonly GossipEffect[] {
    const turn = this.#turn;
    if (!this.#begun) {
      this.#begun = true;
      this.#advance(now);
      // Nodes that start together do not stay in step.
      const { gossipIntervalMs, syncIntervalMs } = this.#settings;
      this.#nextRound = turn.now + gossipIntervalMs * (0.1 + 0.9 * turn.random());
      if (syncIntervalMs > 0) this.#nextSync = turn.now + syncIntervalMs * (1 + turn.random());
    } else if (input.type === "timeout" && now < this.#nextRound) return NOTHING;
    else this.#advance(now);
    this.#take(input);
    this.#declaring.confirm();
    const peers = this.#table.view.take();
    const effects = turn.flush();
    // First the view, then what happened: who hears of a node can find it among the peers.
    return peers === undefined ? effects : [{ type: "peers", peers }, ...effects];
  }

  #advance(now: number): void {
    const turn = this.#turn;
    const { clock } = turn;
    const elapsed = Math.max(0, now - turn.now);
    turn.advance(now);
    this.#stalledMs += elapsed - (turn.clock - clock);
  }

  #take(input: GossipInput): void {
    switch (input.type) {
      case "timeout":
        if (this.#turn.now >= this.#nextRound) this.#round();
        break;
      case "packet":
        this.#packets.receive(input.bytes);
        break;
      case "request":
        this.#streams.request(input.exchange, input.bytes);
        break;
      case "replied":
        this.#streams.replied(input.exchange);
        break;
      case "response":
        this.#streams.response(input.exchange, input.bytes);
        break;
      case "exchangeFailed":
        this.#streams.failed(input.exchange, input.reason);
        break;
      case "join":
        this.#join(input.operation, input.addresses);
        break;
      case "changeState":
        this.#declaring.declare(input.operation, input.state);
        break;
      case "leave":
        this.#leave(input.operation);
        break;
      default:
        input satisfies never;
    }
  }

  #round(): void {
    const turn = this.#turn;
    const { gossipIntervalMs, sweepEvery } = this.#settings;
    const late = turn.now - this.#nextRound;
    if (late > gossipIntervalMs) turn.count("lateTimer");
    // After a sleep there is one round, and no burst of those that were missed.
    const begin = late > gossipIntervalMs ? turn.now : this.#nextRound;
    this.#nextRound = Math.max(
      begin + gossipIntervalMs * (1 + JITTER * (turn.random() - 0.5)),
      turn.now + 1,
    );
    turn.round++;
    this.#backlogBytes = this.#packets.takeBacklogBytes();
    this.#table.judge();
    if (turn.round % sweepEvery === 0) {
      this.#table.expire();
      this.#self.compact();
    }
    this.#leaving.round();
    if (this.#self.record.left) return;
    this.#self.record.heartbeat++;
    this.#gossip();
    this.#joins.round();
  }

  #gossip(): void {
    const turn = this.#turn;
    const { fanout, syncIntervalMs } = this.#settings;
    const met = new Set<string>();
    for (let i = 0; i < fanout; i++) {
      const id = this.#rotation.next(
        () => this.#live().map((record) => record.id),
        (one) => !met.has(one) && this.#isLive(one),
      );
      if (id === undefined) break;
      met.add(id);
      this.#packets.syn(this.#table.get(id)!.addr);
    }
    const other = this.#outsider(met.size === 0);
    if (other !== undefined) this.#packets.syn(other);
    if (turn.now < this.#nextSync) return;
    this.#nextSync = turn.now + syncIntervalMs * (1 + JITTER * (turn.random() - 0.5));
    const live = this.#live();
    if (live.length > 0) this.#streams.sync(live[turn.below(live.length)]!.addr);
  }

  /** A peer that is down, or an address that was joined once, by turns: what mends partitions. */
  #outsider(alone: boolean): string | undefined {
    const turn = this.#turn;
    const down = [...this.#table.records].filter((record) => record.down && !record.left)
      .map(({ addr }) => addr);
    const seeks = alone || turn.round % SEED_ROUNDS === 0;
    const seeds = seeks ? this.#strangers() : [];
    this.#turnOfDown = !this.#turnOfDown;
    const pool = (this.#turnOfDown && down.length > 0) || seeds.length === 0 ? down : seeds;
    return pool.length === 0 ? undefined : pool[turn.below(pool.length)];
  }

  #strangers(): readonly string[] {
    const up = new Set(this.#live().map(({ addr }) => addr));
    return this.#joins.seeds.filter((seed) => !up.has(seed));
  }

  #join(operation: number, addresses: readonly string[]): void {
    if (this.#self.record.left) {
      const error = "Cannot join as the node has left";
      return this.#turn.emit({ type: "failed", operation, cause: "illegalState", error });
    }
    this.#joins.join(operation, addresses);
  }

  #leave(operation: number): void {
    const { record } = this.#self;
    if (!record.left) {
      this.#joins.stop();
      this.#self.leave();
      this.#table.view.delete(record.id);
    }
    this.#leaving.leave(operation, this.#live());
  }

  #live(): readonly NodeRecord[] {
    return [...this.#table.records].filter((record) => this.#table.isLive(record));
  }

  #isLive(id: string): boolean {
    const record = this.#table.get(id);
    return record !== undefined && this.#table.isLive(record);
  }

  #judged(id: string): PhiEstimator | undefined {
    const record = this.#table.get(id);
    return record?.left === false ? record.detector : undefined;
  }
}

const NOTHING: readonly GossipEffect[] = Object.freeze([]);
