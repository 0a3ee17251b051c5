import { DEFAULT_PORT, formatAddress, sameBytes } from "./address.ts";
import type { Awareness } from "./awareness.ts";
import type { CollectedNames } from "./collected.ts";
import type { ConflictReports } from "./conflicts.ts";
import type { Dissemination } from "./dissemination.ts";
import { generationOf, MAX_GENERATION_JUMP } from "./generation.ts";
import {
  ALIVE,
  changeMeta,
  DEAD,
  hasMeta,
  isPeer,
  LEFT,
  MAX_NAME_LENGTH,
  type Member,
  SUSPECT,
} from "./member.ts";
import type { MemberTable } from "./member_table.ts";
import type { Alive, Dead, Suspect } from "./messages.ts";
import type { SwimSettings } from "./options.ts";
import type { Self } from "./self.ts";
import { Suspicion } from "./suspicion.ts";
import type { Turn } from "./turn.ts";
import { VERSIONS } from "./wire/versions.ts";

/** Above it nothing new is held against a node: refuting it would bring the uint32 close to its end. */
const MAX_ACCUSED_INCARNATION = 0xfff0_0000;
/** Above it nobody is believed alive. Leaves those who refute the highest accusation room to raise theirs. */
const MAX_INCARNATION = 0xffff_0000;
const MAX_META_BYTES = 512;

/** Who is told when a name becomes or stops being a peer. */
export interface MemberEvents {
  /** Dead, left or unknown became alive. */
  joined(member: Member): void;
  /** The metadata changed. */
  updated(member: Member): void;
  /** A peer died or left. */
  left(member: Member): void;
  /** A newer life of the name replaces the known one; `joined` follows. */
  evicted(member: Member): void;
}

/** What {@link Verdicts} work on. */
export interface VerdictsOptions {
  readonly turn: Turn;
  readonly settings: SwimSettings;
  readonly self: Self;
  readonly table: MemberTable;
  readonly dissemination: Dissemination;
  readonly awareness: Awareness;
  readonly collected: CollectedNames;
  readonly conflicts: ConflictReports;
  readonly events: MemberEvents;
  /** Asks the node at its address whether it lives; if so, `accept` again. */
  readonly ask: (news: Alive) => void;
}

/** SWIM's decisions: which news about a node overrides what is known, and what follows. Rules as in memberlist's state.go, by row. */
export class Verdicts {
  readonly #parts: VerdictsOptions;

  /** Works on the parts of one core. */
  constructor(options: VerdictsOptions) {
    this.#parts = options;
  }

  /** Takes the own node up, alive at incarnation 1. */
  bootstrap(): void {
    const { self } = this.#parts;
    this.#believe(this.#create(this.#ownNews(self.raiseIncarnation(0)), self.address));
  }

  /** News that a node is alive. */
  alive(news: Alive): void {
    const { turn, self, table, settings } = this.#parts;
    if (news.node === self.name) return this.#aliveSelf(news);
    const known = table.named(news.node);
    // Most news is old: a dozen packets carry each piece to every node.
    if (known !== undefined && repeats(news, known)) return;
    const address = this.#plausible(news);
    if (address === undefined) return;
    const generation = generationOf(news.meta);
    const ahead = Math.max(self.generation, known?.generation ?? 0) + MAX_GENERATION_JUMP;
    if (generation !== undefined && generation > ahead) {
      return turn.refuse("generation", `${news.node} claims generation ${generation}`);
    }
    if (known === undefined) return this.#unknown(news, generation, address);
    const lived = known.generation;
    const comparable = generation !== undefined && lived !== undefined;
    if (comparable && generation < lived) {
      return turn.refuse("stale", `${news.node} lives in generation ${lived}, not ${generation}`);
    }
    const evicts = comparable && generation > lived;
    const moved = !sameBytes(known.addr, news.addr) || known.port !== portOf(news);
    if (moved && !evicts) {
      const reclaimed = known.state === DEAD && settings.deadNodeReclaimMs > 0 &&
        turn.now - known.changedAt > settings.deadNodeReclaimMs;
      if (known.state !== LEFT && !reclaimed) return this.#conflict(known, address);
    } else if (news.incarnation <= known.incarnation && !evicts) return;
    if (evicts) this.#evict(known);
    this.#believe({ member: known, news, address });
  }

  /** News that a node is suspected. `own`: by this node's own probe. */
  suspect(news: Suspect, own = false): void {
    const { turn, settings, self, table, dissemination } = this.#parts;
    const known = this.#current(news, own);
    if (known === undefined) return;
    if (known.suspicion !== undefined) {
      if (!known.suspicion.confirm(news.from, turn.now)) return;
      dissemination.broadcast(known.name, news);
      return this.#arm(known);
    }
    if (known.state !== ALIVE) return;
    if (known.name === self.name) return this.refute(news.incarnation);
    dissemination.broadcast(known.name, news);
    turn.count("suspicion");
    known.incarnation = news.incarnation;
    table.turn(known, SUSPECT, turn.now);
    known.suspicion = new Suspicion(news.from, { ...settings, n: table.size, now: turn.now });
    this.#arm(known);
  }

