/**
 * Ports for peers, below the range that the system gives to clients.
 *
 * @module
 */

/** Hands out ports that nobody listens on, each once. */
export class Ports {
  #next: number;

  /** Begins at a place of its own, so that two drivers on one machine rarely meet. */
  constructor(random: () => number) {
    this.#next = 10_000 + Math.floor(random() * 200) * 100;
  }

  /** The first of `count` free ports in a row. */
  take(count: number): number {
    for (;;) {
      if (this.#next + count > 32_000) this.#next = 10_000;
      const first = this.#next;
      let free = 0;
      while (free < count && isFree(first + free)) free++;
      this.#next = first + free + 1;
      if (free === count) return first;
    }
  }
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch {
    return false;
  }
}
