import type { Peer, PeerState } from "../../shard/peer.ts";
import type {
  GossipContext,
  GossipCore,
  GossipEffect,
  GossipInput,
  GossipStats,
  MessageReader,
} from "../strategy.ts";
import { Acks } from "./acks.ts";
import { parseAddress } from "./address.ts";
import { Answers } from "./answers.ts";
import { Awareness } from "./awareness.ts";
import { CollectedNames } from "./collected.ts";
import { ConflictReports } from "./conflicts.ts";
import { Dissemination } from "./dissemination.ts";
import { Exchanges } from "./exchanges.ts";
import { ALIVE, DEAD, LEFT, MAX_NAME_LENGTH, SUSPECT } from "./member.ts";
import { MemberTable } from "./member_table.ts";
import type { Alive, PacketMessage, User } from "./messages.ts";
import type { SwimSettings } from "./options.ts";
import { PeerStates } from "./peer_states.ts";
import { Prober } from "./probe.ts";
import { Self } from "./self.ts";
import type { Timer } from "./timers.ts";
import { Turn } from "./turn.ts";
import { Verdicts } from "./verdicts.ts";
import { decodeStateMessage } from "./wire/ckit.ts";
import { DecodeError } from "./wire/decode_error.ts";
import { PacketCodec } from "./wire/packet.ts";
import { StreamCodec } from "./wire/stream.ts";

/** One node of a SWIM cluster, as memberlist 0.5.3 under ckit behaves. Made by `swim()`. */
export class SwimCore implements GossipCore {
  readonly #settings: SwimSettings;
  readonly #turn: Turn;
  readonly #self: Self;
  readonly #table: MemberTable;
  readonly #awareness: Awareness;
  readonly #packets: PacketCodec;
  readonly #streams: StreamCodec;
  readonly #dissemination: Dissemination;
  readonly #states: PeerStates;
  readonly #verdicts: Verdicts;
  readonly #acks = new Acks();
  readonly #answers: Answers;
  readonly #prober: Prober;
  readonly #exchanges: Exchanges;
  /** State changes whose news is under way. */
  readonly #waiting = new Set<number>();
  readonly #leaving: number[] = [];
  #leaveTimer: Timer | undefined;
  #left = false;
  #begun = false;