  /** News that a node is dead, or left when it says so itself. `finished` is called once the news was spread. */
  dead(news: Dead, finished?: () => void): void {
    const { turn, self, table, dissemination, events } = this.#parts;
    const known = this.#current(news, false);
    if (known === undefined) return;
    this.#clearSuspicion(known);
    if (!isPeer(known.state)) return;
    if (known.name === self.name && !self.leaving) return this.refute(news.incarnation);
    dissemination.broadcast(known.name, news, finished);
    known.incarnation = news.incarnation;
    table.turn(known, news.from === news.node ? LEFT : DEAD, turn.now);
    events.left(known);
  }

  /** Announces the own life above an incarnation that was held against it. */
  refute(accused: number): void {
    const { turn, self, table, dissemination, awareness } = this.#parts;
    const own = table.named(self.name);
    if (own === undefined) return;
    own.incarnation = self.raiseIncarnation(accused);
    changeMeta(own, self.meta);
    awareness.apply(1);
    turn.count("refutation");
    dissemination.broadcast(self.refutationName, this.#ownNews(own.incarnation));
  }

  /**
   * Answers news, of whatever state, that the own name has a life which beats this one: raises the own generation above it, or
   * reports a conflict where that was in vain. `running`: whether the other life is believed to run.
   *
   * @returns Whether the news was such.
   */
  outlive(
    news: {
      readonly addr: Uint8Array;
      readonly port: number;
      readonly meta: Uint8Array | undefined;
      readonly incarnation: number;
    },
    running: boolean,
  ): boolean {
    const { turn, self, table } = this.#parts;
    const generation = generationOf(news.meta);
    // One that leaves must not return, least of all over the next life of its name.
    if (self.leaving || !self.isBeatenBy(generation)) return false;
    const elsewhere = !sameBytes(news.addr, self.addr) || portOf(news) !== self.port;
    if (generation === self.generation && !elsewhere) return false;
    if (generation > self.generation + MAX_GENERATION_JUMP) {
      turn.refuse("generation", `${self.name} is said to be in generation ${generation}`);
    } else if (self.raiseGeneration(generation, turn.now, elsewhere && running)) {
      this.refute(Math.min(news.incarnation, MAX_ACCUSED_INCARNATION));
    } else {
      const address = formatAddress({ addr: news.addr, port: portOf(news) });
      this.#conflict(table.named(self.name)!, address ?? "unknown");
    }
    return true;
  }

  /** Whether an entry of a whole state tells of a life of its name that a newer one evicted here. */
  isFormer(entry: { readonly name: string; readonly meta: Uint8Array | undefined }): boolean {
    const lives = this.#parts.table.named(entry.name)?.generation;
    const told = generationOf(entry.meta);
    return lives !== undefined && told !== undefined && told < lives;
  }

  /** Grants all suspicions the time that this process slept through, and at least `graceMs` from now. */
  postpone(lateMs: number, graceMs: number): void {
    const { table, turn: { now } } = this.#parts;
    if (table.count(SUSPECT) === 0) return;
    for (const member of table.list) {
      if (member.suspicion === undefined) continue;
      member.suspicion.postpone({ now, lateMs, graceMs });
      this.#arm(member);
    }
  }

  #aliveSelf(news: Alive): void {
    const { self, table } = this.#parts;
    if (self.leaving) return;
    const address = this.#plausible(news);
    const own = table.named(self.name);
    if (address === undefined || own === undefined || this.outlive(news, true)) return;
    if (address !== self.address) {
      const generation = generationOf(news.meta);
      const former = self.meta !== undefined && generation !== undefined;
      // An echo of a former life at another address is no conflict; it only has to be outnumbered.
      if (!former) return this.#conflict(own, address);
      if (news.incarnation >= own.incarnation) this.refute(news.incarnation);
      return;
    }
    if (news.incarnation < own.incarnation) return;
    const known = news.incarnation === own.incarnation && hasMeta(own, news.meta) &&
      sameBytes(news.vsn, own.vsn);
    if (!known) this.refute(news.incarnation);
  }

