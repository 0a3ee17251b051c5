import type { Address } from "../strategy.ts";
import { formatAddress, parseAddress } from "./address.ts";
import { pushPullIntervalMs } from "./formulas.ts";
import { Join } from "./join.ts";
import { ALIVE, isPeer, type Member, metaOf } from "./member.ts";
import type { MemberTable } from "./member_table.ts";
import { mergeNodes, protocolMismatch } from "./merge.ts";
import type { PushPull, StreamMessage, User } from "./messages.ts";
import type { SwimSettings } from "./options.ts";
import type { PeerStates } from "./peer_states.ts";
import type { Self } from "./self.ts";
import type { Timer } from "./timers.ts";
import type { Turn } from "./turn.ts";
import type { Verdicts } from "./verdicts.ts";
import { decodeLocalState, encodeLocalState } from "./wire/ckit.ts";
import { DecodeError } from "./wire/decode_error.ts";
import type { StreamCodec } from "./wire/stream.ts";

/** Accepted push/pulls whose answer is being written; memberlist's counter stays below 128. */
const MAX_ACCEPTED = 127;

/**
 * Who joins while others do misses those whose news was spread before the newcomer was known, until the next push/pull: memberlist's
 * comes two minutes later at 150 nodes. Here the first one after a join comes within one to two tenths of an interval, and the waits
 * then grow by this factor up to memberlist's.
 */
const SETTLING_GROWTH = 4;

/** What {@link Exchanges} work on. */
export interface ExchangesOptions {
  readonly turn: Turn;
  readonly settings: SwimSettings;
  readonly self: Self;
  readonly table: MemberTable;
  readonly verdicts: Verdicts;
  readonly states: PeerStates;
  readonly codec: StreamCodec;
  /** Takes a user message that came over a stream. */
  readonly user: (message: User) => void;
}

interface Own {
  readonly to: Address;
  readonly join: Join | undefined;
  readonly since: number;
}

interface Accepted {
  /** Merged once the answer was taken. */
  readonly message: PushPull;
  readonly since: number;
}

/** What goes over streams: joins, periodic push/pulls, and the answers to those of others. */
export class Exchanges {
  readonly #parts: ExchangesOptions;
  readonly #own = new Map<number, Own>();
  readonly #accepted = new Map<number, Accepted>();
  #nextExchange = 1;
  #periodic: number | undefined;
  #timer: Timer | undefined;
  #settlingMs = Infinity;
  #stopped = false;

  /** Works on the parts of one core; the first push/pull comes within one interval. */
  constructor(options: ExchangesOptions) {
    this.#parts = options;
    const { turn, settings } = options;
    if (settings.pushPullIntervalMs > 0) {
      this.#schedule(turn.random() * settings.pushPullIntervalMs);
    }
  }

  /** Begins no more. */
  stop(): void {
    this.#stopped = true;
    this.#parts.turn.timers.cancel(this.#timer);
  }

  /** Joins through addresses, the own one skipped. */
  join(operation: number, addresses: readonly Address[]): void {
    const { turn, self } = this.#parts;
    const join = new Join(operation, turn);
    for (const text of addresses) {
      const endpoint = parseAddress(text);
      if (this.#stopped) join.failed(text, "this node has left");
      else if (endpoint === undefined) join.failed(text, "not an IP address with a port");
      else if (formatAddress(endpoint) !== self.address) join.add(formatAddress(endpoint)!);
    }
    this.#dial(join);
  }

  /** A peer's request was read. */
  request(exchange: number, bytes: Uint8Array): void {
    const { turn, self, codec } = this.#parts;
    const message = this.#open(bytes, true);
    if (message instanceof DecodeError) {
      turn.refuse(message.reason, message.message);
      if (message.answer === undefined) return turn.emit({ type: "hangUp", exchange });
      return this.#answer(
        exchange,
        codec.seal(
          { type: "error", error: message.answer },
          { label: false },
        ),
      );
    }
    switch (message.type) {
      case "pushPull": {
        if (this.#accepted.size >= MAX_ACCEPTED) this.#giveUpAccepted();
        if (this.#accepted.size >= MAX_ACCEPTED) {
          turn.refuse("limit", `${this.#accepted.size} push/pulls are under way`);
          break;
        }
        // Answered before it is merged: the answer must not list the peer that it goes to.
        return this.#answer(exchange, this.#state(message.join, false), message);
      }
      case "ping":
        if (message.node !== "" && message.node !== self.name) {
          turn.refuse("name", `A ping for ${message.node} arrived`);
          break;
        }
        return this.#answer(
          exchange,
          codec.seal(
            { type: "ack", seqNo: message.seqNo, payload: undefined },
            { label: false },
          ),
        );
      case "user":
        this.#parts.user(message);
        break;
      default:
        turn.refuse("type", `A stream began with ${message.type}`);
    }
    turn.emit({ type: "hangUp", exchange });
  }

  /** The answer to a peer's request was taken, or not: then nothing is merged. */
  replied(exchange: number, ok: boolean): void {
    const accepted = this.#accepted.get(exchange);
    this.#accepted.delete(exchange);
    if (accepted === undefined || !ok) return;
    const mismatch = this.#merge(accepted.message);
    if (mismatch !== undefined) this.#parts.turn.refuse("version", mismatch);
  }

