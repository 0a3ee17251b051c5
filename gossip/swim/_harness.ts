/**
 * A small seeded world for tests: a virtual clock, links that delay, lose and part, and nodes that crash, stall and restart. It
 * drives real cores, with their real codecs and readers, through their effects alone.
 */
import type { Peer, PeerState } from "../../shard/peer.ts";
import type { Address, GossipCore, GossipCounter, GossipEffect, GossipInput } from "../strategy.ts";
import type { GossipStrategy, StrategyEvent } from "../strategy.ts";
import { parseAddress } from "./address.ts";

/** A seeded source of randomness (mulberry32). */
export function prng(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** What became of an operation; `undefined` while it is under way. */
export type Outcome = Extract<GossipEffect, { type: "done" | "failed" }> & { readonly at: number };

/** What a {@link WorldNode} is made of. */
export interface NodeOptions {
  readonly address?: Address;
  readonly clusterName?: string;
  readonly generation?: number;
  readonly strategy?: GossipStrategy;
}

/** A node of a {@link World}, with what its core said. */
export interface WorldNode {
  readonly name: string;
  readonly address: Address;
  readonly core: GossipCore;
  up: boolean;
  stalledUntil: number;
  timerAt: number;
  peers: readonly Peer[];
  readonly counters: Map<GossipCounter, number>;
  readonly conflicts: { readonly at: number; readonly name: string }[];
  readonly refusals: Map<string, number>;
  readonly outcomes: Map<number, Outcome>;
  /** Names that disappeared from this node's view, in order. */
  readonly lost: { readonly at: number; readonly name: string }[];
  packetsSent: number;
  bytesSent: number;
  steps: number;
  readonly deferred: GossipInput[];
  /** What only its protocol tells. */
  readonly events: StrategyEvent[];
}

/** Options of {@link World}. */
export interface WorldOptions {
  readonly seed: number;
  readonly strategy: GossipStrategy;
  /** One-way delay, milliseconds. @default {[1, 5]} */
  readonly delayMs?: readonly [number, number];
  /** Share of packets, and of exchange legs, that are lost. @default {0} */
  readonly loss?: number;
}

/** See the module. */
export class World {
  now = 0;
  loss: number;
  readonly nodes: WorldNode[] = [];
  readonly random: () => number;
  readonly #options: WorldOptions;
  readonly #byAddress = new Map<Address, WorldNode>();
  readonly #heap: Event[] = [];
  readonly #exchanges = new Map<number, (reply: Uint8Array | undefined) => void>();
  #order = 0;
  #ids = 1;
  #groups: ReadonlyMap<WorldNode, number> | undefined;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.loss = options.loss ?? 0;
    this.random = prng(options.seed);
  }

  /** Starts a node. */
  add(name: string, options: NodeOptions = {}): WorldNode {
    const count = this.nodes.length + 1;
    const address = options.address ?? `10.0.${count >> 8}.${count & 255}:8080`;
    const core = (options.strategy ?? this.#options.strategy).create({
      name,
      address,
      clusterName: options.clusterName ?? "test",
      generation: options.generation ?? 1_700_000_000_000 + Math.floor(this.now),
      random: prng(Math.floor(this.random() * 2 ** 32)),
      now: this.now,
    });
    const node: WorldNode = {
      name,
      address,
      core,
      up: true,
      stalledUntil: 0,
      timerAt: Infinity,
      peers: [],
      counters: new Map(),
      conflicts: [],
      refusals: new Map(),
      outcomes: new Map(),
      lost: [],
      packetsSent: 0,
      bytesSent: 0,
      steps: 0,
      deferred: [],
      events: [],
    };
    this.nodes.push(node);
    this.#byAddress.set(address, node);
    this.step(node, { type: "timeout" });
    return node;
  }

  /** Starts `count` nodes, joined through the first. */
  form(count: number, options: NodeOptions = {}): readonly WorldNode[] {
    const width = String(count).length;
    const nodes = Array.from(
      { length: count },
      (_, i) => this.add(`n${String(i).padStart(width, "0")}`, options),
    );
    for (const node of nodes.slice(1)) this.join(node, [nodes[0]!.address]);
    this.until(
      () => this.agree(nodes, nodes.map(({ name }) => name)),
      600_000,
      "the cluster forms",
    );
    return nodes;
  }

  join(node: WorldNode, addresses: readonly Address[]): number {
    return this.operate(node, (operation) => ({ type: "join", operation, addresses }));
  }

  changeState(node: WorldNode, state: PeerState): number {
    return this.operate(node, (operation) => ({ type: "changeState", operation, state }));
  }

  leave(node: WorldNode): number {
    return this.operate(node, (operation) => ({ type: "leave", operation }));
  }

  operate(node: WorldNode, input: (operation: number) => GossipInput): number {
    const operation = this.#ids++;
    this.step(node, input(operation));
    return operation;
  }

  /** The node stops without a word. */
  crash(node: WorldNode): void {
    node.up = false;
    if (this.#byAddress.get(node.address) === node) this.#byAddress.delete(node.address);
  }

  /** The node's process does nothing for a while; what arrives waits. */
  stall(node: WorldNode, ms: number): void {
    node.stalledUntil = Math.max(node.stalledUntil, this.now + ms);
    this.#at(node.stalledUntil, () => this.#wake(node));
  }

  /** Nothing passes between groups. */
  partition(...groups: readonly (readonly WorldNode[])[]): void {
    this.#groups = new Map(groups.flatMap((group, i) => group.map((node) => [node, i] as const)));
  }

  heal(): void {
    this.#groups = undefined;
  }

  /** Whether all of `nodes` see just these names. */
  agree(nodes: readonly WorldNode[], names: readonly string[]): boolean {
    const wanted = [...names].sort();
    return nodes.every(({ peers }) =>
      peers.length === wanted.length && peers.every(({ name }, i) => name === wanted[i])
    );
  }

  /** Whether all of `nodes` see `name` in this state. */
  see(nodes: readonly WorldNode[], name: string, state: PeerState): boolean {
    return nodes.every(({ peers }) => peers.find((peer) => peer.name === name)?.state === state);
  }

  /** Lets time pass. */
  run(ms: number): void {
    const end = this.now + ms;
    for (let top = this.#heap[0]; top !== undefined && top.at <= end; top = this.#heap[0]) {
      this.#pop();
      this.now = top.at;
      top.run();
    }
    this.now = end;
  }

  /** Lets time pass until something holds; the milliseconds that took. */
  until(holds: () => boolean, withinMs: number, what: string): number {
    const begin = this.now;
    while (!holds()) {
      if (this.now - begin >= withinMs) {
        throw new Error(
          `Not within ${withinMs} ms: ${what} (seed ${this.#options.seed}, at ${this.now})`,
        );
      }
      this.run(20);
    }
    return this.now - begin;
  }

  /** Feeds one input to a node and performs the effects. */
  step(node: WorldNode, input: GossipInput): void {
    if (!node.up) return;
    if (this.now < node.stalledUntil) {
      node.deferred.push(input);
      return;
    }
    node.steps++;
    for (const effect of node.core.step(input, this.now)) this.#perform(node, effect);
    const { deadline } = node.core;
    if (deadline === node.timerAt) return;
    node.timerAt = deadline;
    if (deadline !== Infinity) {
      this.#at(Math.max(deadline, this.now), () => this.#timer(node, deadline));
    }
  }

  #timer(node: WorldNode, deadline: number): void {
    if (node.timerAt !== deadline || this.now < node.stalledUntil) return;
    node.timerAt = -1;
    this.step(node, { type: "timeout" });
  }

  // The worst order, and that of the runtimes: timers first, then what waits in the sockets.
  #wake(node: WorldNode): void {
    if (this.now < node.stalledUntil) return;
    node.timerAt = -1;
    this.step(node, { type: "timeout" });
    for (const input of node.deferred.splice(0)) this.step(node, input);
  }

  #perform(node: WorldNode, effect: GossipEffect): void {
    switch (effect.type) {
      case "send":
        node.packetsSent++;
        node.bytesSent += effect.bytes.length;
        this.#deliver(node, effect.to, (target) => {
          this.step(target, { type: "packet", bytes: effect.bytes });
        });
        break;
      case "exchange":
        this.#exchange(node, effect);
        break;
      case "reply":
      case "hangUp": {
        const answer = this.#exchanges.get(effect.exchange);
        this.#exchanges.delete(effect.exchange);
        answer?.(effect.type === "reply" ? effect.bytes : undefined);
        break;
      }
      case "peers": {
        const names = new Set(effect.peers.map(({ name }) => name));
        for (const { name } of node.peers) {
          if (!names.has(name)) node.lost.push({ at: this.now, name });
        }
        node.peers = effect.peers;
        break;
      }
      case "conflict":
        node.conflicts.push({ at: this.now, name: effect.name });
        break;
      case "done":
      case "failed":
        if (node.outcomes.has(effect.operation)) throw new Error("An operation ended twice");
        node.outcomes.set(effect.operation, { ...effect, at: this.now });
        break;
      case "refused": {
        const { reason } = effect.refusal;
        node.refusals.set(reason, (node.refusals.get(reason) ?? 0) + 1);
        break;
      }
      case "event":
        node.events.push(effect.event);
        break;
      case "counted":
        node.counters.set(effect.counter, (node.counters.get(effect.counter) ?? 0) + effect.by);
        break;
      default:
        effect satisfies never;
    }
  }

  #exchange(node: WorldNode, effect: Extract<GossipEffect, { type: "exchange" }>): void {
    const { exchange } = effect;
    let open = true;
    const end = (input: GossipInput): void => {
      if (!open) return;
      open = false;
      this.step(node, input);
    };
    this.#at(this.now + effect.timeoutMs, () => {
      end({ type: "exchangeFailed", exchange, reason: "timed out" });
    });
    if (this.#byAddress.get(effect.to) === undefined && parseAddress(effect.to) !== undefined) {
      this.#at(this.now + 1, () => end({ type: "exchangeFailed", exchange, reason: "refused" }));
      return;
    }
    this.#deliver(node, effect.to, (target) => {
      const accepted = this.#ids++;
      this.#exchanges.set(accepted, (reply) => {
        const taken = open;
        if (reply === undefined) {
          this.#deliver(target, node.address, () => {
            end({ type: "exchangeFailed", exchange, reason: "closed without an answer" });
          });
          return;
        }
        this.#at(
          this.now,
          () => this.step(target, { type: "replied", exchange: accepted, ok: taken }),
        );
        this.#deliver(target, node.address, () => {
          const bytes = this.#read(node, "response", reply);
          end({ type: "response", exchange, bytes });
        });
      });
      const bytes = this.#read(target, "request", effect.bytes);
      this.step(target, { type: "request", exchange: accepted, bytes });
    });
  }

  #read(node: WorldNode, kind: "request" | "response", bytes: Uint8Array): Uint8Array {
    const reader = node.core.reader(kind);
    const cut = Math.floor(this.random() * bytes.length);
    if (reader.push(bytes.slice(0, cut)) || !reader.push(bytes.slice(cut))) {
      // A foreign label ends the reading early; the core then refuses what was read.
      return bytes;
    }
    return reader.bytes;
  }

  #deliver(from: WorldNode, to: Address, arrive: (target: WorldNode) => void): void {
    if (this.random() < this.loss) return;
    const [least, most] = this.#options.delayMs ?? [1, 5];
    this.#at(this.now + least + this.random() * (most - least), () => {
      const target = this.#byAddress.get(to);
      if (target === undefined || !target.up) return;
      const groups = this.#groups;
      if (groups !== undefined && groups.get(from) !== groups.get(target)) return;
      arrive(target);
    });
  }

  #at(at: number, run: () => void): void {
    const heap = this.#heap;
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
    const heap = this.#heap;
    const event = heap.pop()!;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = i * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, event)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = event;
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
