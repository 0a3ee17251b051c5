import type { Address } from "../strategy.ts";
import { parseAddress } from "../swim/address.ts";
import type { DigestEntry, StreamMessage } from "./messages.ts";
import { REJECT_CLUSTER, REJECT_OVERLOADED } from "./messages.ts";
import { applyDelta, compare, countEntries, type Parts, prefixOf } from "./parts.ts";
import { leaveOf, replyOf, requestOf } from "./stream_messages.ts";
import { decodeStream, encodeStream } from "./wire/codec.ts";
import { DecodeError } from "./wire/decode_error.ts";

/** Joins and syncs that are being answered at once. */
const MAX_ANSWERS = 16;
/** When to come again, at more. */
const RETRY_MS = 1000;
/** Own syncs at once. */
const MAX_SYNCS = 2;

/** What became of an exchange that this node began. */
export type StreamResult =
  /** It was answered by this node. */
  | { readonly type: "answered"; readonly id: string }
  /** It was answered by the node itself. */
  | { readonly type: "self" }
  /** The peer has no time now. */
  | { readonly type: "overloaded"; readonly retryMs: number }
  /** It came to nothing. */
  | {
    readonly type: "failed";
    readonly cause: "unreachable" | "cluster" | "name";
    readonly reason: string;
  };

/** What {@link Streams} works on. */
export interface StreamsOptions extends Parts {
  /** A peer that joins or syncs has more than it was asked for yet. */
  readonly ask: (to: Address, wants: readonly DigestEntry[]) => void;
}

/** The exchanges by stream: joins, syncs and goodbyes, from both ends. */
export class Streams {
  readonly #parts: StreamsOptions;
  readonly #own = new Map<number, { to: Address; ended: (result: StreamResult) => void }>();
  readonly #answering = new Set<number>();
  readonly #syncing = new Set<Address>();
  #exchange = 0;

  /** Works on the parts of one core. */
  constructor(options: StreamsOptions) {
    this.#parts = options;
  }

