/**
 * A seeded world of Scuttlebutt nodes with every fault that a network has, which checks the invariants of the specification (I1 to I12)
 * after every step.
 */
import { assert, assertEquals } from "@std/assert";
import type { GossipEffect, GossipInput } from "../strategy.ts";
import { prng } from "./_harness.ts";
import { Invariants, type Watched } from "./_harness_invariants.ts";
import type { ScuttlebuttCore, ScuttlebuttEvent, ScuttlebuttOptions } from "./mod.ts";
import { scuttlebutt } from "./scuttlebutt.ts";
import { decodePacket, decodeStream, encodeFrame, encodeStream } from "./wire/codec.ts";
import { clusterTag } from "./wire/frame.ts";

const TAG = clusterTag("world");

/** One life of one node. */
export interface Life extends Watched {
  readonly address: string;
  readonly events: ScuttlebuttEvent[];
  readonly log: { readonly input: GossipInput | string[]; readonly now: number; effects: string }[];
  readonly seed: number;
  readonly generation: number;
  readonly startedAt: number;
  readonly maxPacketBytes: number;
  readonly outcomes: Map<number, GossipEffect>;
  up: boolean;
  stalledUntil: number;
  timerAt: number;
  waiting: GossipInput[];
}

/** Options of {@link FaultWorld}. */
export interface FaultWorldOptions {
  readonly seed: number;
  readonly settings?: ScuttlebuttOptions;
  /** Whether to keep what each node was told, to replay it. @default {false} */
  readonly replays?: boolean;
  /** Whether to check after every step. @default {true} */
  readonly checks?: boolean;
}

/** See the module. */
export class FaultWorld {
  now = 0;
  loss = 0;
  duplicates = 0;
  delayMs: readonly [number, number] = [1, 5];
  readonly lives: Life[] = [];
  readonly random: () => number;
  /** Blocks in packets since the last reset. */
  blocks = 0;
  packets = 0;
  packetBytes = 0;
  #cut: (from: Life, to: Life) => boolean = () => false;
  readonly #options: FaultWorldOptions;
  readonly #byAddress = new Map<string, Life>();
  #queue: { readonly at: number; readonly order: number; readonly run: () => void }[] = [];
  #order = 0;
  #ids = 0;
  readonly #replies = new Map<number, (bytes: Uint8Array | undefined) => void>();
  readonly #invariants: Invariants;