  /** @throws {RangeError} When the context is outside its ranges. */
  constructor(settings: SwimSettings, context: GossipContext) {
    const endpoint = parseAddress(context.address);
    if (context.name === "" || context.name.length > MAX_NAME_LENGTH) {
      throw new RangeError(
        `Cannot create a node as 'name' must have 1 to ${MAX_NAME_LENGTH} characters: current value is "${context.name}"`,
      );
    }
    if (endpoint === undefined) {
      throw new RangeError(
        `Cannot create a node as 'address' must be an IP address with a port: current value is "${context.address}"`,
      );
    }
    if (!Number.isSafeInteger(context.generation + 1) || context.generation < 0) {
      throw new RangeError(
        `Cannot create a node as 'generation' must be an integer of at least 0: current value is ${context.generation}`,
      );
    }
    this.#settings = settings;
    const turn = this.#turn = new Turn(context.now, context.random);
    const self = this.#self = new Self({
      name: context.name,
      endpoint,
      generation: context.generation,
      announce: settings.announceGeneration,
    });
    const coding = {
      label: context.clusterName,
      compression: settings.compression,
      keyring: settings.keyring,
      verifyIncoming: settings.verifyIncoming,
      verifyOutgoing: settings.verifyOutgoing,
      random: context.random,
      limits: settings.limits,
    };
    this.#packets = new PacketCodec({ ...coding, maxPacketBytes: settings.maxPacketBytes });
    this.#streams = new StreamCodec(coding);
    const table = this.#table = new MemberTable(context.random);
    const awareness = this.#awareness = new Awareness(settings.awarenessMaxMultiplier);
    const collected = new CollectedNames(settings.collectedMemoryMs, settings.maxCollectedNames);
    const acks = this.#acks;
    const shared = { turn, settings, self, table };
    const dissemination = this.#dissemination = new Dissemination({
      ...shared,
      codec: this.#packets,
    });
    const states = this.#states = new PeerStates({ turn, self, dissemination });
    const answers = this.#answers = new Answers({ ...shared, dissemination, collected, acks });
    const believe = (news: Alive): void => verdicts.alive(news);
    const verdicts: Verdicts = this.#verdicts = new Verdicts({
      ...shared,
      dissemination,
      awareness,
      collected,
      conflicts: new ConflictReports(turn),
      events: states,
      ask: (news) => answers.ask(news, believe),
    });
    this.#prober = new Prober({ ...shared, dissemination, awareness, collected, verdicts, acks });
    this.#exchanges = new Exchanges({
      ...shared,
      verdicts,
      states,
      codec: this.#streams,
      user: (message) => this.#user(message),
    });
    verdicts.bootstrap();
    this.#emitView();
  }

  /** See {@link GossipCore.deadline}. */
  get deadline(): number {
    // The effects of the creation wait for the first step.
    return this.#begun ? this.#turn.timers.deadline : this.#turn.now;
  }

  /** See {@link GossipCore.peers}. */
  get peers(): readonly Peer[] {
    return this.#states.view.last;
  }

  /** See {@link GossipCore.state}. */
  get state(): PeerState {
    return this.#states.own;
  }

  /** See {@link GossipCore.stats}. */
  get stats(): GossipStats {
    return {
      lamportTime: Number(this.#states.clock.now),
      healthScore: this.#awareness.score,
      queuedBroadcasts: this.#dissemination.size,
      alive: this.#table.count(ALIVE),
      suspect: this.#table.count(SUSPECT),
      dead: this.#table.count(DEAD),
      left: this.#table.count(LEFT),
    };
  }

  /** See {@link GossipCore.reader}. */
  reader(kind: "request" | "response"): MessageReader {
    return this.#streams.reader({ label: kind === "request" });
  }

  /** See {@link GossipCore.step}. */
  step(input: GossipInput, now: number): readonly GossipEffect[] {
    const turn = this.#turn;
    if (this.#begun) {
      const late = now - turn.timers.deadline;
      if (input.type === "timeout" && late < 0) return NOTHING;
      turn.now = now;
      if (late > this.#settings.lagThresholdMs) this.#stalled(late);
    } else {
      this.#begun = true;
      turn.now = now;
    }
    this.#take(input);
    turn.timers.run(now);
    if (this.#waiting.size > 0 || this.#leaving.length > 0) this.#endWaiting();
    this.#dissemination.arm();
    this.#emitView();
    return turn.flush();
  }

  #take(input: GossipInput): void {
    switch (input.type) {
      case "timeout":
        break;
      case "packet":
        this.#packet(input.bytes);
        break;
      case "request":
        this.#exchanges.request(input.exchange, input.bytes);
        break;
      case "replied":
        this.#exchanges.replied(input.exchange, input.ok);
        break;
      case "response":
        this.#exchanges.response(input.exchange, input.bytes);
        break;
      case "exchangeFailed":
        this.#exchanges.failed(input.exchange, input.reason);
        break;
      case "join":
        this.#exchanges.join(input.operation, input.addresses);
        break;
      case "changeState":
        this.#changeState(input.operation, input.state);
        break;
      case "leave":
        this.#leave(input.operation);
        break;
      default:
        input satisfies never;
    }
  }

  #packet(bytes: Uint8Array): void {
    const { messages, refusals } = this.#packets.open(bytes);
    for (const { reason, detail } of refusals) this.#turn.refuse(reason, detail);
    for (const message of messages) this.#message(message);
  }

  #message(message: PacketMessage): void {
    switch (message.type) {
      case "ping":
        return this.#answers.ping(message);
      case "indirectPing":
        return this.#answers.relay(message);
      case "ack":
        return this.#acks.acked(message.seqNo);
      case "nack":
        return this.#prober.nacked(message);
      case "alive":
        return this.#verdicts.alive(message);
      case "suspect":
        return this.#verdicts.suspect(message);
      case "dead":
        return this.#verdicts.dead(message);
      case "user":
        return this.#user(message);
      default:
        message satisfies never;
    }
  }

  #user(message: User): void {
    try {
      this.#states.receive(decodeStateMessage(message.payload));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#turn.refuse(error.reason, error.message);
    }
  }

  #changeState(operation: number, state: PeerState): void {
    const turn = this.#turn;
    const error = this.#states.change(state, () => {
      if (this.#waiting.delete(operation)) turn.emit({ type: "done", operation, count: 0 });
    });
    if (error !== undefined) {
      return turn.emit({ type: "failed", operation, cause: "illegalState", error });
    }
    this.#waiting.add(operation);
  }

  // Nobody is left to be told: whoever comes learns all from the first exchange.
  #endWaiting(): void {
    const self = this.#self.leaving ? 0 : 1;
    if (this.#states.view.size > self) return;
    for (const operation of this.#waiting) {
      this.#turn.emit({ type: "done", operation, count: 0 });
    }
    this.#waiting.clear();
    if (this.#self.leaving && !this.#left) this.#endLeave("done");
  }

  #leave(operation: number): void {
    const turn = this.#turn;
    if (this.#left) return turn.emit({ type: "done", operation, count: 0 });
    this.#leaving.push(operation);
    if (this.#self.leaving) return;
    this.#self.leaving = true;
    this.#prober.stop();
    this.#exchanges.stop();
    const own = this.#table.named(this.#self.name)!;
    const { name: node, incarnation } = own;
    this.#leaveTimer = turn.timers.set(turn.now + this.#settings.leaveTimeoutMs, () => {
      this.#endLeave("timeout");
    });
    this.#verdicts.dead({ type: "dead", node, incarnation, from: node }, () => {
      this.#endLeave("done");
    });
  }

  #endLeave(end: "done" | "timeout"): void {
    this.#left = true;
    this.#turn.timers.cancel(this.#leaveTimer);
    for (const operation of this.#leaving.splice(0)) {
      if (end === "done") this.#turn.emit({ type: "done", operation, count: 0 });
      else {
        this.#turn.emit({
          type: "failed",
          operation,
          cause: "timeout",
          error:
            `The others could not be told within ${this.#settings.leaveTimeoutMs} ms that this node leaves`,
        });
      }
    }
  }

  // This process slept: what timed out meanwhile says nothing about others (Lifeguard's local health).
  #stalled(lateMs: number): void {
    this.#turn.count("lateTimer");
    this.#awareness.apply(1);
    const graceMs = Math.min(lateMs, this.#settings.probeIntervalMs);
    this.#prober.postpone(graceMs);
    this.#verdicts.postpone(lateMs, graceMs);
    if (lateMs >= this.#settings.probeIntervalMs) this.#exchanges.hurry();
  }

  #emitView(): void {
    const peers = this.#states.view.take();
    if (peers !== undefined) this.#turn.emit({ type: "peers", peers });
  }
}

const NOTHING: readonly GossipEffect[] = Object.freeze([]);
