import type { Acks } from "./acks.ts";
import type { Awareness } from "./awareness.ts";
import type { CollectedNames } from "./collected.ts";
import type { Dissemination } from "./dissemination.ts";
import { ALIVE, DEAD, isPeer, LEFT, type Member, SUSPECT } from "./member.ts";
import type { MemberTable } from "./member_table.ts";
import type { Nack, Ping } from "./messages.ts";
import type { SwimSettings } from "./options.ts";
import type { Self } from "./self.ts";
import { MAX_POSTPONED } from "./suspicion.ts";
import type { Timer } from "./timers.ts";
import type { Turn } from "./turn.ts";
import type { Verdicts } from "./verdicts.ts";

/** The first protocol version whose speakers send nacks. */
const NACK_PROTOCOL = 4;

/** What a {@link Prober} works on. */
export interface ProberOptions {
  readonly turn: Turn;
  readonly settings: SwimSettings;
  readonly self: Self;
  readonly table: MemberTable;
  readonly dissemination: Dissemination;
  readonly awareness: Awareness;
  readonly collected: CollectedNames;
  readonly verdicts: Verdicts;
  readonly acks: Acks;
}

interface Probe {
  readonly seqNo: number;
  readonly target: Member;
  /** As known when the probe began. */
  readonly incarnation: number;
  readonly generation: number | undefined;
  /** When it fails. */
  failsAt: number;
  timer: Timer;
  due: () => void;
  postponed: number;
  nacksWanted: number;
  nacks: number;
}

/** The failure detector: one probe at a time, round robin over the table in random order (SWIM §4.3, Lifeguard §IV). */
export class Prober {
  readonly #parts: ProberOptions;
  #index = 0;
  #probe: Probe | undefined;
  #tickAt: number;
  #tick: Timer;
  #tickMissed = false;
  #stopped = false;

  /** Works on the parts of one core; the first probe is begun within one interval. */
  constructor(options: ProberOptions) {
    this.#parts = options;
    const { turn, settings } = options;
    this.#tickAt = turn.now + turn.random() * settings.probeIntervalMs;
    this.#tick = turn.timers.set(this.#tickAt, () => this.#ticked());
  }

