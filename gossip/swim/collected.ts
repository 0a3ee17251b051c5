import type { Member } from "./member.ts";

/** What to do with news of a name: believe it, ignore it, or ask the node itself whether it lives. */
export type CollectedVerdict = "admit" | "stale" | "ask";

interface Tombstone {
  readonly generation: number;
  readonly incarnation: number;
  readonly until: number;
  askAgainAt: number;
}

/**
 * Names whose records were collected, so that a peer which has not heard of the death cannot teach them anew. Only lives with a
 * generation are remembered; of others memberlist's rules hold.
 */
export class CollectedNames {
  readonly #names = new Map<string, Tombstone>();
  readonly #memoryMs: number;
  readonly #maxNames: number;

  /** Remembers each name for `memoryMs`, and at most `maxNames`, the latest. */
  constructor(memoryMs: number, maxNames: number) {
    this.#memoryMs = memoryMs;
    this.#maxNames = maxNames;
  }

  /** Names remembered. */
  get size(): number {
    return this.#names.size;
  }

  /** Remembers a record that is about to be removed. */
  remember(member: Member, now: number): void {
    if (member.generation === undefined || this.#maxNames === 0) return;
    this.#names.delete(member.name);
    this.#names.set(member.name, {
      generation: member.generation,
      incarnation: member.incarnation,
      until: now + this.#memoryMs,
      askAgainAt: -Infinity,
    });
    for (const [name, tombstone] of this.#names) {
      if (this.#names.size <= this.#maxNames && tombstone.until > now) break;
      this.#names.delete(name);
    }
  }

  /** Forgets a name: it was seen alive. */
  forget(name: string): void {
    this.#names.delete(name);
  }

  /**
   * Judges news that a name is alive. A newer generation or a higher incarnation can only come from the node itself; the collected
   * incarnation may be an echo, or a node that was merely cut off: it is asked, at most once in `askEveryMs`. So is an older generation,
   * which may live on though a twin with a newer one, or a clock that went back, was seen here alone.
   */
  judge(
    news: {
      readonly name: string;
      readonly generation: number | undefined;
      readonly incarnation: number;
    },
    options: { readonly now: number; readonly askEveryMs: number },
  ): CollectedVerdict {
    const tombstone = this.#names.get(news.name);
    if (tombstone === undefined || news.generation === undefined) return "admit";
    if (
      tombstone.until <= options.now || news.generation > tombstone.generation ||
      (news.generation === tombstone.generation && news.incarnation > tombstone.incarnation)
    ) {
      this.#names.delete(news.name);
      return "admit";
    }
    if (options.now < tombstone.askAgainAt) return "stale";
    tombstone.askAgainAt = options.now + options.askEveryMs;
    return "ask";
  }
}
