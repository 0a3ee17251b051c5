import type { Peer, PeerState } from "../../shard/peer.ts";
import type { Dissemination } from "./dissemination.ts";
import { LamportClock } from "./lamport.ts";
import { MAX_NAME_LENGTH, type Member } from "./member.ts";
import type { LocalState, StateMessage } from "./messages.ts";
import { PeerView } from "./peer_view.ts";
import type { Self } from "./self.ts";
import type { Turn } from "./turn.ts";
import type { MemberEvents } from "./verdicts.ts";

const NAMES: readonly PeerState[] = Object.freeze(["viewer", "participant", "terminating"]);
/** States kept of names that are no peers (yet, or any more). */
const MAX_STRANGERS = 4096;

/** What {@link PeerStates} work on. */
export interface PeerStatesOptions {
  readonly turn: Turn;
  readonly self: Self;
  readonly dissemination: Dissemination;
}

/** ckit's layer: what each node declared last, in Lamport order, and the view of the peers. */
export class PeerStates implements MemberEvents {
  /** Orders declarations. */
  readonly clock: LamportClock = new LamportClock();
  /** The peers. */
  readonly view: PeerView = new PeerView();
  readonly #parts: PeerStatesOptions;
  readonly #states = new Map<string, StateMessage>();
  readonly #strangers = new Set<string>();
  #own = 0;

  /** Works on the parts of one core. */
  constructor(options: PeerStatesOptions) {
    this.#parts = options;
  }

  /** The own state. */
  get own(): PeerState {
    return NAMES[this.#own]!;
  }

  /** A node became a peer. */
  joined(member: Member): void {
    this.#parts.turn.count("eventNodeJoin");
    this.#strangers.delete(member.name);
    this.#list(member);
  }

  /** A peer's metadata changed. */
  updated(member: Member): void {
    this.#parts.turn.count("eventNodeUpdate");
    this.#list(member);
  }

  /** A peer died or left: what it declared goes with it. */
  left(member: Member): void {
    this.#parts.turn.count("eventNodeLeave");
    this.#forget(member.name);
  }

  /** A newer life takes the name: it has declared nothing yet. */
  evicted(member: Member): void {
    if (this.view.named(member.name) !== undefined) this.#parts.turn.count("eventNodeLeave");
    this.#forget(member.name);
  }

  /** A declaration arrived by gossip. */
  receive(message: StateMessage): void {
    if (message.nodeName === "" || message.nodeName.length > MAX_NAME_LENGTH) {
      return this.#parts.turn.refuse("limit", "A declaration's name is empty or too long");
    }
    this.#parts.turn.count("eventStateMessage");
    if (!this.clock.observe(message.time)) return this.#refuseTime(message.nodeName);
    const spread = this.#accept(message);
    if (spread !== undefined) this.#parts.dissemination.broadcastState(spread);
  }

  /** A whole remote state arrived. Names that are no peers are skipped. */
  merge(state: LocalState): void {
    this.#parts.turn.count("eventRemoteState");
    if (!this.clock.observe(state.currentTime)) return this.#refuseTime("a remote state");
    const spread: StateMessage[] = [];
    for (const message of state.nodeStates) {
      if (this.view.named(message.nodeName) === undefined) continue;
      // ckit observes no single time. One of the own name must be: what this node declares against it has to be later.
      const own = message.nodeName === this.#parts.self.name;
      if (!(own ? this.clock.observe(message.time) : this.clock.isSane(message.time))) {
        this.#refuseTime(message.nodeName);
        continue;
      }
      const accepted = this.#accept(message);
      if (accepted !== undefined) spread.push(accepted);
    }
    for (const message of spread) this.#parts.dissemination.broadcastState(message);
  }

  /** What a push/pull tells of the peers. */
  local(peers: Iterable<Member>): LocalState {
    const nodeStates: StateMessage[] = [];
    for (const { name } of peers) {
      nodeStates.push(this.#states.get(name) ?? { nodeName: name, newState: 0, time: 0n });
    }
    return { currentTime: this.clock.now, nodeStates };
  }

  /**
   * Declares another own state.
   *
   * @returns Why it is illegal; nothing changed then. `finished` is called once the news was spread or superseded.
   */
  change(to: PeerState, finished: () => void): string | undefined {
    const next = NAMES.indexOf(to);
    if (next !== this.#own + 1) {
      return `Cannot change the state as only viewer to participant and participant to terminating are allowed: current value is ${this.own} to ${to}`;
    }
    this.#own = next;
    this.#parts.dissemination.broadcastState(this.#declare(), finished);
    return undefined;
  }

  // Rules 2 to 5 of a received declaration; returns what to gossip on.
  #accept(message: StateMessage): StateMessage | undefined {
    const { nodeName, newState, time } = message;
    const known = this.#states.get(nodeName);
    const own = nodeName === this.#parts.self.name;
    if (known !== undefined) {
      if (time < known.time) return undefined;
      if (time === known.time && !(own && newState !== known.newState)) return undefined;
    }
    if (own) return this.#declare();
    const peer = this.view.named(nodeName);
    if (peer === undefined) this.#shelter(nodeName);
    this.#states.set(nodeName, message);
    if (peer !== undefined) this.view.set({ ...peer, state: nameOf(newState) });
    return message;
  }

  #declare(): StateMessage {
    const { name } = this.#parts.self;
    const message: StateMessage = { nodeName: name, newState: this.#own, time: this.clock.tick() };
    this.#states.set(name, message);
    const peer = this.view.named(name);
    if (peer !== undefined) this.view.set({ ...peer, state: this.own });
    return message;
  }

  #list(member: Member): void {
    const { name, address: addr } = member;
    const self = name === this.#parts.self.name;
    const state = self ? this.own : nameOf(this.#states.get(name)?.newState ?? 0);
    this.view.set({ name, addr, self, state } satisfies Peer);
  }

  #forget(name: string): void {
    this.view.delete(name);
    this.#states.delete(name);
    this.#strangers.delete(name);
  }

  #shelter(name: string): void {
    this.#strangers.add(name);
    const oldest = this.#strangers.values().next().value;
    if (this.#strangers.size <= MAX_STRANGERS || oldest === undefined) return;
    this.#strangers.delete(oldest);
    this.#states.delete(oldest);
    this.#parts.dissemination.dropState(oldest);
  }

  #refuseTime(whose: string): void {
    this.#parts.turn.refuse("lamport", `The Lamport time of ${whose} is far ahead of all others`);
  }
}

function nameOf(state: number): PeerState {
  return NAMES[state] ?? "viewer";
}
