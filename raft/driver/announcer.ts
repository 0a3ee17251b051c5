/**
 * Tells listeners, watchers and the log what happens to a node.
 *
 * @module
 */
import { TypedEventTarget } from "../../membership/events.ts";
import { LogThrottle } from "../../membership/logger.ts";
import { Tally } from "../../membership/stats.ts";
import type { RaftNodeEventMap } from "../node_events.ts";
import type { ResolvedRaftNodeOptions } from "../node_options.ts";

/** One line a reason and period. */
const LOG_PERIOD_MS = 10_000;

/** The voice of one node. */
export class Announcer {
  readonly events: TypedEventTarget<RaftNodeEventMap> = new TypedEventTarget();
  /** What was refused, by reason. */
  readonly refusals: Tally = new Tally();
  readonly #options: Pick<ResolvedRaftNodeOptions<never>, "id" | "clock" | "logger">;
  readonly #throttle = new LogThrottle(LOG_PERIOD_MS);
  readonly #changes = new Set<() => void>();
  readonly #ends = new Set<() => void>();
  #waking = false;
  #ended = false;

  constructor(options: Pick<ResolvedRaftNodeOptions<never>, "id" | "clock" | "logger">) {
    this.#options = options;
  }

  /** Dispatches an event, and wakes who watches. */
  tell<Type extends keyof RaftNodeEventMap>(type: Type, detail: RaftNodeEventMap[Type]): void {
    this.events.dispatchEvent(new CustomEvent(type, { detail }));
    this.wake();
  }

  /** Something had no effect. */
  refuse(reason: string, detail: string): void {
    this.refusals.add(reason);
    const { clock, logger, id } = this.#options;
    const held = this.#throttle.pass(reason, clock.now());
    if (held !== undefined) logger.warn("refused", { id, reason, detail, held });
    this.events.dispatchEvent(new CustomEvent("refused", { detail: { reason, detail } }));
  }

  /** Something failed that the node survives. */
  failed(what: string, error: unknown): void {
    this.#options.logger.warn(what, { id: this.#options.id, error });
    this.refusals.add("snapshot");
    const detail = `${what}: ${error instanceof Error ? error.message : error}`;
    this.events.dispatchEvent(
      new CustomEvent("refused", { detail: { reason: "snapshot", detail } }),
    );
  }

  /** Wakes who watches, once a turn. */
  wake(): void {
    if (this.#waking || this.#changes.size === 0) return;
    this.#waking = true;
    queueMicrotask(() => {
      this.#waking = false;
      for (const change of [...this.#changes]) change();
    });
  }

  /** Calls `change` from now on, and `end` when there will be no change any more. Returns what ends that. */
  subscribe(change: () => void, end: () => void): () => void {
    if (this.#ended) {
      end();
      return () => {};
    }
    this.#changes.add(change);
    this.#ends.add(end);
    return () => {
      this.#changes.delete(change);
      this.#ends.delete(end);
    };
  }

  /** There will be no change any more; the last one is seen first. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    queueMicrotask(() => {
      for (const change of [...this.#changes]) change();
      for (const end of [...this.#ends]) end();
    });
  }
}