  /** The answer to an own exchange was read. */
  response(exchange: number, bytes: Uint8Array): void {
    if (!this.#own.has(exchange)) return;
    const message = this.#open(bytes, false);
    if (message instanceof DecodeError) {
      this.#parts.turn.refuse(message.reason, message.message);
      return this.#ended(exchange, message.message);
    }
    if (message.type === "error") return this.#ended(exchange, `remote error: ${message.error}`);
    if (message.type !== "pushPull") {
      return this.#ended(exchange, `answered with ${message.type} instead of its state`);
    }
    const { turn, settings, table } = this.#parts;
    const known = table.size;
    const mismatch = this.#merge(message);
    if (mismatch !== undefined) turn.refuse("version", mismatch);
    if (this.#own.get(exchange)!.join !== undefined && table.size > known) {
      this.#settlingMs = settings.pushPullIntervalMs / 10 * (1 + turn.random());
      this.#advance(this.#settlingMs);
    }
    this.#ended(exchange, mismatch);
  }

  /** An own exchange failed. */
  failed(exchange: number, reason: string): void {
    this.#ended(exchange, reason);
  }

  /** Exchanges states soon: this process slept, and the others may think it dead. */
  hurry(): void {
    const { turn, settings } = this.#parts;
    this.#advance(turn.random() * settings.gossipIntervalMs);
  }

  #advance(afterMs: number): void {
    const { turn } = this.#parts;
    if (this.#stopped || this.#timer === undefined) return;
    if (this.#timer.at <= turn.now + afterMs) return;
    turn.timers.cancel(this.#timer);
    this.#schedule(afterMs);
  }

  // Answers of which the driver never said what became of them.
  #giveUpAccepted(): void {
    const { turn, settings } = this.#parts;
    for (const [exchange, { since }] of this.#accepted) {
      if (turn.now - since > settings.streamTimeoutMs) this.#accepted.delete(exchange);
    }
  }

  #schedule(afterMs: number): void {
    const { turn, settings, table } = this.#parts;
    this.#timer = turn.timers.set(turn.now + afterMs, () => {
      this.#pushPull();
      this.#settlingMs *= SETTLING_GROWTH;
      this.#schedule(
        Math.min(this.#settlingMs, pushPullIntervalMs(table.size, settings.pushPullIntervalMs)),
      );
    });
  }

  #pushPull(): void {
    const { turn, settings, self, table } = this.#parts;
    const last = this.#periodic === undefined ? undefined : this.#own.get(this.#periodic);
    if (last !== undefined && turn.now - last.since <= settings.streamTimeoutMs) return;
    if (this.#periodic !== undefined) this.#own.delete(this.#periodic);
    this.#periodic = undefined;
    const [partner] = table.pick(
      1,
      (member) => member.state === ALIVE && member.name !== self.name,
    );
    if (partner !== undefined) this.#periodic = this.#exchange(partner.address, undefined);
  }

  #dial(join: Join): void {
    const { joinConcurrency } = this.#parts.settings;
    for (let to = join.next(joinConcurrency); to !== undefined; to = join.next(joinConcurrency)) {
      this.#exchange(to, join);
    }
    join.settle();
  }

  #exchange(to: Address, join: Join | undefined): number {
    const { turn, settings } = this.#parts;
    const exchange = this.#nextExchange++;
    this.#own.set(exchange, { to, join, since: turn.now });
    const bytes = this.#state(join !== undefined, true);
    turn.emit({ type: "exchange", exchange, to, bytes, timeoutMs: settings.streamTimeoutMs });
    return exchange;
  }

  #ended(exchange: number, reason: string | undefined): void {
    const own = this.#own.get(exchange);
    if (own === undefined) return;
    this.#own.delete(exchange);
    if (exchange === this.#periodic) this.#periodic = undefined;
    if (own.join === undefined) return;
    own.join.ended(own.to, reason);
    this.#dial(own.join);
  }

  #answer(exchange: number, bytes: Uint8Array, message?: PushPull): void {
    const { turn } = this.#parts;
    if (message !== undefined) this.#accepted.set(exchange, { message, since: turn.now });
    turn.emit({ type: "reply", exchange, bytes });
  }

  #state(join: boolean, label: boolean): Uint8Array {
    const { table, states, codec } = this.#parts;
    const nodes = table.list.map((member) => ({
      name: member.name,
      addr: member.addr,
      port: member.port,
      meta: metaOf(member),
      incarnation: member.incarnation,
      state: member.state,
      vsn: member.vsn,
    }));
    const userState = encodeLocalState(states.local(table.list.filter(listed)));
    return codec.seal({ type: "pushPull", join, nodes, userState }, { label });
  }

  #merge(message: PushPull): string | undefined {
    const { turn, self, table, verdicts, states } = this.#parts;
    const mismatch = protocolMismatch(message.nodes, table.list);
    if (mismatch !== undefined) return mismatch;
    mergeNodes(message.nodes, { verdicts, self: self.name });
    if (message.userState.length === 0) return undefined;
    try {
      states.merge(decodeLocalState(message.userState));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      turn.refuse(error.reason, error.message);
    }
    return undefined;
  }

  #open(bytes: Uint8Array, label: boolean): StreamMessage | DecodeError {
    try {
      return this.#parts.codec.open(bytes, { label });
    } catch (error) {
      if (error instanceof DecodeError) return error;
      throw error;
    }
  }
}

function listed(member: Member): boolean {
  return isPeer(member.state);
}
