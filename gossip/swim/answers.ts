import type { Address } from "../strategy.ts";
import type { Acks } from "./acks.ts";
import { DEFAULT_PORT, formatAddress, sameBytes } from "./address.ts";
import type { CollectedNames } from "./collected.ts";
import type { Dissemination } from "./dissemination.ts";
import type { MemberTable } from "./member_table.ts";
import type { Alive, IndirectPing, Ping } from "./messages.ts";
import type { SwimSettings } from "./options.ts";
import { pingFrom } from "./probe.ts";
import type { Self } from "./self.ts";
import type { Turn } from "./turn.ts";

/** What {@link Answers} work on. */
export interface AnswersOptions {
  readonly turn: Turn;
  readonly settings: SwimSettings;
  readonly self: Self;
  readonly table: MemberTable;
  readonly dissemination: Dissemination;
  readonly collected: CollectedNames;
  readonly acks: Acks;
}

/** What a node does for the probes of others: acks, relayed probes with acks or nacks, and questions to collected names. */
export class Answers {
  readonly #parts: AnswersOptions;

  /** Works on the parts of one core. */
  constructor(options: AnswersOptions) {
    this.#parts = options;
  }

  /** Acknowledges a ping for this node. One for another name is dropped: the address was used by that one before. */
  ping(ping: Ping): void {
    const { turn, self, dissemination } = this.#parts;
    if (ping.node !== "" && ping.node !== self.name) {
      return turn.refuse("name", `A ping for ${ping.node} arrived`);
    }
    const to = this.#source(ping);
    if (to === undefined) return;
    dissemination.send(to, { type: "ack", seqNo: ping.seqNo, payload: undefined });
  }

  /** Pings a node for another one; exactly one of ack and nack follows, the nack only if wanted. */
  relay(request: IndirectPing): void {
    const { turn, settings, self, dissemination, acks } = this.#parts;
    const requester = this.#source(request);
    if (requester === undefined) return;
    const port = request.port === 0 ? DEFAULT_PORT : request.port;
    const target = formatAddress({ addr: request.target, port });
    if (target === undefined) {
      return turn.refuse("address", `A probe of an address of ${request.target.length} bytes`);
    }
    if (!acks.hasRoom) return turn.refuse("limit", "Too many probes for others are under way");
    const answered = { seqNo: request.seqNo };
    const seqNo = acks.expectWithin(settings.probeTimeoutMs, {
      turn,
      acked: () => dissemination.send(requester, { type: "ack", ...answered, payload: undefined }),
      silent: () => {
        if (request.nack) dissemination.send(requester, { type: "nack", ...answered });
      },
    });
    dissemination.send(target, pingFrom(self, { seqNo, node: request.node }));
  }

  /** Asks a collected name at its address whether it lives, and lets `believe` have the news if so. */
  ask(news: Alive, believe: (news: Alive) => void): void {
    const { turn, settings, self, dissemination, collected, acks } = this.#parts;
    const port = news.port === 0 ? DEFAULT_PORT : news.port;
    const to = formatAddress({ addr: news.addr, port });
    if (to === undefined || !acks.hasRoom) return;
    const seqNo = acks.expectWithin(settings.probeTimeoutMs, {
      turn,
      acked: () => {
        collected.forget(news.node);
        believe(news);
      },
    });
    dissemination.send(to, pingFrom(self, { seqNo, node: news.node }));
  }

  #source(message: Ping | IndirectPing): Address | undefined {
    const { sourceAddr: addr, sourcePort: port, sourceNode } = message;
    const known = this.#parts.table.named(sourceNode);
    // Nearly always: no text has to be made.
    if (known !== undefined && known.port === port && sameBytes(known.addr, addr)) {
      return known.address;
    }
    const to = port === 0 ? undefined : formatAddress({ addr, port });
    if (to === undefined) {
      this.#parts.turn.refuse("source", `A ${message.type} says not where to answer`);
    }
    return to;
  }
}