  /** Begins no more probes. */
  stop(): void {
    const { turn, acks } = this.#parts;
    this.#stopped = true;
    turn.timers.cancel(this.#tick);
    if (this.#probe === undefined) return;
    turn.timers.cancel(this.#probe.timer);
    acks.forget(this.#probe.seqNo);
    this.#probe = undefined;
  }

  /** A helper heard nothing from the target. */
  nacked(nack: Nack): void {
    const probe = this.#probe;
    if (probe?.seqNo !== nack.seqNo || probe.nacks >= probe.nacksWanted) return;
    probe.nacks++;
    this.#parts.turn.count("nack");
  }

  /** Grants the probe under way more time, a few times: this process slept, and the ack may wait to be read. */
  postpone(ms: number): void {
    const probe = this.#probe;
    if (probe === undefined || probe.postponed++ >= MAX_POSTPONED) return;
    const { turn } = this.#parts;
    const { at } = probe.timer;
    const dueAt = Math.max(at, turn.now) + ms;
    // Later by as much, so that the helpers have their time too.
    probe.failsAt += dueAt - at;
    turn.timers.cancel(probe.timer);
    probe.timer = turn.timers.set(dueAt, probe.due);
  }

  #ticked(): void {
    const { turn, settings } = this.#parts;
    const missed = Math.floor((turn.now - this.#tickAt) / settings.probeIntervalMs);
    this.#tickAt += (missed + 1) * settings.probeIntervalMs;
    this.#tick = turn.timers.set(this.#tickAt, () => this.#ticked());
    if (this.#probe === undefined) this.#begin();
    else this.#tickMissed = true;
  }

  #begin(): void {
    const target = this.#next();
    if (target === undefined) return;
    const { turn, settings, self, dissemination, awareness, acks } = this.#parts;
    turn.count("probe");
    const { incarnation, generation, name: node } = target;
    const seqNo = acks.expect(() => this.#succeed());
    const due = () => this.#askOthers();
    this.#probe = {
      seqNo,
      target,
      incarnation,
      generation,
      failsAt: turn.now + awareness.scaleMs(settings.probeIntervalMs),
      timer: turn.timers.set(turn.now + settings.probeTimeoutMs, due),
      due,
      postponed: 0,
      nacksWanted: 0,
      nacks: 0,
    };
    const ping = pingFrom(self, { seqNo, node });
    if (target.state !== SUSPECT) return dissemination.send(target.address, ping);
    // Told of the suspicion at once, it can refute with the ack (Lifeguard §IV.C, buddy system).
    const suspect = { type: "suspect", incarnation, node, from: self.name } as const;
    dissemination.sendAlone(target, [ping, suspect]);
  }

  #askOthers(): void {
    const probe = this.#probe!;
    const { turn, settings, self, table, dissemination } = this.#parts;
    const { target, seqNo } = probe;
    const helpers = table.pick(
      settings.indirectChecks,
      (member) => member.state === ALIVE && member.name !== self.name && member !== target,
    );
    for (const helper of helpers) {
      const nack = helper.vsn[1]! >= NACK_PROTOCOL;
      if (nack) probe.nacksWanted++;
      dissemination.send(helper.address, {
        type: "indirectPing",
        seqNo,
        target: target.addr,
        port: target.port,
        node: target.name,
        nack,
        sourceAddr: self.addr,
        sourcePort: self.port,
        sourceNode: self.name,
      });
    }
    probe.due = () => this.#fail();
    probe.timer = turn.timers.set(probe.failsAt, probe.due);
  }

  #succeed(): void {
    const { turn, awareness } = this.#parts;
    turn.timers.cancel(this.#probe!.timer);
    awareness.apply(-1);
    this.#end();
  }

  #fail(): void {
    const { turn, self, awareness, verdicts, acks } = this.#parts;
    const { seqNo, target, incarnation, generation, nacksWanted, nacks } = this.#probe!;
    acks.forget(seqNo);
    turn.count("probeFailed");
    awareness.apply(nacksWanted > 0 ? nacksWanted - nacks : 1);
    // A newer life that evicted the silent one meanwhile was not asked.
    if (target.generation === generation) {
      verdicts.suspect({ type: "suspect", incarnation, node: target.name, from: self.name }, true);
    }
    this.#end();
  }

  #end(): void {
    this.#probe = undefined;
    if (!this.#tickMissed || this.#stopped) return;
    this.#tickMissed = false;
    this.#begin();
  }

  // Gives up after as many entries as the list has, the wrap counted as one: a tick may probe nobody.
  #next(): Member | undefined {
    const { self, table } = this.#parts;
    for (let checked = 0; checked < table.size; checked++) {
      if (this.#index >= table.size) {
        this.#reap();
        table.shuffle();
        this.#index = 0;
        continue;
      }
      const member = table.list[this.#index++]!;
      if (member.name !== self.name && isPeer(member.state)) return member;
    }
    return undefined;
  }

  #reap(): void {
    const { turn, settings, table, collected, dissemination } = this.#parts;
    if (table.count(DEAD) + table.count(LEFT) === 0) return;
    const before = turn.now - settings.gossipToTheDeadMs;
    for (let i = table.size - 1; i >= 0; i--) {
      const member = table.list[i]!;
      if (isPeer(member.state) || member.changedAt >= before) continue;
      collected.remember(member, turn.now);
      table.remove(member);
      dissemination.drop(member.name);
    }
  }
}

/** A ping that can be answered: it says where to. */
export function pingFrom(
  self: Self,
  probe: { readonly seqNo: number; readonly node: string },
): Ping {
  return {
    type: "ping",
    ...probe,
    sourceAddr: self.addr,
    sourcePort: self.port,
    sourceNode: self.name,
  };
}