  constructor(options: FaultWorldOptions) {
    this.#options = options;
    this.random = prng(options.seed);
    this.#invariants = new Invariants(options.seed);
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  /** Starts a node. */
  add(id: string, more: { generation?: number; settings?: ScuttlebuttOptions } = {}): Life {
    const count = this.lives.length + 1;
    const address = `10.${count >> 16}.${(count >> 8) & 255}.${count & 255}:7000`;
    const seed = this.below(2 ** 31);
    const generation = more.generation ?? 1000 + count;
    const settings = { ...this.#options.settings, ...more.settings };
    const strategy = scuttlebutt(settings);
    const context = { name: id, address, clusterName: "world", generation, now: this.now };
    const life: Life = {
      id,
      address,
      core: strategy.create({ ...context, random: prng(seed) }),
      events: [],
      log: [],
      replica: new Map(),
      seed,
      generation,
      startedAt: this.now,
      maxPacketBytes: settings.maxPacketBytes ?? 1400,
      outcomes: new Map(),
      up: true,
      stalledUntil: 0,
      timerAt: -1,
      waiting: [],
    };
    this.lives.push(life);
    this.#byAddress.set(address, life);
    this.step(life, { type: "timeout" });
    if (this.#options.replays) {
      this.#twins.set(life, strategy.create({ ...context, random: prng(seed) }));
    }
    return life;
  }
  readonly #twins = new Map<Life, ScuttlebuttCore>();

  /** Starts `count` nodes, joined through the first, which all know each other. */
  form(count: number): readonly Life[] {
    const lives = Array.from({ length: count }, (_, i) => this.add(`n${i}`));
    for (const life of lives.slice(1)) this.join(life, [lives[0]!]);
    this.until(() => lives.every(({ core }) => core.peers.length === count), 60_000);
    return lives;
  }

  join(life: Life, seeds: readonly Life[]): void {
    const addresses = seeds.map(({ address }) => address);
    this.step(life, { type: "join", operation: ++this.#ids, addresses });
  }

  leave(life: Life): number {
    this.step(life, { type: "leave", operation: ++this.#ids });
    return this.#ids;
  }

  /** A local write, if the node may. */
  write(life: Life, key: string, value: string | undefined): void {
    if (!life.up || life.core.localNode.left) return;
    if (value === undefined) life.core.deleteLocal(key, this.now);
    else life.core.upsertLocal(key, value, this.now);
    if (this.#options.replays) {
      const input = value === undefined ? [key] : [key, value];
      life.log.push({ input, now: this.now, effects: "" });
    }
  }

  crash(life: Life): void {
    life.up = false;
    this.#byAddress.delete(life.address);
  }

  stall(life: Life, ms: number): void {
    life.stalledUntil = this.now + ms;
    this.#at(life.stalledUntil, () => {
      if (this.now < life.stalledUntil || !life.up) return;
      life.timerAt = -1;
      this.step(life, { type: "timeout" });
      for (const input of life.waiting.splice(0)) this.step(life, input);
    });
  }

  /** Nothing passes between the groups; `oneWay`: from the first to the second only. */
  part(first: readonly Life[], second: readonly Life[], oneWay = false): void {
    const [a, b] = [new Set(first), new Set(second)];
    this.#cut = (from, to) => (a.has(from) && b.has(to)) || (!oneWay && b.has(from) && a.has(to));
  }

  heal(): void {
    this.#cut = () => false;
  }

  run(ms: number): void {
    const end = this.now + ms;
    for (let top = this.#queue[0]; top !== undefined && top.at <= end; top = this.#queue[0]) {
      this.#pop();
      this.now = top.at;
      top.run();
    }
    this.now = end;
  }

  /** Lets time pass until something holds; the milliseconds that took. */
  until(holds: () => boolean, withinMs: number, stepMs = 25): number {
    const begin = this.now;
    while (!holds()) {
      assert(this.now - begin < withinMs, `Not within ${withinMs} ms, seed ${this.#options.seed}`);
      this.run(stepMs);
    }
    return this.now - begin;
  }

  /** Whether all running nodes hold the same of all running nodes. */
  get agreed(): boolean {
    const up = this.lives.filter((life) => life.up && !life.core.localNode.left);
    return up.every(({ core }) =>
      core.peers.length === up.length && up.every((owner) => {
        const held = core.node(owner.id);
        const { generation, version } = owner.core.localNode;
        return held?.generation === generation && held.version === version && !held.down;
      })
    );
  }

  step(life: Life, input: GossipInput): void {
    if (!life.up) return;
    if (this.now < life.stalledUntil) {
      life.waiting.push(input);
      return;
    }
    const effects = life.core.step(input, this.now);
    if (this.#options.replays) {
      life.log.push({ input, now: this.now, effects: printed(effects) });
    }
    const { deadline } = life.core;
    assert(Number.isFinite(deadline), "I10: the deadline is finite");
    if (input.type === "timeout") assert(deadline > this.now, "I10: the deadline lies ahead");
    for (const effect of effects) {
      if (effect.type !== "event") continue;
      const event = effect.event as ScuttlebuttEvent;
      life.events.push(event);
      this.#invariants.told(life, event);
    }
    if (this.#options.checks !== false) this.#invariants.check(life);
    for (const effect of effects) this.#perform(life, effect);
    if (deadline !== life.timerAt) {
      life.timerAt = deadline;
      this.#at(deadline, () => {
        if (life.timerAt !== deadline || this.now < life.stalledUntil) return;
        life.timerAt = -1;
        this.step(life, { type: "timeout" });
      });
    }
  }

  /** All invariants, for all nodes. */
  check(): void {
    for (const life of this.lives) if (life.up) this.#invariants.check(life);
  }

  /** I11: the same inputs at the same instants with the same random numbers have the same effects. */
  replay(): number {
    let steps = 0;
    for (const [life, twin] of this.#twins) {
      for (const { input, now, effects } of life.log) {
        if (!Array.isArray(input)) assertEquals(printed(twin.step(input, now)), effects, "I11");
        else if (input[1] === undefined) twin.deleteLocal(input[0]!, now);
        else twin.upsertLocal(input[0]!, input[1], now);
        steps++;
      }
      assertEquals(twin.nodes(), life.core.nodes());
    }
    return steps;
  }

  #perform(life: Life, effect: GossipEffect): void {
    switch (effect.type) {
      case "send": {
        assert(effect.bytes.length <= life.maxPacketBytes, "I7: a packet is too long");
        if (this.#options.checks !== false) {
          const packet = decodePacket(effect.bytes, TAG);
          assert(same(encodeFrame(packet, TAG), effect.bytes), "I7");
          if ("delta" in packet) this.blocks += packet.delta.length;
        }
        this.packets++;
        this.packetBytes += effect.bytes.length;
        const copies = this.random() < this.duplicates ? 2 : 1;
        for (let i = 0; i < copies; i++) {
          this.#deliver(life, effect.to, (to) => {
            this.step(to, { type: "packet", bytes: effect.bytes });
          });
        }
        break;
      }
      case "exchange":
        return this.#exchange(life, effect);
      case "reply":
      case "hangUp": {
        const answer = this.#replies.get(effect.exchange);
        this.#replies.delete(effect.exchange);
        answer?.(effect.type === "reply" ? effect.bytes : undefined);
        break;
      }
      case "done":
      case "failed":
        assert(!life.outcomes.has(effect.operation), "an operation ended twice");
        life.outcomes.set(effect.operation, effect);
    }
  }

