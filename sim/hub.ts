import type { GossipEffect } from "../gossip/strategy.ts";
import type { Ending, Life, Message, Packet, ViewChange, Watcher } from "./observation.ts";

type Hooks = { [Hook in keyof Watcher]-?: NonNullable<Watcher[Hook]>[] };

/** Tells all watchers; a hook that nobody has costs nothing. */
export class Hub implements Required<Watcher> {
  readonly #hooks: Hooks = {
    started: [],
    ended: [],
    slept: [],
    woke: [],
    leaving: [],
    viewed: [],
    sent: [],
    delivered: [],
    written: [],
    exchanged: [],
    effect: [],
    overflowed: [],
    stepped: [],
  };

  /** Adds a watcher: it hears of what happens from now on. */
  add(watcher: Watcher): void {
    for (const hook of Object.keys(this.#hooks) as (keyof Watcher)[]) {
      const call = watcher[hook];
      if (call !== undefined) (this.#hooks[hook] as unknown[]).push(call.bind(watcher));
    }
  }

  /** See {@link Watcher.started}. */
  started(life: Life): void {
    for (const call of this.#hooks.started) call(life);
  }
  /** See {@link Watcher.ended}. */
  ended(life: Life, how: Ending): void {
    for (const call of this.#hooks.ended) call(life, how);
  }
  /** See {@link Watcher.slept}. */
  slept(life: Life): void {
    for (const call of this.#hooks.slept) call(life);
  }
  /** See {@link Watcher.woke}. */
  woke(life: Life): void {
    for (const call of this.#hooks.woke) call(life);
  }
  /** See {@link Watcher.leaving}. */
  leaving(life: Life): void {
    for (const call of this.#hooks.leaving) call(life);
  }
  /** See {@link Watcher.viewed}. */
  viewed(life: Life, change: ViewChange): void {
    for (const call of this.#hooks.viewed) call(life, change);
  }
  /** See {@link Watcher.sent}. */
  sent(packet: Packet): void {
    for (const call of this.#hooks.sent) call(packet);
  }
  /** See {@link Watcher.delivered}. */
  delivered(life: Life, packet: Packet): void {
    for (const call of this.#hooks.delivered) call(life, packet);
  }
  /** See {@link Watcher.written}. */
  written(message: Message): void {
    for (const call of this.#hooks.written) call(message);
  }
  /** See {@link Watcher.exchanged}. */
  exchanged(life: Life, outcome: "response" | "failed"): void {
    for (const call of this.#hooks.exchanged) call(life, outcome);
  }
  /** See {@link Watcher.effect}. */
  effect(life: Life, effect: GossipEffect): void {
    for (const call of this.#hooks.effect) call(life, effect);
  }
  /** See {@link Watcher.overflowed}. */
  overflowed(life: Life): void {
    for (const call of this.#hooks.overflowed) call(life);
  }
  /** See {@link Watcher.stepped}. */
  stepped(life: Life): void {
    for (const call of this.#hooks.stepped) call(life);
  }
}
