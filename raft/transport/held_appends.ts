/**
 * News of commits that wait for company.
 *
 * A caller that proposes its next command as soon as the last one is committed makes its leader send two messages a command to each
 * follower: an empty append that says what is committed, and the next entry, which says it as well. Both cost a frame, a write, a read and
 * an answer. So an empty append waits for two turns of the event loop, and is dropped when entries for the same member come before.
 *
 * For the protocol one that was dropped is a message that was lost, and one that is late a message that was slow. None overtakes another.
 *
 * @module
 */
import type { NodeId } from "../entry.ts";
import type { AppendMessage } from "../message.ts";

/** Options of {@link HeldAppends}. */
export interface HeldAppendsOptions {
  /** Calls back in a later turn of the event loop. */
  readonly defer: (callback: () => void) => void;
  readonly send: (message: AppendMessage) => void;
}

/** Sends appends in order, empty ones a little later or not at all. */
export class HeldAppends {
  readonly #options: HeldAppendsOptions;
  readonly #held = new Map<NodeId, AppendMessage>();
  #deferred = false;

  constructor(options: HeldAppendsOptions) {
    this.#options = options;
  }

  /** Sends an append, now or soon. */
  push(message: AppendMessage): void {
    const { send } = this.#options;
    const held = this.#held.get(message.to);
    if (held !== undefined) {
      this.#held.delete(message.to);
      if (!saysAsMuch(message, held)) send(held);
    }
    if (message.entries.length > 0) return send(message);
    this.#held.set(message.to, message);
    if (this.#deferred) return;
    this.#deferred = true;
    // In one turn the commit reaches its caller, and what the caller proposes then is joined; it is sent in the next.
    this.#options.defer(() => this.#options.defer(() => this.#flush()));
  }

  /** Forgets what waits. */
  clear(): void {
    this.#held.clear();
  }

  #flush(): void {
    this.#deferred = false;
    const waiting = [...this.#held.values()];
    this.#held.clear();
    for (const message of waiting) this.#options.send(message);
  }
}

/** Whether a later message makes an earlier one without entries needless: it reaches as far in the log, and commits as much. */
function saysAsMuch(later: AppendMessage, earlier: AppendMessage): boolean {
  return later.term >= earlier.term && later.prevIndex >= earlier.prevIndex &&
    later.commit >= earlier.commit;
}