  #exchange(life: Life, effect: Extract<GossipEffect, { type: "exchange" }>): void {
    const { exchange, bytes, to, timeoutMs } = effect;
    assertEquals(encodeStream(decodeStream(bytes, TAG), TAG), bytes, "I7");
    let open = true;
    const end = (input: GossipInput): void => {
      if (open) this.step(life, input);
      open = false;
    };
    const fail = (reason: string): void => end({ type: "exchangeFailed", exchange, reason });
    this.#at(this.now + timeoutMs, () => fail("timed out"));
    if (!this.#byAddress.has(to)) return this.#at(this.now + 1, () => fail("refused"));
    this.#deliver(life, to, (target) => {
      const accepted = ++this.#ids;
      this.#replies.set(accepted, (reply) => {
        this.#at(this.now, () => {
          this.step(target, { type: "replied", exchange: accepted, ok: reply !== undefined });
        });
        this.#deliver(target, life.address, () => {
          if (reply === undefined) fail("closed");
          else end({ type: "response", exchange, bytes: this.#read(life, reply) });
        });
      });
      this.step(target, { type: "request", exchange: accepted, bytes: this.#read(target, bytes) });
    });
  }

  #read(life: Life, bytes: Uint8Array): Uint8Array {
    const reader = life.core.reader("request");
    const cut = this.below(bytes.length);
    assert(!reader.push(bytes.subarray(0, cut)) && reader.push(bytes.subarray(cut)));
    return reader.bytes;
  }

  #deliver(from: Life, to: string, arrive: (to: Life) => void): void {
    if (this.random() < this.loss) return;
    const [least, most] = this.delayMs;
    this.#at(this.now + least + this.random() * (most - least), () => {
      const target = this.#byAddress.get(to);
      if (target !== undefined && target.up && !this.#cut(from, target)) arrive(target);
    });
  }

  #at(at: number, run: () => void): void {
    const heap = this.#queue;
    const event = { at, order: this.#order++, run };
    let i = heap.push(event) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(event, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = event;
  }

  #pop(): void {
    const heap = this.#queue;
    const event = heap.pop()!;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, event)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = event;
  }
}

function before(a: { at: number; order: number }, b: { at: number; order: number }): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function printed(effects: readonly GossipEffect[]): string {
  return JSON.stringify(
    effects,
    (_, value) => value instanceof Uint8Array ? [...value].join() : value,
  );
}