  /** Begins a join, a sync, or a goodbye. */
  begin(
    type: "join" | "sync" | "leave",
    to: Address,
    ended: (result: StreamResult) => void,
  ): void {
    const { turn, counts, settings: { streamTimeoutMs: timeoutMs } } = this.#parts;
    const exchange = ++this.#exchange;
    this.#own.set(exchange, { to, ended });
    const messages = type === "leave"
      ? leaveOf(this.#parts, exchange)
      : requestOf(this.#parts, type, exchange);
    counts.streamsOutbound++;
    if (type !== "leave") turn.count("eventLocalState");
    turn.emit({ type: "exchange", exchange, to, bytes: this.#encode(messages), timeoutMs });
  }

  /** Begins a sync unless one with that peer, or enough with others, are under way. */
  sync(to: Address): void {
    if (this.#syncing.has(to) || this.#syncing.size >= MAX_SYNCS) return;
    if (this.#parts.self.record.left) return;
    this.#syncing.add(to);
    this.begin("sync", to, () => this.#syncing.delete(to));
  }

  /** A peer's whole request arrived. */
  request(exchange: number, bytes: Uint8Array): void {
    const { turn, counts, self, table } = this.#parts;
    counts.streamsInbound++;
    const messages = this.#decode(bytes);
    if (typeof messages === "string") {
      // Who belongs to another cluster is told so; anything else is no talk.
      if (messages === "label") this.#reject(exchange, REJECT_CLUSTER, 0);
      else turn.emit({ type: "hangUp", exchange });
      return;
    }
    const first = messages[0]!;
    const asks = first.type === "join" || first.type === "sync" || first.type === "leave";
    const whole = asks && messages.every(({ type }) => type === first.type) &&
      parseAddress(first.source.addr) !== undefined;
    if (!whole) {
      turn.refuse("type", "A request by stream is none");
      return turn.emit({ type: "hangUp", exchange });
    }
    if (messages.some((message) => "label" in message && message.label !== this.#parts.label)) {
      turn.refuse("label", "A request by stream belongs to another cluster");
      return this.#reject(exchange, REJECT_CLUSTER, 0);
    }
    const { source, exchange: echoed } = first;
    if (first.type !== "leave" && this.#answering.size >= MAX_ANSWERS) {
      turn.refuse("overloaded", `${this.#answering.size} exchanges are being answered`);
      return this.#reject(exchange, REJECT_OVERLOADED, RETRY_MS);
    }
    if (source.id === self.record.id) {
      if (source.addr !== self.record.addr) {
        self.claimed({ ...source, version: 0, heartbeat: 0 });
      }
      return this.#reply(exchange, replyOf(this.#parts, [], echoed));
    }
    const { digest, more } = this.#apply(messages);
    if (first.type === "leave") {
      table.left(source.id, source.generation);
      const ack = { type: "leaveAck" as const, ...prefixOf(this.#parts, echoed) };
      return this.#reply(exchange, [ack]);
    }
    turn.count("eventRemoteState");
    const { lacks, wants } = compare(this.#parts, digest, first.known);
    this.#answering.add(exchange);
    this.#reply(exchange, replyOf(this.#parts, lacks, echoed));
    if (wants.length > 0 && !self.record.left) this.#parts.ask(source.addr, wants);
    if (more) this.sync(source.addr);
  }

  /** The reply to a request was taken, or was not: either way it is over, as a reply is no promise. */
  replied(exchange: number): void {
    this.#answering.delete(exchange);
  }

  /** The whole reply to an own exchange arrived. */
  response(exchange: number, bytes: Uint8Array): void {
    const own = this.#own.get(exchange);
    if (own === undefined) return;
    this.#own.delete(exchange);
    const { more, ...result } = this.#result(bytes, own.to);
    own.ended(result);
    // Larger than a stream may be: there was progress, so that going on comes to an end.
    if (more) this.sync(own.to);
  }

  /** An own exchange failed. */
  failed(exchange: number, reason: string): void {
    const own = this.#own.get(exchange);
    this.#own.delete(exchange);
    own?.ended({ type: "failed", cause: "unreachable", reason });
  }

  #result(bytes: Uint8Array, to: Address): StreamResult & { readonly more?: boolean } {
    const { self, turn } = this.#parts;
    const messages = this.#decode(bytes);
    if (typeof messages === "string") return failedBy(messages);
    const first = messages[0]!;
    if (first.type === "reject") {
      if (first.code === REJECT_OVERLOADED) return { type: "overloaded", retryMs: first.a };
      if (first.code === REJECT_CLUSTER) return this.#foreign(to);
      return { type: "failed", cause: "unreachable", reason: `rejected with code ${first.code}` };
    }
    const answers = first.type === "joinReply" || first.type === "leaveAck";
    if (!answers || messages.some(({ type }) => type !== first.type)) {
      turn.refuse("type", "A reply by stream is none");
      return failedBy("type");
    }
    if (messages.some((message) => "label" in message && message.label !== this.#parts.label)) {
      return this.#foreign(to);
    }
    const { source } = first;
    if (source.id === self.record.id) {
      const { id: _, ...claim } = source;
      if (source.addr === self.record.addr) return { type: "self" };
      self.claimed({ ...claim, version: 0, heartbeat: 0 });
      return { type: "failed", cause: "name", reason: "it has the own name" };
    }
    if (first.type === "joinReply") {
      turn.count("eventRemoteState");
      return { type: "answered", id: source.id, more: this.#apply(messages).more };
    }
    return { type: "answered", id: source.id };
  }

  #foreign(to: Address): StreamResult {
    this.#parts.turn.refuse("label", `${to} belongs to another cluster`);
    return { type: "failed", cause: "cluster", reason: "it belongs to another cluster" };
  }

  /** Takes all deltas; the digest of all messages together, and whether there is more than they hold. */
  #apply(
    messages: readonly StreamMessage[],
  ): { readonly digest: readonly DigestEntry[]; readonly more: boolean } {
    const digest = new Map<string, DigestEntry>();
    let more = false;
    for (const message of messages) {
      if ("digest" in message) { for (const entry of message.digest) digest.set(entry.id, entry); }
      if (!("delta" in message)) continue;
      countEntries(this.#parts, message, "Inbound");
      if (applyDelta(this.#parts, message.delta)) more = true;
    }
    return { digest: [...digest.values()], more };
  }

  #decode(bytes: Uint8Array): readonly StreamMessage[] | string {
    const { turn, counts, tag } = this.#parts;
    counts.streamBytesInbound += bytes.length;
    try {
      return decodeStream(bytes, tag);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      turn.refuse(error.reason, error.message);
      return error.reason;
    }
  }

  #encode(messages: readonly StreamMessage[]): Uint8Array {
    const { counts, tag } = this.#parts;
    const bytes = encodeStream(messages, tag);
    counts.streamBytesOutbound += bytes.length;
    for (const message of messages) countEntries(this.#parts, message, "Outbound");
    return bytes;
  }

  #reply(exchange: number, messages: readonly StreamMessage[]): void {
    this.#parts.turn.emit({ type: "reply", exchange, bytes: this.#encode(messages) });
  }

  #reject(exchange: number, code: number, a: number): void {
    this.#reply(exchange, [{ type: "reject", code, a, b: 0 }]);
  }
}

function failedBy(refusal: string): StreamResult {
  const cause = refusal === "label" ? "cluster" : "unreachable";
  return { type: "failed", cause, reason: `no reply (${refusal})` };
}