  #unknown(news: Alive, generation: number | undefined, address: string): void {
    const { turn, table, settings, collected, ask } = this.#parts;
    const verdict = collected.judge({ ...news, name: news.node, generation }, {
      now: turn.now,
      askEveryMs: settings.probeIntervalMs,
    });
    if (verdict === "ask") ask(news);
    if (verdict !== "admit") {
      return turn.refuse("collected", `${news.node} was collected, last news is not newer`);
    }
    if (table.size >= settings.maxMembers) {
      return turn.refuse("limit", `${table.size} members are known, ${news.node} is one too many`);
    }
    this.#believe(this.#create(news, address));
  }

  #create(news: Alive, address: string): { member: Member; news: Alive; address: string } {
    const member: Member = {
      name: news.node,
      addr: news.addr,
      port: portOf(news),
      address,
      otherMeta: undefined,
      generation: undefined,
      vsn: news.vsn,
      incarnation: 0,
      state: DEAD,
      changedAt: -Infinity,
      formerIncarnation: -1,
      suspicion: undefined,
      index: 0,
    };
    this.#parts.table.insert(member);
    return { member, news, address };
  }

  // Rows 8 and 11 to 13 of memberlist's alive rules.
  #believe({ member, news, address }: { member: Member; news: Alive; address: string }): void {
    const { turn, table, dissemination, events } = this.#parts;
    this.#clearSuspicion(member);
    const port = portOf(news);
    dissemination.broadcast(member.name, { ...news, port });
    member.addr = news.addr;
    member.port = port;
    member.address = address;
    const updated = changeMeta(member, news.meta);
    member.vsn = news.vsn;
    member.incarnation = news.incarnation;
    const wasPeer = isPeer(member.state);
    if (member.state !== ALIVE) table.turn(member, ALIVE, turn.now);
    if (!wasPeer) events.joined(member);
    else if (updated) events.updated(member);
  }

  #evict(member: Member): void {
    const { turn, table, events } = this.#parts;
    this.#clearSuspicion(member);
    member.formerIncarnation = member.incarnation;
    events.evicted(member);
    if (isPeer(member.state)) table.turn(member, DEAD, turn.now);
  }

  // The record that an accusation is about, unless the accusation is outdated or beyond belief.
  #current(news: Suspect | Dead, own: boolean): Member | undefined {
    const { turn, self, table } = this.#parts;
    const known = table.named(news.node);
    if (known === undefined || news.incarnation < known.incarnation) return undefined;
    if (news.incarnation <= known.formerIncarnation && !own) return undefined;
    // At the incarnation that is known anybody may be accused, or a liar could make the dead immortal.
    const most = Math.max(MAX_ACCUSED_INCARNATION, known.incarnation);
    if (news.incarnation > most || news.incarnation >= MAX_INCARNATION && news.node === self.name) {
      turn.refuse("incarnation", `${news.node} is accused at incarnation ${news.incarnation}`);
      return undefined;
    }
    if (news.from.length > MAX_NAME_LENGTH) {
      turn.refuse("limit", `The name of who accuses ${news.node} is too long`);
      return undefined;
    }
    return known;
  }

  #arm(member: Member): void {
    const { turn, self } = this.#parts;
    const suspicion = member.suspicion!;
    turn.timers.cancel(suspicion.timer);
    suspicion.timer = turn.timers.set(suspicion.deadline, () => {
      member.suspicion = undefined;
      const { name: node, incarnation } = member;
      // By its own verdict: a former life's protection must not keep a dead member forever.
      member.formerIncarnation = Math.min(member.formerIncarnation, incarnation - 1);
      this.dead({ type: "dead", node, incarnation, from: self.name });
    });
  }

  #clearSuspicion(member: Member): void {
    this.#parts.turn.timers.cancel(member.suspicion?.timer);
    member.suspicion = undefined;
  }

  #conflict(known: Member, claimed: string): void {
    this.#parts.conflicts.report(known.name, known.address, claimed);
  }

  // The address as text, or `undefined` after a refusal.
  #plausible(news: Alive): string | undefined {
    const { turn } = this.#parts;
    const [min, max, current] = news.vsn;
    if (news.vsn.length !== 6 || min === 0 || max === 0 || min! > max! || current === 0) {
      turn.refuse("version", `${news.node} speaks protocol versions [${news.vsn.join()}]`);
      return undefined;
    }
    // Incarnation 0 makes nobody alive, so it is no news.
    if (news.incarnation === 0) return undefined;
    const { self, table } = this.#parts;
    const own = news.node === self.name ? table.named(self.name) : undefined;
    const most = own === undefined
      ? MAX_INCARNATION
      : Math.max(MAX_ACCUSED_INCARNATION, own.incarnation);
    if (news.incarnation > most) {
      turn.refuse("incarnation", `${news.node} claims incarnation ${news.incarnation}`);
      return undefined;
    }
    const tooLong = news.node.length > MAX_NAME_LENGTH ||
      (news.meta?.length ?? 0) > MAX_META_BYTES;
    if (news.node === "" || tooLong) {
      turn.refuse("limit", "A node's name or metadata is empty or too long");
      return undefined;
    }
    const address = formatAddress({ addr: news.addr, port: portOf(news) });
    if (address === undefined) {
      turn.refuse("address", `${news.node} claims an address of ${news.addr.length} bytes`);
    }
    return address;
  }

  #ownNews(incarnation: number): Alive {
    const { name: node, addr, port, meta } = this.#parts.self;
    return { type: "alive", node, addr, port, meta, incarnation, vsn: VERSIONS };
  }
}

function repeats(news: Alive, known: Member): boolean {
  return news.incarnation <= known.incarnation && known.port === portOf(news) &&
    sameBytes(known.addr, news.addr) && hasMeta(known, news.meta);
}

function portOf(news: { readonly port: number }): number {
  return news.port === 0 ? DEFAULT_PORT : news.port;
}
