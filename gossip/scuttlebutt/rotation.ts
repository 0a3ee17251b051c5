import type { Turn } from "./turn.ts";

/** Walks over a random permutation, and a new one after its end: as fair as random choice, without its long waits. */
export class Rotation {
  readonly #turn: Turn;
  #queue: string[] = [];

  /** Begins without anybody. */
  constructor(turn: Turn) {
    this.#turn = turn;
  }

  /** A new peer takes part, at a random place of what is left of this walk. */
  add(id: string): void {
    this.#queue.splice(this.#turn.below(this.#queue.length + 1), 0, id);
  }

  /** The next that `accepts`; after the last one, another walk over `all` begins. `undefined` when there is none at all. */
  next(all: () => readonly string[], accepts: (id: string) => boolean): string | undefined {
    for (let walk = 0; walk < 2; walk++) {
      for (let id = this.#queue.pop(); id !== undefined; id = this.#queue.pop()) {
        if (accepts(id)) return id;
      }
      if (walk === 0) this.#queue = shuffle([...all()], this.#turn);
    }
    return undefined;
  }
}

/** Shuffles in place (Fisher and Yates). */
export function shuffle<T>(items: T[], turn: Turn): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = turn.below(i + 1);
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items;
}
